# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# More networks than the two of hosts.sh: a router on either side, and backends that answer clients directly.

# HOST: a router that serin does not run on
add_router() {
	add_host "$1"
	on "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.send_redirects=0 \
		net.ipv4.conf.default.send_redirects=0
}

# HOST DEV IPV4/LENGTH IPV6/LENGTH MTU IPV4-NET IPV6-NET: addresses, with a path behind them narrower than the wire
add_narrow_addresses() {
	ip -n "$RUN-$1" address add "$3" dev "$2" noprefixroute
	ip -n "$RUN-$1" address add "$4" dev "$2" nodad noprefixroute
	ip -n "$RUN-$1" route add "$6" dev "$2" mtu "$5"
	ip -n "$RUN-$1" route add "$7" dev "$2" mtu "$5"
}

# HOST IPV4 IPV6: its default routes
add_gateway() {
	ip -n "$RUN-$1" route add default via "$2"
	ip -n "$RUN-$1" route add default via "$3"
}

#   client ── near ── front │ lb │ back ── far ── s1
# Every wire takes 1500 bytes. Towards the client `near` forwards no more than 1300 bytes at a time, towards the backend
# `far` no more than 1400: both ends have to be told.
routed() {
	local host
	add_host client
	add_host lb
	make_router
	add_router near
	add_router far
	add_host s1
	add_wire client eth0 near client
	add_wire near lb lb front
	add_far_end near lb
	add_wire lb back far lb
	add_far_end far lb
	add_wire far s1 s1 eth0
	add_addresses client eth0 198.51.100.2/24 2001:db8:1::2/64
	add_narrow_addresses near client 198.51.100.1/24 2001:db8:1::1/64 1300 198.51.100.0/24 2001:db8:1::/64
	add_addresses near lb 192.0.2.2/30 2001:db8:a::2/64
	add_addresses lb front 192.0.2.1/30 2001:db8:a::1/64
	add_addresses lb back 192.0.2.5/30 2001:db8:b::1/64
	add_addresses far lb 192.0.2.6/30 2001:db8:b::2/64
	add_narrow_addresses far s1 10.0.0.1/24 2001:db8:2::1/64 1400 10.0.0.0/24 2001:db8:2::/64
	add_addresses s1 eth0 10.0.0.11/24 2001:db8:2::11/64
	add_addresses lb lo "$VIP/32" "$VIP6/128"
	add_gateway client 198.51.100.1 2001:db8:1::1
	add_gateway near 192.0.2.1 2001:db8:a::1
	add_gateway far 192.0.2.5 2001:db8:b::1
	add_gateway s1 10.0.0.1 2001:db8:2::1
	ip -n "$RUN-lb" route add 198.51.100.0/24 via 192.0.2.2
	ip -n "$RUN-lb" route add 2001:db8:1::/64 via 2001:db8:a::2
	ip -n "$RUN-lb" route add 10.0.0.0/24 via 192.0.2.6
	ip -n "$RUN-lb" route add 2001:db8:2::/64 via 2001:db8:b::2
	for host in client s1; do
		on "$host" sysctl -qw net.ipv4.tcp_mtu_probing=0
	done
}

# HOST: it answers for the VIP itself, which its neighbours are not to know
own_vip() {
	on "$1" sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
	add_addresses "$1" lo "$VIP/32" "$VIP6/128"
}

# HOST: takes tunnels' outer headers off on its interface, which wants whole checksums. Its counters are read by
# `decapsulated`.
add_decap() {
	local pin=/sys/fs/bpf/$RUN-decap
	on switch ethtool -K "$1" tx off >/dev/null
	bpftool prog load "$TOOLS/decap.bpf.o" "$pin" type xdp
	on "$1" bpftool net attach xdp pinned "$pin" dev eth0
	rm "$pin"
}

# HOST INNER-FAMILY KIND (ip4, ip6, gue4, gue6): packets that it decapsulated
decapsulated() {
	local program map index
	case $3 in ip4) index=0 ;; ip6) index=1 ;; gue4) index=2 ;; gue6) index=3 ;; esac
	[ "$2" = 4 ] || index=$((index + 4))
	program=$(on "$1" ip -j link show dev eth0 | jq '.[0].xdp.prog.id')
	map=$(bpftool -j prog show id "$program" | jq '.map_ids[0]')
	bpftool -j map dump id "$map" | jq ".[] | .formatted // . | select(.key == $index).value"
}

#   client ── front │ lb │ back ── switch ── s1 s2 (stable) c1 c2 (canary)
#      └─────────────────────────────┘
# The backends own the VIP, and their way to the client does not lead through the load balancer.
direct() {
	two_arm
	answer_directly
}

# The same, where two_arm has been called already.
answer_directly() {
	local host
	add_wire client eth1 switch client
	ip -n "$RUN-switch" link set client master br0
	add_addresses client eth1 10.0.0.2/24 2001:db8:2::2/64
	for host in s1 s2 c1 c2; do
		own_vip "$host"
		add_decap "$host"
		ip -n "$RUN-$host" route replace default via 10.0.0.2
		ip -n "$RUN-$host" route replace default via 2001:db8:2::2
	done
}
