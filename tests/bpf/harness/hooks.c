/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking at an interface's hooks without the code under test. */
#include "hooks.h"

#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "net.h"

#define TCX_INGRESS ((enum bpf_attach_type)46)
#define TCX_EGRESS ((enum bpf_attach_type)47)

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static unsigned int index_of(const char *interface)
{
	unsigned int ifindex = if_nametoindex(interface);

	if (!ifindex)
		die("no interface %s", interface);
	return ifindex;
}

uint32_t hooks_xdp(const char *interface)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query((int)index_of(interface), 0, &query))
		die("%s: XDP cannot be asked for", interface);
	return query.prog_id ? query.prog_id : query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
}

void hooks_tcx(const char *interface, bool egress, struct hooks_chain *ret)
{
	__u32 flags = 0;

	memset(ret, 0, sizeof(*ret));
	ret->count = HOOKS_CHAIN;
	if (bpf_prog_query((int)index_of(interface), egress ? TCX_EGRESS : TCX_INGRESS, 0, &flags, ret->program,
			   &ret->count))
		ret->count = 0; /* a kernel without TCX */
}

bool hooks_kernel_has_tcx(void)
{
	__u32 flags = 0, count = 0;

	return !bpf_prog_query((int)index_of("lo"), TCX_INGRESS, 0, &flags, NULL, &count);
}

static struct bpf_tc_hook hook_of(const char *interface, bool egress)
{
	struct bpf_tc_hook hook;

	memset(&hook, 0, sizeof(hook));
	hook.sz = sizeof(hook);
	hook.ifindex = (int)index_of(interface);
	hook.attach_point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
	return hook;
}

uint32_t hooks_filter(const char *interface, bool egress, uint32_t priority, uint32_t handle)
{
	struct bpf_tc_hook hook = hook_of(interface, egress);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = handle, .priority = priority);

	return bpf_tc_query(&hook, &options) ? 0 : options.prog_id;
}

bool hooks_has_qdisc(const char *interface)
{
	char command[128], line[256];
	bool found = false;
	FILE *tc;

	snprintf(command, sizeof(command), "tc qdisc show dev %s", interface);
	tc = popen(command, "re");
	if (!tc)
		die("cannot run tc");
	while (fgets(line, sizeof(line), tc))
		found |= strstr(line, "clsact") != NULL;
	if (pclose(tc))
		die("failed: %s", command);
	return found;
}

void hooks_expect_nothing(const char *interface)
{
	struct hooks_chain chain;

	if (hooks_xdp(interface))
		die("%s: XDP program %u is left", interface, hooks_xdp(interface));
	for (int egress = 0; egress <= 1; egress++) {
		hooks_tcx(interface, egress, &chain);
		if (chain.count)
			die("%s: TCX program %u is left", interface, chain.program[0]);
	}
	if (hooks_has_qdisc(interface))
		die("%s: the clsact qdisc is left", interface);
}

static int somebody(enum bpf_prog_type type, int verdict)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(type, "somebody", "GPL", code, 2, NULL);

	if (fd < 0)
		die("cannot load a program");
	return fd;
}

int hooks_add_xdp(const char *interface)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_SKB_MODE);
	int program = somebody(BPF_PROG_TYPE_XDP, XDP_PASS);
	int fd = bpf_link_create(program, (int)index_of(interface), BPF_XDP, &options);

	close(program);
	if (fd < 0)
		die("%s: cannot attach somebody's XDP program", interface);
	return fd;
}

int hooks_add_tcx(const char *interface, bool egress)
{
	int program = somebody(BPF_PROG_TYPE_SCHED_CLS, -1);
	int fd = bpf_link_create(program, (int)index_of(interface), egress ? TCX_EGRESS : TCX_INGRESS, NULL);

	close(program);
	if (fd < 0)
		die("%s: cannot attach somebody's TCX program", interface);
	return fd;
}

void hooks_add_filter(const char *interface, bool egress, uint32_t priority, uint32_t handle)
{
	struct bpf_tc_hook hook = hook_of(interface, egress);
	int program = somebody(BPF_PROG_TYPE_SCHED_CLS, -1);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .handle = handle, .priority = priority);

	if (bpf_tc_attach(&hook, &options))
		die("%s: cannot attach somebody's filter", interface);
	close(program);
}

void hooks_tc(const char *format, ...)
{
	va_list arguments;
	bool done;

	va_start(arguments, format);
	done = net_run("tc", format, arguments);
	va_end(arguments);
	if (!done)
		exit(1);
}
