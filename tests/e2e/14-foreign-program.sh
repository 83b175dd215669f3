#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Somebody else's XDP program is on an interface. serin does not replace it: it says who is there, and stops; that
# program goes on, and the other interface is as it was. TC has room for both: `attach: tc` starts behind it, and leaves
# it there when it goes. When it is gone, serin starts.
# Door: xdp
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

two_arm
start_servers
add_pass lb front
theirs=$(program_of front)
check_between "their program" "$theirs" 1 1000000000

for mode in auto xdp xdp-generic; do
	INTERFACES="back, front" write_config 25% "attach: $mode"
	launch_agent
	check "attach: $mode: the agent ends" wait_for 15 agent_is_gone
	status=0
	wait "$AGENT_PID" || status=$?
	AGENT_PID=
	check_equal "attach: $mode: exit code" $status 1
	check_match "attach: $mode: says where and who" "$(tail -n 3 "$AGENT_LOG")" "front.*(pass|program.*$theirs)"
	check_equal "attach: $mode: their program is still there" "$(program_of front)" "$theirs"
	check_equal "attach: $mode: nothing was left on the other interface" "$(program_of back)" ""
done
check_match "traffic goes on" "$(fetch http://10.0.0.11:3000/)" "^stable-1 "

write_config 25% "attach: tc"
start_agent
load beside -t $VIP:80 -s 10.64.0.1 -n 200 -N 200
check_unharmed beside 200
check_equal "attach: tc: their program is still there" "$(program_of front)" "$theirs"
stop_agent
check "attach: tc: serin detach" serin detach
check_equal "after that, too" "$(program_of front)" "$theirs"

ip -n "$RUN-lb" link set dev front xdp off
write_config 25%
start_agent
load split -t $VIP:80 -s 10.64.0.1 -n 200 -N 200
check_unharmed split 200
