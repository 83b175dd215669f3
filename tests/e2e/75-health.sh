#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A rollout without a single error: it is shown to be healthy by how many clients it has served, and by nothing less.
# shellcheck source=tests/e2e/servers.sh
. "$(dirname "$0")/servers.sh"

rollout() { api POST /v1/services/shop/rollout "$1"; }
of_rollout() { api GET /v1/services/shop | jq -r ".rollout.$1"; }
why() { api GET /v1/services/shop/why | jq -r ".. | objects | select(has(\"missing\")) | $1" | head -n 1; }
is_state() { [ "$(of_rollout state)" = "$1" ]; }
is_between() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]; }

two_arm
serve s1 11 stable-1
serve c1 21 canary-1
SERVICE='protocol: http
rollout:
  version: canary
  steps: [{weight: 10%, for: 2s}, {weight: 100%}]
  extend: 1
  judge: {latency: off}'
STABLE='"10.0.0.11:3000"' CANARY='"10.0.0.21:3000"' write_config 0%
start_agent

# ---- 2000 clients: some 200 of them are not enough --------------------------------------------------------------------

check_match "it begins" "$(rollout '{"action": "start"}')" '"progressing"'
start_load few -t $VIP:80 -s 10.64.0.0 -n 2000 -f 2000 -d 6
check "it waits for evidence" wait_for 10 is_state paused
finish_load
check_unharmed few
served=$(why .checks.errors.objective.clients)
missing=$(why .missing.more_clients)
check "clients served, at least: $served" is_between "$served" 120 260
check "more are needed: $missing" is_between "$missing" 440 610

# ---- 10000: some 1000 are ---------------------------------------------------------------------------------------------

start_load many -t $VIP:80 -s 10.64.0.0 -n 10000 -f 2000 -d 10
check "it goes on by itself" wait_for 10 is_state completed
finish_load
check_unharmed many
note "clients served, at least: $(why .checks.errors.objective.clients)"
check_equal "it is" "$(why .finding)" healthy
check_equal "nothing is missing" "$(why .missing.more_clients)" 0
check_equal "its share" "$(weight_of canary)" 10000
