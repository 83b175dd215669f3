#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Two versions beside the baseline, one of them in a rollout: when the other gives its clients back, the judge learns no more
# from what the rollout has counted, and neither does the kernel.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

serve() {
	start "$1" "$TOOLS/httpd" "10.0.0.$2:3000=$3"
	wait_for 5 on "$1" curl -sf -o /dev/null "http://10.0.0.$2:3000/" || fail "the server on $1 does not answer"
}
rollout() { api POST /v1/services/shop/rollout "$1"; }
# What the state file has of the judge
has_returned() { jq -r '[.. | objects | select(has("streams")) | .returned // false] | first' "$STATE/state.json"; }

two_arm
serve s1 11 stable-1
serve s2 12 other-1
serve c1 21 canary-1
SERVICE='protocol: http
rollout:
  version: canary
  steps: [{weight: 10%, for: 10m}, {weight: 100%}]
  judge: {latency: off}'
STABLE='"10.0.0.11:3000"' CANARY='"10.0.0.21:3000"' write_config 0%
sed -i 's|^      stable: .*|&\n      other: {backends: ["10.0.0.12:3000"], weight: 20%}|' "$CONFIG"
start_agent

check_match "it begins" "$(rollout '{"action": "start"}')" '"progressing"'
check_equal "both are on trial" "$(api GET /v1/services/shop/why | jq '.. | .trials? // empty')" 2
check_match "it is paused" "$(rollout '{"action": "pause"}')" '"paused"'
check_match "the other gets more" "$(serin weight shop other=30%)" 'other'
check_equal "nothing has come back" "$(has_returned)" false
check_match "the other gets nothing" "$(serin weight shop other=0%)" 'other'
check_equal "its clients have come back" "$(has_returned)" true
check_match "it goes on" "$(rollout '{"action": "resume"}')" '"progressing"'
check_equal "they still have" "$(has_returned)" true

# A reload of a file without it, and an agent that starts with one, say the same as somebody's hand.
again() {
	check_match "it is given up" "$(rollout '{"action": "abort"}')" '"aborted"'
	check_match "the other gets clients" "$(serin weight shop other=20%)" 'other'
	check_match "a rollout is drawn anew" "$(rollout '{"action": "retry"}')" '"progressing"'
	check_equal "nothing has come back in it" "$(has_returned)" false
}
cp "$CONFIG" "$CONFIG.both"
again
sed -i '/^      other: /d' "$CONFIG"
serin reload > /dev/null || fail "the file without the other is refused"
check_equal "a reload has taken the other out" "$(has_returned)" true
cp "$CONFIG.both" "$CONFIG"
serin reload > /dev/null || fail "the file with the other is refused"
again
kill_agent
sed -i '/^      other: /d' "$CONFIG"
start_agent
check_equal "a start has taken the other out" "$(has_returned)" true
