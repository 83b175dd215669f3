#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A canary that is well, and an agent that is not: killed or stopped, it does not put off the lease, and from then on the canary
# gets no new connection until the agent is back; ended in an orderly way it has some grace, once; with `lease: off`, and
# when the rollout is completed, the shares stand. No client ever notices. RUNS=20 for more of them.
# Beside: nobody
# shellcheck source=tests/e2e/guard.sh
. "$(dirname "$0")/guard.sh"

RUNS=${RUNS:-3}
LEASE_MS=1000 GRACE_MS=2000 LATE_MS=100
LATE=() # of each run, ms from the end of the lease to the last connection

deadline() { of_map guards lease_ns; }
has_no_lease() { [ "$(deadline)" = 0 ]; }
# SINCE: within a second it gets connections again
is_served() { [ "$(connections_between c1 "$1" 9e18)" -ge 5 ]; }

# WHAT MS COMMAND: it takes the agent away, and the canary gets its last connection so many ms later
check_leaves() {
	local before gone over last
	before=$(monotonic_ns)
	$3
	gone=$(monotonic_ns) # or before that
	over=$(deadline)
	# Ten times a second it is put off, or as often as a busy host lets the agent.
	check_between "$1: ms that the lease runs on" "$(ms_between "$gone" "$over")" \
		"$(awk -v ms="$2" -v took="$(ms_between "$before" "$gone")" 'BEGIN { print ms - 500 - took }')" $(($2 + 10))
	sleep "$(ms_between "$gone" $((over + 1000000000)) | awk '{ print $1 / 1000 }')"
	last=$(last_connection c1)
	LATE+=("$(ms_between "$over" "$last")")
	check_between "$1: ms from the agent's end to the last new connection" "$(ms_between "$gone" "$last")" \
		"$(ms_between "$gone" $((over - 200000000)))" $(($2 + LATE_MS))
	check_between "$1: connections in the second before the lease was over" \
		"$(connections_between c1 $((over - 1000000000)) "$over")" 40 200
}
freeze() {
	kill -STOP "$AGENT_PID"
	wait_for 5 grep -q '^State:.*T' "/proc/$AGENT_PID/status" || fail "the agent does not stop"
}
# WHAT
check_returns() {
	local since
	since=$(monotonic_ns)
	check "$1: connections again" wait_for 5 is_served "$since"
	check_equal "$1: the rollout" "$(of_rollout state)" progressing
	check_equal "$1: the canary's share" "$(weight_of canary)" 500
	check_equal "$1: rollbacks" "$(rollbacks)" 0
}
# SECONDS WHAT: without an agent
check_stays() {
	sleep "$1"
	check_between "$2: connections in the last second of $1" "$(connections_between c1 $(($(monotonic_ns) - 1000000000)) 9e18)" 40 3000
}
configure() { write_config 0% "lease: $1"$'\n'"restart_grace: ${GRACE_MS}ms"; }

two_arm
serve s1 11 stable-1
serve s2 12 stable-2
serve c1 21 canary-1
SERVICE='protocol: http
rollout:
  version: canary
  judge: {latency: off}
  steps: [{weight: 5%, for: 10m}, {weight: 100%}]'
configure ${LEASE_MS}ms
start_agent
watch_connections c1
begin_traffic
rollout start >"$WORK/rollout"

for run in $(seq "$RUNS"); do
	sleep 1.2
	check_leaves "stopped, run $run" $LEASE_MS freeze
	kill -CONT "$AGENT_PID"
	check_returns "stopped, run $run"
done
sleep 1
check_leaves "killed" $LEASE_MS kill_agent
start_agent
check_returns "killed"
sleep 1
check_leaves "orderly" $((LEASE_MS + GRACE_MS)) stop_agent
start_agent
check_returns "orderly"
note "ms from the end of the lease to the last connection: ${LATE[*]}"
stop_agent

configure off
start_agent
check "off: there is no lease" wait_for 5 has_no_lease
kill_agent
check_stays 3 "off"
break_servers canary-1
check "off: errors still count" wait_for 5 has_tripped
mend_servers canary-1
configure ${LEASE_MS}ms
start_agent
check "off: the agent finds it" wait_for 5 is_state rolled_back
rollout retry >"$WORK/rollout"
rollout promote >"$WORK/rollout"
check "completed" wait_for 5 is_state completed
kill_agent
check_stays 3 "completed"
end_traffic
check_equal "failed requests at the clients" "$(of_load traffic .failed)" "$(of_trouble canary-1 failures)"
