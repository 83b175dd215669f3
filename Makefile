# SPDX-License-Identifier: BSD-2-Clause
# serin: `make` builds build/serin; `sudo make demo`, `sudo make test`, `sudo make bench` show it. V=1 shows commands.

VERSION := 0.1.0
B := build
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-6s %s\n' $(1) $@)

# BPF: the newest packaged clang; `make BPF_CLANG=clang-14` builds with another one.
BPF_CLANG ?= $(firstword $(foreach v,19 18 17 16 15 14,$(if $(shell command -v clang-$(v)),clang-$(v))) clang)
BPFTOOL ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
CLANG_FORMAT ?= $(firstword $(foreach v,19 14,$(if $(shell command -v clang-format-$(v)),clang-format-$(v))) clang-format)
PKG_CONFIG ?= pkg-config
ifeq ($(origin CC),default)
CC := gcc
endif

# libmicrohttpd: HTTP server on our own event loop. jansson: JSON. libyaml: YAML with positions. libcurl: the CLI,
# health checks, notifications and Prometheus. libmnl: routes and neighbours. libcap-ng: dropping privileges. libbpf: all that BPF needs. libcares: DNS
# without blocking, which the C library's own resolver cannot do; libresolv, of the C library, takes its answers apart.
LIBS := libbpf libmicrohttpd jansson yaml-0.1 libcurl libmnl libcap-ng libcares
PKG_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(LIBS))
PKG_LIBS = $(shell $(PKG_CONFIG) --libs $(LIBS)) -lresolv -lelf -lz -lm

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
	-Wundef -Wformat=2 -Wvla
CPPFLAGS := -D_GNU_SOURCE -DSERIN_VERSION='"$(VERSION)"' -Iinclude -Iagent -I$(B)
CFLAGS ?= -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
ALL_CFLAGS = -std=gnu11 $(WARN) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS)
SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# -mcpu=v3: compare-and-swap needs it, and kernels before 6.6 know no v4.
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-function -Iinclude -Ivmlinux -Ibpf

