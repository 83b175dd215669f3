#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# One client of a hundred fails whatever it is given, 20 heavy clients make half of the requests, and one request of a hundred
# fails anyway: the canary, which is no worse, climbs from step to step. Then it is worse, and is gone.
# shellcheck source=tests/e2e/guard.sh
. "$(dirname "$0")/guard.sh"

RATE=1050 # by each of the two
MIX=(-b 1 -c 100)
is_step() { [ "$(of_rollout step)" = "$1" ]; }
climbed() { is_step 3 || is_state rolled_back; }

two_arm
serve s1 11 stable-1 "${MIX[@]}"
serve s2 12 stable-2 "${MIX[@]}"
serve c1 21 canary-1 "${MIX[@]}"
SERVICE='protocol: http
rollout:
  version: canary
  judge: {latency: off}
  steps: [{weight: 5%, for: 8s}, {weight: 25%, for: 8s}, {weight: 50%, for: 10m}, {weight: 100%}]
  on_unproven: advance
  extend: 1'
FORWARD=gateway write_config 0% # the servers see who their clients are
start_agent
start_load heavy -t $VIP:80 -s 10.64.64.0 -n 20 -f $RATE -d 3600
HEAVY_PID=$LOAD_PID
begin_traffic

# The promise is one false rollback in a hundred rollouts; two in a row are none of them.
for try in first second; do
	rollout start "\"release\": \"$try\"" >"$WORK/rollout"
	wait_for 30 climbed || fail "it does not climb: $(of_rollout state)"
	sleep 8
	[ "$(of_rollout state), $(of_rollout guard.tripped)" != "progressing, false" ] || break
	note "the $try rollout: $(of_rollout reason)"
done
check_equal "with clients that always fail and heavy ones" "$(of_rollout state), $(of_rollout guard.tripped)" "progressing, false"
check_equal "the canary's share" "$(weight_of canary)" 5000
note "incidents: $(api GET /v1/services/shop | jq -c '[.versions[] | {(.name): .incident_clients}] | add')," \
	"judge: $(of_rollout judge | jq -c .checks.errors)"
rollout abort >"$WORK/rollout"
rollout start '"release": "worse"' >"$WORK/rollout"
sleep 2
break_servers canary-1
check "one that is worse is rolled back" wait_for 10 is_state rolled_back
mend_servers canary-1
note "$(of_rollout reason)"
check_equal "because of" "$(of_rollout cause)" errors
kill "$HEAVY_PID"
wait "$HEAVY_PID"
kill "$LOAD_PID"
finish_load
check_between "requests a second" "$(jq -s 'map((.requests + .failed) * 1000 / .milliseconds) | add | floor' \
	"$WORK/traffic.json" "$WORK/heavy.json")" 2000 10000
