#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Incidents are clients, not failures: one who fails often counts once, and once more under the next plan; connections
# count for themselves with `affinity: flow`; who was placed by a rule never counts, nor does what fails under a plan that
# no longer holds.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/faults.sh
. "$REPO/tests/e2e/faults.sh"

incidents() { api GET "/v1/services/$1" | jq ".versions[] | select(.name == \"$2\").incident_clients"; }

two_arm
start_backend s1 stable-1 healthy 10.0.0.11:3000
start_backend c1 canary-1 10.0.0.21:3000
write_top "answer_timeout: 2s"
write_faulty shop 80 http 10.0.0.21:3000
AFFINITY=flow write_faulty flows 81 http 10.0.0.21:3000
MORE="rules: [{from: 10.64.50.0/24, version: canary}]" write_faulty placed 82 http 10.0.0.21:3000
start_agent

CLIENTS=10.64.10.0 ask shop often / '/code/503*5'
agree shop often
check_between "clients that met errors" "$(of_count often .clients_failed_http)" 10 30
CLIENTS=10.64.10.0 ask shop again / '/code/500*5'
agree shop again '.incidents = 0'
CLIENTS=10.64.10.0 ask shop otherwise / /reset
agree shop otherwise '.incidents = 0'
check "another plan" serin weight shop canary=55%
CLIENTS=10.64.10.0 ask shop under-another-plan / '/code/503*5'
agree shop under-another-plan

# With every connection drawn for itself, a client meets both versions, and its connections are what counts.
ask flows drawn-by-flow / '/code/503*5'
# shellcheck disable=SC2016 # jq's variable
BY_FLOW='if $version == "canary" then .incidents = .opened else .incidents = 0 end'
agree flows drawn-by-flow "$BY_FLOW"

CLIENTS=10.64.50.0 ask placed by-rule / /code/503 /half
agree placed by-rule '.incidents = 0'
CLIENTS=10.64.51.0 ask placed by-draw / /code/503 /half
agree placed by-draw

# Opened under one plan, failed under the next one.
opened() { api GET /v1/services/shop | jq '[.versions[].opened] | add'; }
have_opened() { [ "$(opened)" = "$1" ]; }
mark shop
before=$(opened)
count across -t $VIP:80 -s 10.64.60.0 -n 40 -p 80 / sleep:3000 /code/503 &
asking=$!
check "all are connected" wait_for 3 have_opened $((before + 40))
check "another plan" serin weight shop canary=50%
wait $asking
agree shop across '.incidents = 0'
check_between "errors across a change" "$(of_count across '.classes["5xx"]')" 10 35
