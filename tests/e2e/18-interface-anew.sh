#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# An interface is deleted and made again so fast that the agent sees both at once (it is stopped meanwhile). While no
# program of ours is on the new one, the agent is not ready; as soon as it can be attached, it is. So it is where the new
# interface has the index of the old one.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

ready_status() { curl -s -o /dev/null --max-time 2 -w '%{http_code}' --unix-socket "$SOCKET" http://localhost/readyz; }
is_unready() { [ "$(ready_status)" = 503 ]; }
has_program() { [ -n "$(program_of "$1")" ]; }
index_of() { on lb ip -j link show dev "$1" | jq -r '.[0].ifindex'; }

# [INDEX]: the wire between client and load balancer, once more
rewire() {
	ip -n "$RUN-lb" link del front
	ip -n "$RUN-lb" link add front ${1:+index "$1"} type veth peer name eth0 netns "$RUN-client"
	no_offloads lb front
	no_offloads client eth0
	ip -n "$RUN-lb" link set front up
	ip -n "$RUN-client" link set eth0 up
	add_far_end client eth0
	add_addresses client eth0 198.51.100.2/24
	add_addresses lb front 198.51.100.1/24
	ip -n "$RUN-client" route add default via 198.51.100.1
	ip -n "$RUN-lb" route add 10.64.0.0/15 via 198.51.100.2
	know client eth0 198.51.100.1 lb front
	know lb front 198.51.100.2 client eth0
}

two_arm
start_servers
write_config 25%
start_agent
load before -t $VIP:80 -s 10.64.0.1 -n 100 -N 100
check_unharmed before 100

kill -STOP "$AGENT_PID"
rewire
if [ "${ATTACH:-}" = tc ]; then # which has room for more than one
	kill -CONT "$AGENT_PID"
else
	add_pass lb front
	theirs=$(program_of front)
	kill -CONT "$AGENT_PID"
	check "not ready while another's program is there" wait_for 5 is_unready
	sleep 2
	check_equal "still not ready after some seconds" "$(ready_status)" 503
	check_equal "their program was left alone" "$(program_of front)" "$theirs"
	check_equal "lines about it" "$(grep -c 'cannot attach again' "$AGENT_LOG")" 1
	ip -n "$RUN-lb" link set dev front xdp off
fi
check "our program is on it" wait_for 5 has_program front
check "ready" wait_for 5 agent_is_ready
load anew -t $VIP:80 -s 10.64.0.1 -n 100 -N 100
check_unharmed anew 100

index=$(index_of front)
kill -STOP "$AGENT_PID"
rewire "$index"
check_equal "index of the interface" "$(index_of front)" "$index"
kill -CONT "$AGENT_PID"
check "our program is on the one of the same index" wait_for 5 has_program front
check "ready" wait_for 5 agent_is_ready
load same -t $VIP:80 -s 10.64.0.1 -n 100 -N 100
check_unharmed same 100
