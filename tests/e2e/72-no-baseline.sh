#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The baseline has no live backend: there is nowhere to go back to, so a canary that fails half of its requests is not rolled
# back, by judge or guard, nor does a stopped agent's lease take it out, nor a new agent. All of that is back when the baseline is.
# shellcheck source=tests/e2e/guard.sh
. "$(dirname "$0")/guard.sh"

events_of() { api GET /v1/events | jq --arg text "$1" '[.events[] | select(.text | test($text))] | length'; }
has_event() { [ "$(events_of "$1")" -ge 1 ]; }
lease_is() { if [ "$1" = off ]; then [ "$(of_map guards lease_ns)" = 0 ]; else [ "$(of_map guards lease_ns)" -gt 0 ]; fi; }
end_server() {
	kill -KILL "${SERVER[$1]}"
	wait "${SERVER[$1]}" 2>/dev/null || true
}
# WHAT SECONDS: that much later
check_stays() {
	local since
	since=$(monotonic_ns)
	sleep "$2"
	check_between "$1: connections of the canary's in $2 s" "$(connections_between c1 "$since" 9e18)" $(($2 * 40)) 100000
	if has_tripped; then fail "$1: the guard has tripped"; else ok "$1: the guard has not tripped"; fi
}
check_goes_on() {
	check_equal "$1: the rollout" "$(of_rollout state)" progressing
	check_equal "$1: the canary's share" "$(weight_of canary)" 500
	check_equal "$1: rollbacks" "$(rollbacks)" 0
}

two_arm
serve s1 11 stable-1
serve s2 12 stable-2
serve c1 21 canary-1
SERVICE='protocol: http
health: {check: tcp, every: 200ms, timeout: 200ms, fall: 3, rise: 2}
rollout:
  version: canary
  judge: {latency: off}
  steps: [{weight: 5%, for: 10m}, {weight: 100%}]'
write_config 0% "lease: 1s"
start_agent
watch_connections c1
begin_traffic -w 1000
rollout start >"$WORK/rollout"
sleep 1
end_server stable-1
end_server stable-2
check "the baseline has gone" wait_for 5 has_event "no backend of the baseline stable is alive"
check "no lease any more" wait_for 2 lease_is off
break_servers canary-1
check_stays "a canary that fails" 3
check_goes_on "a canary that fails"
kill -STOP "$AGENT_PID"
check_stays "a stopped agent" 3
kill -CONT "$AGENT_PID"
check_goes_on "a stopped agent"
kill_agent
check_stays "no agent" 3
start_agent
check_stays "a new agent" 3
check_goes_on "a new agent"
check "a new agent: no lease" lease_is off

mend_servers canary-1
check_between "requests of the canary's that failed meanwhile" "$(of_trouble canary-1 failures)" 300 100000
serve s1 11 stable-1
serve s2 12 stable-2
check "the baseline is back" wait_for 15 has_event "the baseline stable has a live backend again"
check "a lease again" wait_for 2 lease_is on
sleep 1
check_goes_on "with a baseline"
rollout abort >"$WORK/rollout"
rollout start '"release": "another"' >"$WORK/rollout"
sleep 1
break_servers canary-1
check "with a baseline: rolled back" wait_for 5 is_state rolled_back
check_equal "with a baseline: because of" "$(of_rollout cause)" errors
kill "$LOAD_PID"
finish_load
