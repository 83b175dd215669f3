# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# The hosts that every peer is measured on.
#
#   client ── front │ lb │ back ── switch ── s1 s2 (stable) c1 (canary)
#
# It is two_arm of tests/e2e/hosts.sh, and the same for all: wires without checksum offload, a program that passes everything
# at the far end of the load balancer's wires, and GRO on the load balancer's devices, which puts packets through NAPI as a
# NIC does: without it a veth hands them over in the sender's time, and takes nothing that XDP sends.

build_hosts() {
	local host
	two_arm
	for host in s1 s2 c1; do
		own_vip "$host" # the floor routes the service's address itself to them
	done
	on lb ethtool -K front gro on
	on lb ethtool -K back gro on
	add_queues
	reuse_ports
	start_backend s1 stable-1
	start_backend s2 stable-2
	start_backend c1 canary-1
	for host in s1:11 s2:12 c1:21; do
		wait_for 5 on "${host%:*}" curl -sf -o /dev/null "http://10.0.0.${host#*:}/" ||
			die "the web server on ${host%:*} does not answer: $(tail -n 3 "$WORK"/*-1/error.log "$WORK"/*-2/error.log)"
	done
}

# The load balancer's two wires have as many queues as there are processors, as a NIC has: with one queue all that comes in by a
# wire is worked off on one processor at a time, and who does more for a packet comes to that limit first.
add_queues() {
	local way end
	[ "$(nproc)" -gt 1 ] || return 0
	for way in rx tx; do # a device with XDP must be able to take in what the other end can send
		for end in lb:front lb:back client:eth0 switch:lb; do
			on "${end%:*}" ethtool -L "${end#*:}" $way "$(nproc)"
		done
	done
}

# Thousands of connections a second from the load balancer's one address come back to the same port while a server still waits
# out the last one that had it (60 s), or the load balancer's conntrack does (120 s). By a new client's clock such a SYN may
# look old, is not taken, and wrk stands still for a second: behind nftables and serin, not behind a proxy, whose clock is one.
# So nobody waits here: servers forget a connection when both sides have ended it, and conntrack a second later (peers.sh).
reuse_ports() {
	local host
	for host in s1 s2 c1; do
		on "$host" sysctl -qw net.ipv4.tcp_max_tw_buckets=0 net.ipv4.tcp_fin_timeout=120
	done
}

# HOST NAME
start_backend() {
	local dir=$WORK/$2
	mkdir "$dir"
	sed "s/NAME/$2/" "$PEERS_DIR/backend.conf" >"$dir/nginx.conf"
	start "$1" nginx -p "$dir" -e "$dir/error.log" -c "$dir/nginx.conf"
}

# What part of the time since `watch_busy` the machine's processors have worked, whoever for
watch_busy() { WATCHED=("$(idle_us)" "${EPOCHREALTIME/[.,]/}"); }
busy() {
	awk -v idle=$(($(idle_us) - WATCHED[0])) -v time=$((${EPOCHREALTIME/[.,]/} - WATCHED[1])) -v cpus="$(nproc)" \
		'BEGIN { busy = 1 - idle / (time * cpus); printf "%.3f", (busy > 0 ? busy : 0) }'
}

# Microseconds for which they had nothing to do so far, all of them together
idle_us() { awk -v hz="$(getconf CLK_TCK)" '/^cpu / { printf "%.0f\n", ($5 + $6) * 1e6 / hz }' /proc/stat; }
