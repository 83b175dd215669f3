#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Path-MTU discovery. Behind the router on the client's side 1300 bytes pass at a time, behind the one on the backends'
# side 1400. Both ends believe in 1500 until a router says "too big": to the VIP the one, which means the backend; to the
# address that the load balancer lends the client the other. TCP does not probe here, so a transfer that ends was told.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/transfers.sh
. "$REPO/tests/e2e/transfers.sh"
# shellcheck source=tests/e2e/topologies.sh
. "$REPO/tests/e2e/topologies.sh"

# HOST DESTINATION: the path MTU that the host has learned for it
learned() { on "$1" ip -j route get "$2" | jq -r '.[0].metrics[0].mtu // "nothing"'; }

# WHAT VIP PORT PEER [MTU]: PEER is who the backend thinks that it talks to, MTU what the client has to learn
check_path() {
	transfer path "$2:$3"
	check_transferred "$1" path
	check_equal "$1: the client's path MTU" "$(of_load path .client.pmtu)" "${5:-1400}"
	check_equal "$1: the backend's path MTU" "$(of_load path .server.pmtu)" 1300
	check_equal "$1: what the client's host has learned" "$(learned client "${2//[\[\]]/}")" "${5:-1400}"
	check_equal "$1: what the backend's host has learned" "$(learned s1 "$4")" 1300
	for host in client s1; do
		ip -n "$RUN-$host" route flush cache
		ip -n "$RUN-$host" -6 route flush cache
	done
}

# FORWARD PORT
add_services() {
	FORWARD=$1 LISTEN="\"$VIP:$2/tcp\"" STABLE='"10.0.0.11:3000"' CANARY='"10.0.0.11:3001"' write_service "$1-4" 0%
	FORWARD=$1 FAMILY=6 LISTEN="\"[$VIP6]:$2/tcp\"" STABLE='"[2001:db8:2::11]:3000"' \
		CANARY='"[2001:db8:2::11]:3001"' write_service "$1-6" 0%
}

routed
start_bulk s1 stable-1 10.0.0.11:3000 "[2001:db8:2::11]:3000"
write_top
add_services nat 80
add_services gateway 81
check_path "without serin, IPv4" 10.0.0.11 3000 198.51.100.2
check_path "without serin, IPv6" "[2001:db8:2::11]" 3000 2001:db8:1::2
start_agent
check_path "nat, IPv4" $VIP 80 192.0.2.5
check_path "nat, IPv6" "[$VIP6]" 80 2001:db8:b::1
check_path "gateway, IPv4" $VIP 81 198.51.100.2
check_path "gateway, IPv6" "[$VIP6]" 81 2001:db8:1::2
check_no_drops

# And when it is the load balancer's own wire that is narrow.
ip -n "$RUN-lb" link set back mtu 1350
ip -n "$RUN-far" link set lb mtu 1350
sleep 0.5
check_path "narrow wire, IPv4" $VIP 80 192.0.2.5 1350
check_path "narrow wire, IPv6" "[$VIP6]" 80 2001:db8:b::1 1350
check_between "packets that were too big" "$(metric serin_drops_total 'reason="too_big"')" 2 1000
