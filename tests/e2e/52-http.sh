#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# HTTP/1.1 of either version: methods, classes and every 5xx code, as the client and the canary counted them. 3 % of the
# canary's answers are errors. Answers that are preceded by 1xx, come in pieces, or by the thousand on one connection.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/faults.sh
. "$REPO/tests/e2e/faults.sh"

two_arm
start_backend s1 stable-1 healthy 10.0.0.11:3000
start_backend c1 canary-1 10.0.0.21:3000
write_top "answer_timeout: 2s"
write_faulty shop 80 http 10.0.0.21:3000
start_agent

OPTIONS="-n 20" ask shop mixed '/mix*300'
agree shop mixed
check_equal "5xx that the canary wrote down" "$(of_count mixed '.classes["5xx"]')" \
	"$(jq -s 'map(select(.path == "/mix" and .code >= 500)) | length' "$WORK/canary-1.log")"
check_between "5xx of the canary, percent" \
	"$(of_count mixed '.versions.canary | .classes["5xx"] * 100 / .begun')" 1.5 5
check_equal "5xx of stable" "$(of_count mixed '.versions.stable.classes["5xx"] // 0')" 0

OPTIONS="-n 20" ask shop methods / HEAD:/ POST:/ PUT:/ PATCH:/ DELETE:/ OPTIONS:/
agree shop methods
OPTIONS="-n 20" ask shop codes / /code/{201,204,301,304,400,404,429,500,501,502,503,504,505,507,508,511,520,529}
agree shop codes
OPTIONS="-n 20" ask shop interim / EXPECT:/ /early/20 EXPECT:/code/503
agree shop interim
OPTIONS="-n 8" ask shop kept-alive '/*1500'
agree shop kept-alive
# Twelve bytes hold the status, seven do not; and what is not read is said to be unread.
OPTIONS="-n 20" ask shop pieces / /split/12/503 /split/40/502
agree shop pieces
OPTIONS="-n 20" ask shop unread / /split/7/503 /bytes
agree shop unread 'if .code_503 then .class_unread = .class_5xx + .class_2xx - .opened | .class_2xx = .opened |
	.incidents = 0 | del(.class_5xx, .code_503) else . end'

sleep 3
still_agrees shop
check_no_drops
