#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The one-way modes: ipip and gue (outer IPv4 and outer IPv6, either with both families inside) and l2. Backends own the
# VIP and answer the client directly; the load balancer sees nothing of that. What comes to them came by the tunnel that
# is configured, shares are as set, ten megabytes each way arrive, over a path back that is narrower than it says, and so do
# datagrams in fragments, once either end knows the path.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/transfers.sh
. "$REPO/tests/e2e/transfers.sh"
# shellcheck source=tests/e2e/topologies.sh
. "$REPO/tests/e2e/topologies.sh"

# HOST NAME: web servers and datagrams on ports 80 to 85 of the VIP, long transfers on 180 to 185
start_vip_servers() {
	local port places=() bulks=()
	for port in 0 1 2 3 4 5; do
		places+=("$VIP:8$port=$2" "[$VIP6]:8$port=$2")
		bulks+=("$VIP:18$port" "[$VIP6]:18$port")
	done
	start "$1" "$TOOLS/httpd" "${places[@]}"
	start "$1" "$TOOLS/udpecho" "${places[@]}"
	start_bulk "$1" "$2" "${bulks[@]}"
}

# NAME FORWARD PORT-DIGIT VIP... with STABLE and CANARY
add_service() {
	local name=$1 forward=$2 digit=$3 listen="" vip
	shift 3
	for vip; do
		listen+="${listen:+, }\"$vip:8$digit/tcp\", \"$vip:18$digit/tcp\", \"$vip:8$digit/udp\""
	done
	FORWARD=$forward LISTEN=$listen AFFINITY="{ipv6: 128}" write_service "$name" 40%
}

# FAMILY KIND: packets that all backends have decapsulated
all_decapsulated() {
	local sum=0 host
	for host in s1 s2 c1; do
		sum=$((sum + $(decapsulated "$host" "$1" "$2")))
	done
	echo $sum
}

# SERVICE VIP PORT-DIGIT FIRST_SOURCE FAMILY KIND MSS, KIND "" for l2. MSS: what the client learns to send, beside timestamps
check_mode() {
	local what="$1 to $2" before=0 host
	for host in client s1 s2 c1; do # what one mode has taught them is not to help the next
		ip -n "$RUN-$host" route flush cache
		ip -n "$RUN-$host" -6 route flush cache
	done
	[ -z "$6" ] || before=$(all_decapsulated "$5" "$6")
	load split -t "$2:8$3" -s "$4" -n 300 -N 300 -c 50
	check_unharmed split 300
	check_between "$what: share of the canary among 300 sources" "$(share_of split canary)" 25 55
	udp_load datagrams -t "$2:8$3" -s "$4" -n 100 -N 100 -r 5 -l 1000
	check_unharmed datagrams 500
	check_transfer "$what" "$2:18$3"
	check_equal "$what: bytes of a segment of the client's" "$(of_load transfer .client.mss)" "$7"
	udp_load warm -t "$2:8$3" -s "$4" -n 20 -N 20 -l 8192 -w 200 # an IPv6 datagram that finds a narrow path is lost
	udp_load pieces -t "$2:8$3" -s "$4" -n 20 -N 20 -r 3 -c 4 -l 8192
	check_unharmed pieces 60
	check_equal "$what: the backend's path MTU" "$(of_load transfer .server.pmtu)" 1300
	[ -z "$6" ] ||
		check_between "$what: packets that were decapsulated" $(($(all_decapsulated "$5" "$6") - before)) 3000 100000
	check_equal "$1: packets seen on their way to clients" "$(metric serin_packets_total "service=\"$1\".*to_client")" 0
}

direct
start_vip_servers s1 stable-1
start_vip_servers s2 stable-2
start_vip_servers c1 canary-1
# The way back of one of them is narrower than its wire: "too big" comes to the VIP, and has to find the backend.
add_router narrow
add_wire narrow eth0 switch narrow
ip -n "$RUN-switch" link set narrow master br0
add_addresses narrow eth0 10.0.0.3/24 2001:db8:2::3/64
for host in s1 s2 c1; do
	ip -n "$RUN-$host" route replace default via 10.0.0.3
	ip -n "$RUN-$host" route replace default via 2001:db8:2::3
done
ip -n "$RUN-narrow" route add default via 10.0.0.1
ip -n "$RUN-narrow" route add default via 2001:db8:2::1
for net in 198.51.100.0/24 10.64.0.0/16; do ip -n "$RUN-narrow" route add $net via 10.0.0.2 mtu 1300; done
for net in 2001:db8:1::/64 2001:db8:64::/64; do ip -n "$RUN-narrow" route add $net via 2001:db8:2::2 mtu 1300; done

V4=('"10.0.0.11", "10.0.0.12"' '"10.0.0.21"')
V6=('"2001:db8:2::11", "2001:db8:2::12"' '"2001:db8:2::21"')
write_top
STABLE=${V4[0]} CANARY=${V4[1]} add_service ipip ipip 0 $VIP "[$VIP6]"
STABLE=${V6[0]} CANARY=${V6[1]} add_service ipip6 ipip 1 $VIP "[$VIP6]"
STABLE=${V4[0]} CANARY=${V4[1]} add_service gue gue 2 $VIP "[$VIP6]"
STABLE=${V6[0]} CANARY=${V6[1]} add_service gue6 gue 3 $VIP "[$VIP6]"
STABLE=${V4[0]} CANARY=${V4[1]} add_service l2 l2 4 $VIP
STABLE=${V6[0]} CANARY=${V6[1]} add_service l2-6 l2 5 "[$VIP6]"
start_agent
check_mode ipip $VIP 0 10.64.0.1 4 ip4 1428
check_mode ipip "[$VIP6]" 0 2001:db8:64::1 6 ip4 1408
check_mode ipip6 $VIP 1 10.64.0.1 4 ip6 1408
check_mode ipip6 "[$VIP6]" 1 2001:db8:64::1 6 ip6 1388
check_mode gue $VIP 2 10.64.0.1 4 gue4 1416
check_mode gue "[$VIP6]" 2 2001:db8:64::1 6 gue4 1396
check_mode gue6 $VIP 3 10.64.0.1 4 gue6 1396
check_mode gue6 "[$VIP6]" 3 2001:db8:64::1 6 gue6 1376
check_mode l2 $VIP 4 10.64.0.1 4 "" 1448
check_mode l2-6 "[$VIP6]" 5 2001:db8:64::1 6 "" 1428
# The backend's SYN-ACK, which is not seen here, promises clients 1500 bytes; "too big" teaches them better.
# (Of a datagram whose first fragment was too big, the others are early.)
BUT="too_big|fragment_early" check_no_drops
