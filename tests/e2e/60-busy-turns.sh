#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Hundreds of thousands of short turns while the agent's rounds look for long ones: every request and every answer is
# counted, and none of them is taken for one that nobody has answered, which a turn that begins during a round could be.
# Beside: nobody
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/faults.sh
. "$REPO/tests/e2e/faults.sh"

two_arm
start_servers
write_top
write_faulty shop 80 http 10.0.0.21:3000
start_agent
load busy -t $VIP:80 -s 10.64.0.0 -n 500 -k 500 -i 1 -d 8
check_unharmed busy 20000
api GET /v1/services/shop >"$WORK/shop.json"
check_equal "failures" "$(figures said_failures "$WORK/shop.json")" ""
check_equal "requests" "$(jq '[.versions[].requests] | add' "$WORK/shop.json")" "$(of_load busy .requests)"
check_equal "answers" "$(jq '[.versions[].answered] | add' "$WORK/shop.json")" "$(of_load busy .requests)"
check_equal "answers with 200" \
	"$(jq '[.versions[].http.classes["2xx"]] | add' "$WORK/shop.json")" "$(of_load busy .requests)"
check_equal "clients of incidents" "$(jq '[.versions[].incident_clients] | add' "$WORK/shop.json")" 0
