# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Hosts (network namespaces), wires (veth) and the two networks that scenarios and the demo use. The caller sets RUN,
# which every name begins with, and TOOLS, where pass.bpf.o is; remove_hosts undoes all of it. ATTACH=tc leaves out what
# only XDP needs, OFFLOADS=on leaves the wires' offloads as the kernel sets them.

HOSTS=()
PIDS=()
VIP=203.0.113.10
VIP6=2001:db8:f::10

# HOST COMMAND...: `ip netns exec` would hide bpffs
on() {
	local host=$1
	shift
	nsenter --net="/run/netns/$RUN-$host" "$@"
}

add_host() {
	local host=$1
	ip netns add "$RUN-$host"
	HOSTS+=("$host")
	on "$host" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	ip -n "$RUN-$host" link set lo up
}

# HOST DEV: Partial checksums must not leave a host: XDP on the way would see them as they are.
no_offloads() { [ "${OFFLOADS:-off}" = on ] || on "$1" ethtool -K "$2" tx off >/dev/null; }

# HOST_A DEV_A HOST_B DEV_B
add_wire() {
	ip -n "$RUN-$1" link add "$2" type veth peer name "$4" netns "$RUN-$3"
	no_offloads "$1" "$2"
	no_offloads "$3" "$4"
	ip -n "$RUN-$1" link set "$2" up
	ip -n "$RUN-$3" link set "$4" up
}

# HOST DEV: a program that lets everything in.
# (Not by `ip link set xdp obj`: iproute2 makes directories on bpffs and leaves them there.)
add_pass() {
	local pin=/sys/fs/bpf/$RUN-pass
	bpftool prog load "$TOOLS/pass.bpf.o" "$pin" type xdp
	on "$1" bpftool net attach xdp pinned "$pin" dev "$2"
	rm "$pin"
}

# HOST DEV: the far end of a wire needs a program of its own before XDP_TX and XDP_REDIRECT reach it.
add_far_end() { [ "${ATTACH:-}" = tc ] || add_pass "$@"; }

# HOST DEV ADDRESS/LENGTH...
add_addresses() {
	local host=$1 dev=$2 address
	shift 2
	for address; do
		case $address in
		*:*) ip -n "$RUN-$host" address add "$address" dev "$dev" nodad ;;
		*) ip -n "$RUN-$host" address add "$address" dev "$dev" ;;
		esac
	done
}

mac_of() { on "$1" ip -j link show dev "$2" | jq -r '.[0].address'; }

# HOST DEV ADDRESS OTHER_HOST OTHER_DEV: the first host knows the second one's MAC for good
know() { ip -n "$RUN-$1" neigh replace "$3" lladdr "$(mac_of "$4" "$5")" dev "$2" nud permanent; }

# A backend's host on the switch: NAME, last byte of its addresses. Its default route is the load balancer.
add_backend_host() {
	add_host "$1"
	add_wire "$1" eth0 switch "$1"
	ip -n "$RUN-switch" link set "$1" master br0
	add_addresses "$1" eth0 "10.0.0.$2/24" "2001:db8:2::$2/64"
	ip -n "$RUN-$1" route add default via 10.0.0.1
	ip -n "$RUN-$1" route add default via 2001:db8:2::1
}

# The switch that the backends hang on, with the load balancer's DEV on it.
add_switch() {
	add_host switch
	ip -n "$RUN-switch" link add br0 type bridge stp_state 0 mcast_snooping 0
	ip -n "$RUN-switch" link set br0 up
	add_wire lb "$1" switch lb
	add_far_end switch lb
	ip -n "$RUN-switch" link set lb master br0
}

add_backend_hosts() {
	local host
	for host in s1:11 s2:12 c1:21 c2:22; do
		add_backend_host ${host/:/ }
	done
}

# The client owns 10.64.0.0/16 and 2001:db8:64::/64 as well: as many different clients. 10.65.0.0/16 is routed to it
# too, and it throws that away: sources that never answer.
add_client_sources() {
	ip -n "$RUN-client" route add local 10.64.0.0/16 dev lo
	ip -n "$RUN-client" route add local 2001:db8:64::/64 dev lo
	ip -n "$RUN-client" route add blackhole 10.65.0.0/16
}

make_router() {
	on lb sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.send_redirects=0 \
		net.ipv4.conf.default.send_redirects=0
}

#   client ── front │ lb │ back ── switch ── s1 s2 (stable) c1 c2 (canary)
# With LEARN=yes the hosts find each other's MACs by ARP and ND; else they are fixed, and a lost one fails no test.
two_arm() {
	local host byte
	add_host client
	add_host lb
	make_router
	add_wire client eth0 lb front
	add_far_end client eth0
	add_switch back
	add_backend_hosts
	add_addresses client eth0 198.51.100.2/24 2001:db8:1::2/64
	add_addresses lb front 198.51.100.1/24 2001:db8:1::1/64
	add_addresses lb back 10.0.0.1/24 2001:db8:2::1/64
	add_addresses lb lo $VIP/32 $VIP6/128
	ip -n "$RUN-client" route add default via 198.51.100.1
	ip -n "$RUN-client" route add default via 2001:db8:1::1
	add_client_sources
	ip -n "$RUN-lb" route add 10.64.0.0/15 via 198.51.100.2
	ip -n "$RUN-lb" route add 2001:db8:64::/64 via 2001:db8:1::2
	[ "${LEARN:-no}" = no ] || return 0
	know client eth0 198.51.100.1 lb front
	know client eth0 2001:db8:1::1 lb front
	know lb front 198.51.100.2 client eth0
	know lb front 2001:db8:1::2 client eth0
	for host in s1:11 s2:12 c1:21 c2:22; do
		byte=${host#*:} host=${host%:*}
		know lb back "10.0.0.$byte" "$host" eth0
		know lb back "2001:db8:2::$byte" "$host" eth0
		know "$host" eth0 10.0.0.1 lb back
		know "$host" eth0 2001:db8:2::1 lb back
	done
}

#   lb │ eth0 ── switch ── client s1 s2 c1 c2: everything goes in and out of one interface. MACs are learned.
one_arm() {
	add_host lb
	make_router
	add_switch eth0
	add_addresses lb eth0 10.0.0.1/24 2001:db8:2::1/64
	add_addresses lb lo $VIP/32 $VIP6/128
	add_backend_hosts
	add_backend_host client 2
	add_client_sources
	ip -n "$RUN-lb" route add 10.64.0.0/15 via 10.0.0.2
	ip -n "$RUN-lb" route add 2001:db8:64::/64 via 2001:db8:2::2
}

# HOST COMMAND...: in the background, its pid is ${PIDS[-1]}; remove_hosts ends it
start() {
	local host=$1
	shift
	nsenter --net="/run/netns/$RUN-$host" "$@" &
	PIDS+=($!)
}

# SECONDS COMMAND...: true as soon as the command is, false when the time is over
wait_for() {
	local end=$((SECONDS + $1 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

remove_hosts() {
	local host pid
	for pid in "${PIDS[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	for pid in "${PIDS[@]}"; do
		wait "$pid" 2>/dev/null || true
	done
	for host in "${HOSTS[@]}"; do
		ip netns del "$RUN-$host" 2>/dev/null || true
	done
	PIDS=()
	HOSTS=()
}
