#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Everything answers 500 for 10 s, whatever the version: nothing is rolled back, by the judge or the guard, neither with a canary
# that has had its share for a while nor in the second after it was given more. RUNS=20 for more of the latter, of 2 s but
# for the first one.
# Its servers have to fail at once: one that waits for a processor is a difference between the versions.
# Beside: nobody
# shellcheck source=tests/e2e/guard.sh
PERCENT=100
. "$(dirname "$0")/guard.sh"

RUNS=${RUNS:-3}
ALL=(stable-1 stable-2 canary-1)
is_step() { [ "$(of_rollout step)" = "$1" ]; }

# WHAT SECONDS
outage() {
	break_servers "${ALL[@]}"
	sleep "$2"
	mend_servers "${ALL[@]}"
	sleep 0.3
	note "$1: failed $(of_trouble canary-1 failures) of the canary's $(of_trouble canary-1 requests) requests and" \
		"$(($(of_trouble stable-1 failures) + $(of_trouble stable-2 failures))) of the baseline's;" \
		"$(api GET /v1/services/shop | jq -c '[.versions[] | {(.name): .incident_clients}] | add')"
	check_between "$1: requests of the canary's that failed" "$(of_trouble canary-1 failures)" $((50 * $2)) 100000
	check_equal "$1: the rollout" "$(of_rollout state), $(of_rollout guard.tripped)" "progressing, false"
}

two_arm
serve s1 11 stable-1
serve s2 12 stable-2
serve c1 21 canary-1
SERVICE='protocol: http
rollout:
  version: canary
  judge: {latency: off}
  steps: [{weight: 5%, for: 2s}, {weight: 25%, for: 10m}, {weight: 100%}]
  on_unproven: advance
  extend: 1'
write_config 0%
start_agent
begin_traffic
for run in $(seq "$RUNS"); do
	rollout start "\"release\": \"r$run\"" >"$WORK/rollout"
	wait_for 10 is_step 2 || fail "run $run: it does not get its 25 %"
	outage "run $run, after 5 -> 25 %" $((run == 1 ? 10 : 2))
	check_equal "run $run: the canary's share" "$(weight_of canary)" 2500
	rollout abort >"$WORK/rollout"
done
sed -i 's/for: 2s/for: 10m/' "$CONFIG"
check "longer steps" serin reload
rollout start '"release": "steady"' >"$WORK/rollout"
sleep 2
outage "at 5 %" 10
check_equal "at 5 %: the canary's share" "$(weight_of canary)" 500
check_equal "rollbacks" "$(rollbacks)" 0
end_traffic
