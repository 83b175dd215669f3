#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Path-MTU discovery for UDP: datagrams of 8 KB leave in fragments of 1500 bytes, which neither router takes. Over IPv4
# these cut them once more. Over IPv6 they say "too big" about a fragment, either end makes smaller ones from then on, and
# only the datagrams that found it out are lost.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/transfers.sh
. "$REPO/tests/e2e/transfers.sh"
# shellcheck source=tests/e2e/topologies.sh
. "$REPO/tests/e2e/topologies.sh"

# WHAT TARGET: lost ones are those of the discovery, one each way
check_datagrams() {
	udp_load discovery -t "$2" -N 3 -c 1 -l 8192 -w 500
	udp_load known -t "$2" -N 20 -r 5 -c 4 -l 8192
	check_unharmed known 100
	note "$1: $(of_load discovery .lost) of 3 lost on the discovery"
}

# FORWARD PORT
add_services() {
	FORWARD=$1 LISTEN="\"$VIP:$2/udp\"" STABLE='"10.0.0.11:3000"' CANARY='"10.0.0.11:3001"' write_service "$1-4" 0%
	FORWARD=$1 FAMILY=6 LISTEN="\"[$VIP6]:$2/udp\"" STABLE='"[2001:db8:2::11]:3000"' \
		CANARY='"[2001:db8:2::11]:3001"' write_service "$1-6" 0%
}

routed
start s1 "$TOOLS/udpecho" 10.0.0.11:3000=stable-1 "[2001:db8:2::11]:3000=stable-1"
write_top
add_services nat 80
add_services gateway 81
check_datagrams "without serin, IPv4" 10.0.0.11:3000
check_datagrams "without serin, IPv6" "[2001:db8:2::11]:3000"
for host in client s1; do
	ip -n "$RUN-$host" route flush cache
	ip -n "$RUN-$host" -6 route flush cache
done
start_agent
check_datagrams "nat, IPv4" $VIP:80
check_datagrams "nat, IPv6" "[$VIP6]:80"
check_datagrams "gateway, IPv4" $VIP:81
for host in client s1; do ip -n "$RUN-$host" -6 route flush cache; done
check_datagrams "gateway, IPv6" "[$VIP6]:81"
check_no_drops
