#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A version that accepts and never answers makes no errors and no response times, and is found out all the same: whether
# its clients give up after the answer timeout or wait on, whether they have had answers before, and when the agent is
# dead. An answer that comes after the timeout does not undo it. Who gives up before has not been failed.
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

OPTIONS="-n 40 -p 80 -T 3" ask shop hang / /hang
agree shop hang
check_equal "hang: as the canary wrote down" "$(of_count hang .unanswered)" "$(did canary-1 hang)"
OPTIONS="-n 40 -p 80 -T 3" ask shop hang-at-once /hang
agree shop hang-at-once

# Everybody waits on.
mark shop
before=$(did canary-1 hang)
count hang-on -t $VIP:80 -s 10.64.100.0 -n 40 -p 80 -T 7 / /hang &
asking=$!
all_are_known() { [ "$(said shop canary | grep -o 'unanswered=[0-9]*')" = "unanswered=$(($(did canary-1 hang) - before))" ]; }
check "hang-on: all that the canary wrote down are unanswered" wait_for 6 all_are_known
check "hang-on: while the clients still wait" kill -0 $asking
wait $asking
agree shop hang-on

mark shop
kill_agent
count no-agent -t $VIP:80 -s 10.64.101.0 -n 40 -p 80 -T 4 / /hang
start_agent
agree shop no-agent

OPTIONS="-n 40 -p 80 -T 1.5" ask shop impatient / /hang
agree shop impatient '.unanswered = 0 | .incidents = 0'
OPTIONS="-n 40 -p 80" ask shop late-answer / /delay/2600
# shellcheck disable=SC2016 # jq's variable
LATE='if $version == "canary" then .unanswered = .opened | .incidents = .opened else . end'
agree shop late-answer "$LATE"

sleep 3
# The impatient do not count, and those who were answered late do.
check_equal "unanswered in the end" \
	"$(api GET /v1/services/shop | jq '[.versions[].failures.unanswered] | add')" \
	"$(jq -n "$(of_count hang .unanswered) + $(of_count hang-at-once .unanswered) + $(of_count hang-on .unanswered) +
		$(of_count no-agent .unanswered) + $(of_count late-answer '.versions.canary.connections // 0')")"
check_no_drops
