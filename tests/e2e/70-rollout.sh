#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A rollout by itself, under load: a good version climbs from step to step and becomes the baseline, the next one too, with
# the roles the other way round; a bad one is taken out. Nobody edits the file in between.
# Beside: nobody
# shellcheck source=tests/e2e/servers.sh
. "$(dirname "$0")/servers.sh"

SOURCES=2000

rollout() { api POST /v1/services/shop/rollout "$1"; }
of_rollout() { api GET /v1/services/shop | jq -r ".rollout.$1"; }
is_state() { [ "$(of_rollout state)" = "$1" ]; }

two_arm
# Each fails half of its requests while it is told to.
serve s1 11 stable-1 -e 50 -o "$WORK/stable-1.trouble"
serve c1 21 canary-1 -e 50 -o "$WORK/canary-1.trouble"
SERVICE='protocol: http
rollout:
  version: canary
  steps: [{weight: 5%, for: 2s}, {weight: 25%, for: 2s}, {weight: 50%, for: 2s}, {weight: 100%}]
  on_unproven: advance
  extend: 1
  judge: {latency: off}
  on_rollback: {flows: reset}
rules: [{from: 10.99.0.0/16, version: stable}]'
STABLE='"10.0.0.11:3000"' CANARY='"10.0.0.21:3000"' write_config 0%
start_agent

# ---- one that is good -----------------------------------------------------------------------------------------------

start_load good -t $VIP:80 -s 10.64.0.0 -n $SOURCES -f 2000 -d 3600
check_match "it begins" "$(rollout '{"action": "start", "release": "r1"}')" '"progressing"'
check "it completes" wait_for 20 is_state completed
kill "$LOAD_PID"
finish_load
check_unharmed good
check_equal "its share" "$(weight_of canary)" 10000
check_match "it becomes the baseline" "$(rollout '{"action": "finish"}')" idle
check_equal "the baseline" "$(api GET /v1/services/shop | jq -r .baseline)" canary

# ---- one that is bad, with the roles the other way round ------------------------------------------------------------

start_load bad -t $VIP:80 -s 10.64.0.0 -n $SOURCES -f 2000 -d 3600
check_match "the next one begins" "$(rollout '{"action": "start", "release": "r2"}')" '"stable"'
sleep 1
kill -USR1 "${SERVER[stable-1]}"
check "it is rolled back" wait_for 10 is_state rolled_back
kill "$LOAD_PID"
finish_load
kill -USR2 "${SERVER[stable-1]}"
check_equal "because of errors" "$(of_rollout cause)" errors
check_equal "its share" "$(weight_of stable)" 0
note "$(cat "$WORK/stable-1.trouble"), failed at the client: $(of_load bad .failed)"

# ---- whom a rule places on it ---------------------------------------------------------------------------------------

check_match "a client that was placed on it is told why not" "$(serin explain shop 10.99.0.7)" \
	'version canary.*$'
check_match "and by what" "$(serin explain shop 10.99.0.7)" 'rule for 10.99.0.0/16 places it on stable.*guard lets nobody in'
check_match "so it comes again" "$(rollout '{"action": "retry"}')" '"progressing"'
check_match "and a client that is placed on it gets it" "$(serin explain shop 10.99.0.7)" 'gets version stable'
