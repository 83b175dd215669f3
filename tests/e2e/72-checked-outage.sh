#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The same outage where backends are checked by HTTP: all of them go out and come back at slightly different times, and the canary
# is neither rolled back because it went first nor because it came back last. When it alone dies it is.
# shellcheck source=tests/e2e/guard.sh
PERCENT=100
. "$(dirname "$0")/guard.sh"

RUNS=${RUNS:-4}
ALL=(stable-1 stable-2 canary-1)
states() { api GET /v1/services/shop | jq -r '[.versions[].backends[].state] | unique | join(" ")'; }
all_are() { [ "$(states)" = "$1" ]; }

two_arm
serve s1 11 stable-1
serve s2 12 stable-2
serve c1 21 canary-1
SERVICE='protocol: http
health: {check: http, path: /, every: 500ms, timeout: 400ms, fall: 3, rise: 2}
rollout:
  version: canary
  judge: {latency: off}
  steps: [{weight: 5%, for: 10m}, {weight: 100%}]'
write_config 0%
start_agent
begin_traffic
rollout start >"$WORK/rollout"
for run in $(seq "$RUNS"); do
	sleep "1.$((run % 10))"
	break_servers "${ALL[@]}"
	check "run $run: all are out" wait_for 10 all_are down
	sleep 1
	mend_servers "${ALL[@]}"
	check "run $run: all are back" wait_for 10 all_are up
	check_equal "run $run: the rollout" "$(of_rollout state), $(of_rollout guard.tripped)" "progressing, false"
	check_equal "run $run: the canary's share" "$(weight_of canary)" 500
done
kill -KILL "${SERVER[canary-1]}"
check "the canary dies alone" wait_for 10 is_state rolled_back
check_match "because of" "$(of_rollout cause)" "errors|no_backend"
check_equal "rollbacks" "$(rollbacks)" 1
end_traffic
