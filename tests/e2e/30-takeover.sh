#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Two load balancers with the same file, which share nothing. In the one-way modes either of them sends a client to the
# same backend, so when the route moves from one to the other in the middle of a transfer, the connection goes on. The
# first one is gone by then.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/transfers.sh
. "$REPO/tests/e2e/transfers.sh"
# shellcheck source=tests/e2e/topologies.sh
. "$REPO/tests/e2e/topologies.sh"

# The second load balancer: beside the first one on both sides
add_second() {
	add_host second
	on second sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.send_redirects=0
	add_wire client eth2 second front
	add_far_end client eth2
	add_addresses client eth2 198.51.101.2/24 2001:db8:3::2/64
	add_addresses second front 198.51.101.1/24 2001:db8:3::1/64
	add_wire second back switch second
	add_far_end switch second
	ip -n "$RUN-switch" link set second master br0
	add_addresses second back 10.0.0.4/24 2001:db8:2::4/64
	add_addresses second lo $VIP/32 $VIP6/128
	ip -n "$RUN-second" route add 10.64.0.0/16 via 198.51.101.2
}

second_is_ready() { curl -sf -o /dev/null --max-time 2 --unix-socket "$SOCKET-2" http://localhost/readyz; }

start_second() {
	start second "$SERIN" run -c "$CONFIG" --pin-dir "$PINS-2" --state-dir "$STATE-2" --socket "$SOCKET-2" \
		>>"$AGENT_LOG" 2>&1
	wait_for 30 second_is_ready || fail "the second agent does not get ready"
}

# NAME VIP:PORT: a transfer of some seconds, in the background
start_transfer() {
	transfer "$1" "$2" 2500 &
	TRANSFERS+=("$1:$!")
}

direct
add_second
for host in s1:stable-1 s2:stable-2 c1:canary-1; do
	start_bulk "${host%:*}" "${host#*:}" $VIP:80 "[$VIP6]:80" $VIP:81 "[$VIP6]:81" $VIP:82 "[$VIP6]:82"
done
write_top
for mode in ipip:80 gue:81 l2:82; do
	FORWARD=${mode%:*} LISTEN="\"$VIP:${mode#*:}/tcp\"" STABLE='"10.0.0.11", "10.0.0.12"' CANARY='"10.0.0.21"' \
		write_service "${mode%:*}-4" 40%
	FORWARD=${mode%:*} LISTEN="\"[$VIP6]:${mode#*:}/tcp\"" STABLE='"2001:db8:2::11", "2001:db8:2::12"' \
		CANARY='"2001:db8:2::21"' write_service "${mode%:*}-6" 40%
done
start_agent
start_second

TRANSFERS=()
for port in 80 81 82; do
	start_transfer "four-$port" "$VIP:$port"
	start_transfer "six-$port" "[$VIP6]:$port"
done
has_forwarded() { [ "$(metric serin_packets_total)" -ge "$1" ]; }
wait_for 5 has_forwarded 1000 || true
before=$(metric serin_packets_total)
check_between "packets that the first one has forwarded" "$before" 1000 1000000
ip -n "$RUN-client" route replace default via 198.51.101.1
ip -n "$RUN-client" route replace default via 2001:db8:3::1
stop_agent
check "the first one is taken out" serin detach
for transfer in "${TRANSFERS[@]}"; do
	wait "${transfer#*:}" || fail "transfer ${transfer%:*} failed"
	check_transferred "${transfer%:*}" "${transfer%:*}"
	check_between "${transfer%:*}: milliseconds" "$(of_load "${transfer%:*}" .milliseconds)" 1500 20000
done
SOCKET=$SOCKET-2
check_between "packets that the second one has forwarded" "$(metric serin_packets_total)" 1000 1000000
BUT=too_big check_no_drops # what teaches clients about tunnels
