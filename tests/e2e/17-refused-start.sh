#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A start that is refused leaves no trace, and is refused the second time too: systemd starts an agent again by itself.
# What ran before runs on: a file that cannot be had (another's program on an interface) changes neither tables nor
# state. A weight in the file counts again as long as nobody has set one by hand.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# WHAT SAID: the agent ends with 1, and says so
refused() {
	local status=0
	launch_agent
	check "$1: the agent ends" wait_for 15 agent_is_gone
	agent_is_gone || kill -KILL "$AGENT_PID"
	wait "$AGENT_PID" || status=$?
	AGENT_PID=
	check_equal "$1: exit code" $status 1
	check_match "$1: says why" "$(tail -n 1 "$AGENT_LOG")" "$2"
}

start_listener() {
	start lb "$TOOLS/httpd" "10.0.0.1:3000=host"
	listener=${PIDS[-1]}
	check "a listener of the host's own" wait_for 5 on s1 curl -sf -o /dev/null http://10.0.0.1:3000/
}

stop_listener() {
	kill "$listener"
	wait "$listener" || true
}

two_arm
start_servers

start_listener
write_config 25%
for time in first second; do
	refused "SNAT port in use, $time start" "uses port 3000 itself"
	check_equal "SNAT port in use, $time start: pins" "$(find /sys/fs/bpf -maxdepth 1 -name "$RUN")" ""
	check_equal "SNAT port in use, $time start: state" "$(find "$WORK" -name 'state.json*')" ""
	check_equal "SNAT port in use, $time start: program on back" "$(program_of back)" ""
done
stop_listener

start_agent
check_equal "weight of the file" "$(weight_of canary)" 2500
stop_agent
write_config 30%
start_agent
check_equal "weight of the edited file" "$(weight_of canary)" 3000
stop_agent

# Once traffic runs, a port of ours that the host has too is no reason to stay away.
start_listener
start_agent
stop_agent
stop_listener

# Beside an XDP program, TC has no quarrel with anybody.
if [ "${ATTACH:-}" != tc ]; then
	add_wire client spare lb extra
	add_pass lb extra
	theirs=$(program_of extra)
	cp "$STATE/state.json" "$WORK/before.json"
	for time in first second; do
		INTERFACES="front, back, extra" write_config 60%
		sed -i -e 's|:80/tcp|:8080/tcp|' -e 's/name: shop/name: shed/' "$CONFIG"
		refused "foreign program, $time start" "extra.*somebody else"
		check_equal "foreign program, $time start: it is still there" "$(program_of extra)" "$theirs"
		check "foreign program, $time start: the state is as before" cmp "$STATE/state.json" "$WORK/before.json"
		check_match "foreign program, $time start: port 80 is served" "$(fetch http://$VIP/)" "^(stable|canary)-. "
		status=0
		on client curl -s -o /dev/null --max-time 3 http://$VIP:8080/ || status=$?
		check_equal "foreign program, $time start: port 8080 is not (curl's status)" $status 7
	done
fi

write_config 30%
start_agent
check "a weight by hand" serin weight shop canary=12.5%
stop_agent
write_config 50%
start_agent
check_equal "weight by hand after another edit" "$(weight_of canary)" 1250
load split -t $VIP:80 -s 10.64.0.1 -n 200 -N 200
check_unharmed split 200
