#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The same counts by every way of forwarding that sees the answers, over IPv4 and IPv6: refused, reset, ended instead of
# answered, never answered, and 5xx.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/faults.sh
. "$REPO/tests/e2e/faults.sh"

# NAME FIRST-CLIENT: the service NAME, and NAME-refuses, whose canary does not listen
check_mode() {
	local fault client=$2
	for fault in mix:'/mix*50' half:/half reset:/reset fin:/fin hang:/hang; do
		client=$(next_clients "$client")
		CLIENTS=$client OPTIONS="-n 40 -p 80 -T 4" ask "$1" "$1-${fault%%:*}" / "${fault#*:}"
		agree "$1" "$1-${fault%%:*}"
	done
	CLIENTS=$(next_clients "$client") ask "$1-refuses" "$1-refused" /
	agree "$1-refuses" "$1-refused"
	still_agrees "$1"
	still_agrees "$1-refuses"
}

# ADDRESS: the first of the next 256
next_clients() {
	/usr/bin/python3 -c 'import ipaddress, sys; print(ipaddress.ip_address(sys.argv[1]) + 256)' "$1"
}

two_arm
start_backend s1 stable-1 healthy 10.0.0.11:3000 "[2001:db8:2::11]:3000"
start_backend c1 canary-1 10.0.0.21:3000 "[2001:db8:2::21]:3000"
start_backend lb stable-2 healthy $VIP:3001
start_backend lb canary-2 $VIP:3002
write_top "answer_timeout: 2s"
write_faulty four 80 http 10.0.0.21:3000
write_faulty four-refuses 81 http 10.0.0.21:3999
FAMILY=6 AFFINITY="{ipv6: 128}" write_faulty six 80 http "[2001:db8:2::21]:3000"
FAMILY=6 AFFINITY="{ipv6: 128}" write_faulty six-refuses 81 http "[2001:db8:2::21]:3999"
FORWARD=gateway write_faulty gateway 82 http 10.0.0.21:3000
FORWARD=gateway write_faulty gateway-refuses 83 http 10.0.0.21:3999
FORWARD=local write_faulty local 84 http 3002 3001
FORWARD=local write_faulty local-refuses 85 http 3999 3001
start_agent

check_mode four 10.64.0.0
check_mode six 2001:db8:64::
check_mode gateway 10.64.20.0
check_mode local 10.64.40.0
check_no_drops