AGENT_SRC := $(wildcard agent/*.c)
AGENT_OBJ := $(AGENT_SRC:%.c=$(B)/%.o)
# Everything that has a test of its own: all but main.
PARTS := $(filter-out agent/main.c,$(AGENT_SRC))
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
BPF_TESTS := $(patsubst tests/bpf/%.c,$(B)/tests-bpf/%,$(wildcard tests/bpf/test_*.c))
E2E_TOOLS := $(addprefix $(B)/e2e/,load httpd synflood udpload udpecho bulk programs syns \
	pass.bpf.o decap.bpf.o)
BPF_VARIANTS := $(B)/serin-clang14.bpf.o
DEPS = $(shell find $(B) -name '*.d' 2>/dev/null)

.PHONY: all demo test bench bench-peers vm sim lint install clean deps tests-deps e2e-tools tests
.DELETE_ON_ERROR:

all: $(B)/serin

# One line that names the package that is missing, instead of a compiler's page.
define need
$(if $(shell $(2)),,$(error the Debian package $(1) is missing: run `sudo scripts/install-deps`))
endef
need_lib = $(call need,$(2),$(PKG_CONFIG) --exists $(1) && echo yes)
deps:
	$(call need,gcc,command -v $(CC))
	$(call need,pkg-config,command -v $(PKG_CONFIG))
	$(call need,clang-19,command -v $(BPF_CLANG))
	$(call need,bpftool,command -v $(BPFTOOL))
	$(call need_lib,libbpf,libbpf-dev)
	$(call need_lib,libmicrohttpd,libmicrohttpd-dev)
	$(call need_lib,jansson,libjansson-dev)
	$(call need_lib,yaml-0.1,libyaml-dev)
	$(call need_lib,libcurl,libcurl4-openssl-dev)
	$(call need_lib,libmnl,libmnl-dev)
	$(call need_lib,libcap-ng,libcap-ng-dev)
	$(call need_lib,libcares,libc-ares-dev)

tests-deps: deps
	$(call need_lib,cmocka,libcmocka-dev)
	$(call need,clang-14,command -v clang-14)

$(B)/serin: $(AGENT_OBJ) | deps
	$(call say,LINK)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(B)/agent/%.o: agent/%.c $(B)/serin.skel.h Makefile | deps
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# What the assembler takes in with .incbin; paths are from here.
$(B)/agent/page.o $(B)/sanitized/page.o: $(wildcard agent/page/*)

$(B)/serin.bpf.o: bpf/serin.bpf.c Makefile | deps
	$(call say,BPF)
	$(Q)mkdir -p $(@D) && $(BPF_CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/serin-clang14.bpf.o: bpf/serin.bpf.c Makefile | tests-deps
	$(call say,BPF)
	$(Q)mkdir -p $(@D) && clang-14 $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

# The flow table on an LRU hash: for `make bench` to compare with, and for nothing else.
$(B)/serin-lru.bpf.o: bpf/serin.bpf.c Makefile
	$(call say,BPF)
	$(Q)mkdir -p $(@D) && $(BPF_CLANG) $(BPF_CFLAGS) -Itests/bench -DSERIN_FLOW_LRU -MMD -MP -c -o $@ $<

$(B)/serin.skel.h: $(B)/serin.bpf.o
	$(call say,SKEL)
	$(Q)$(BPFTOOL) gen skeleton $< name serin_bpf > $@

# Tests. Unit tests run with sanitizers and without privileges; the others load the program.
$(B)/sanitized/%.o: agent/%.c $(B)/serin.skel.h Makefile | deps
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu11 $(WARN) $(CPPFLAGS) $(PKG_CFLAGS) $(SANITIZE) -MMD -MP -c -o $@ $<

$(B)/sanitized.a: $(PARTS:agent/%.c=$(B)/sanitized/%.o)
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/agent.a: $(PARTS:%.c=$(B)/%.o)
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/unit/%: tests/unit/%.c $(B)/sanitized.a | tests-deps
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu11 $(WARN) $(CPPFLAGS) $(PKG_CFLAGS) $(SANITIZE) -MMD -MP -o $@ $< \
		$(B)/sanitized.a $(PKG_LIBS) -lcmocka

HARNESS := $(patsubst tests/bpf/harness/%.c,$(B)/tests-bpf/harness/%.o,$(wildcard tests/bpf/harness/*.c))
$(HARNESS): $(B)/tests-bpf/harness/%.o: tests/bpf/harness/%.c Makefile | tests-deps
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -Itests/bpf/harness -MMD -MP -c -o $@ $<

$(B)/tests-bpf/%: tests/bpf/%.c $(HARNESS) $(B)/agent.a
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -Itests/bpf/harness -MMD -MP -o $@ $< \
		$(HARNESS) $(B)/agent.a $(PKG_LIBS) -lcmocka -lpthread

$(B)/tests-bpf/%.bpf.o: tests/bpf/%.bpf.c Makefile
	$(call say,BPF)
	$(Q)mkdir -p $(@D) && $(BPF_CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(BPF_TESTS): | $(B)/tests-bpf/tc_entry.bpf.o
$(B)/tests-bpf/test_race: $(B)/tests-bpf/race_hammer.bpf.o

VM_TESTS := $(addprefix $(B)/tests-bpf/,test_packets test_tcp test_drops test_neigh test_neigh_news)
$(B)/vm/%: tests/vm/%.c include/serin/abi.h Makefile
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu11 $(WARN) -D_GNU_SOURCE -Iinclude $(CFLAGS) -o $@ $< -lbpf

$(B)/e2e/load: $(addprefix tests/e2e/tools/,connection.c backends.c)
$(B)/e2e/udpload: $(addprefix tests/e2e/tools/,backends.c dns.c stream.c)
$(B)/e2e/bulk: tests/e2e/tools/stream.c
$(B)/e2e/%: tests/e2e/tools/%.c tests/e2e/tools/common.c Makefile
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu11 $(WARN) -D_GNU_SOURCE $(CFLAGS) -o $@ $(filter %.c,$^)

$(B)/e2e/%.bpf.o: tests/e2e/%.bpf.c Makefile
	$(call say,BPF)
	$(Q)mkdir -p $(@D) && $(BPF_CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

e2e-tools: $(E2E_TOOLS)
tests: $(B)/serin $(UNIT) $(BPF_TESTS) $(E2E_TOOLS) $(BPF_VARIANTS)

test:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) --no-print-directory tests
	$(Q)tests/run

# Kernels 6.1 and 6.12 under qemu: downloads some 180 MB once and takes minutes, so it is no part of `make test`.
vm:
	$(Q)scripts/install-deps --for vm
	$(Q)$(MAKE) --no-print-directory $(B)/serin $(BPF_VARIANTS) e2e-tools $(VM_TESTS) $(B)/vm/load_object $(B)/vm/insmod
	$(Q)tests/vm/run

demo:
	$(Q)scripts/install-deps --for demo
	$(Q)$(MAKE) --no-print-directory $(B)/serin e2e-tools
	$(Q)scripts/demo

bench:
	$(Q)scripts/install-deps --for build
	$(Q)$(MAKE) --no-print-directory $(B)/bench
	$(Q)$(B)/bench

# Beside nftables, HAProxy and nginx, in under 15 minutes; PEERS="nftables serin-xdp" ROUNDS=3 measure less. A peer that cannot
# be installed is left out, and said so.
PEER_TOOLS := $(addprefix $(B)/peers/,paced pps softirq sources.so blind.so)
bench-peers:
	$(Q)scripts/install-deps --for build
	$(Q)scripts/install-deps --for peers || echo "bench-peers: going on with what is installed" >&2
	$(Q)$(MAKE) --no-print-directory $(B)/serin e2e-tools $(PEER_TOOLS)
	$(Q)timeout --foreground -k 20 890 tests/peers/run

$(B)/peers/%.so: tests/peers/%.c $(B)/serin.skel.h Makefile
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -shared -fPIC -o $@ $< -ldl

$(B)/peers/paced: tests/peers/paced.c tests/e2e/tools/common.c Makefile
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu11 $(WARN) -D_GNU_SOURCE $(CFLAGS) -o $@ $(filter %.c,$^)

$(B)/bench-wrapper.bpf.o: tests/bench/wrapper.bpf.c Makefile
	$(call say,BPF)
	$(Q)$(BPF_CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/bench: $(addprefix tests/bench/,bench.c contender.c frame.c report.c subject.c two_cpus.c) $(B)/agent/plan.o \
	$(B)/agent/ring.o $(B)/serin.bpf.o $(B)/serin-lru.bpf.o $(B)/bench-wrapper.bpf.o
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $(filter %.c %plan.o %ring.o,$^) $(PKG_LIBS)

# Packets per second through a load balancer, whatever it is.
$(B)/peers/%.bpf.o: tests/peers/%.bpf.c tests/peers/frame.h Makefile
	$(call say,BPF)
	$(Q)mkdir -p $(@D) && $(BPF_CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(B)/peers/%.skel.h: $(B)/peers/%.bpf.o
	$(call say,SKEL)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

PPS := $(wildcard tests/peers/pps*.c) tests/e2e/tools/common.c
$(B)/peers/pps: $(PPS) $(addprefix tests/peers/,pps.h frame.h) $(addprefix $(B)/peers/,generator.skel.h sink.skel.h) Makefile | deps
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $(PPS) $(PKG_LIBS)

# What a load balancer takes of a CPU, told from everything around it in the same kernel.
$(B)/peers/softirq.bpf.o: tests/peers/softirq.h
$(B)/peers/softirq: tests/peers/softirq.c tests/e2e/tools/common.c $(B)/peers/softirq.skel.h Makefile | deps
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $(filter %.c,$^) $(PKG_LIBS)

# What health checks cost: `make build/checks && build/checks`. No part of `make bench`.
$(B)/checks: tests/bench/checks.c $(B)/agent.a
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(B)/agent.a $(PKG_LIBS)

# The judge over seeded traffic: SIM_RUNS=2000 runs of each row, SIM_SEED=1. Minutes.
SIM := $(wildcard tests/sim/*.c)
$(B)/sim: $(SIM) $(addprefix $(B)/agent/,complaint.o evidence.o histogram.o judge.o judge_verdict.o line.o served.o slow_limits.o window.o)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $^ -lm -lpthread

sim: $(B)/sim
	$(Q)$(B)/sim

lint:
	$(Q)scripts/lint

install: all
	install -D -m 0755 $(B)/serin $(DESTDIR)$(or $(PREFIX),/usr/local)/sbin/serin
	install -D -m 0644 -t $(DESTDIR)$(or $(PREFIX),/usr/local)/share/serin scripts/grafana/serin.json \
		scripts/prometheus/serin.rules.yml
	install -d $(DESTDIR)/etc/systemd/system
	sed 's,/usr/local,$(or $(PREFIX),/usr/local),' scripts/serin.service > $(DESTDIR)/etc/systemd/system/serin.service

clean:
	rm -rf $(B)

-include $(DEPS)
