#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The same with `protocol: tcp`, where answers cannot be read: what is refused, reset and never answered is known all
# the same, a status is not. Silence is a failure only on connections where the backend has never said anything, and a
# server that speaks first has.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/faults.sh
. "$REPO/tests/e2e/faults.sh"

two_arm
start_backend s1 stable-1 healthy 10.0.0.11:3000
start_backend c1 canary-1 10.0.0.21:3000
start_backend s1 stable-2 healthy greeting 10.0.0.11:3001
start_backend c1 canary-2 greeting 10.0.0.21:3001
write_top "answer_timeout: 2s"
write_faulty shop 80 tcp 10.0.0.21:3000
write_faulty refusing 81 tcp 10.0.0.21:3999
write_faulty greets 82 tcp 10.0.0.21:3001 10.0.0.11:3001
start_agent

OPTIONS="-n 40 -p 40 -T 3"
ask shop well '/*5' /code/503
agree shop well
check_equal "nothing is said about statuses" \
	"$(api GET /v1/services/shop | jq '[.versions[].http // empty] | length')" 0
ask refusing refused /
agree refusing refused
ask shop reset / /reset
agree shop reset
ask shop half / /half
agree shop half
ask shop hang /hang
agree shop hang
ask shop fin /fin
agree shop fin
ask shop hang-later / /hang
agree shop hang-later '.unanswered = 0 | .incidents = 0'
ask shop fin-later / /fin
agree shop fin-later '.unanswered = 0 | .incidents = 0'
ask shop idle-reset /idle-reset/1100 hold:3000
agree shop idle-reset
ask shop half-closes / /delay/200! shut read
agree shop half-closes

ask greets greeted greeting '/*3'
agree greets greeted
ask greets greeted-only greeting sleep:3000
agree greets greeted-only
ask greets greeted-hang greeting /hang
agree greets greeted-hang '.unanswered = 0 | .incidents = 0'
ask greets greeted-reset greeting /reset
agree greets greeted-reset
check_no_drops
