#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A rollout as a deployment pipeline sees it: `serin rollout start --wait` goes on over an agent that is killed in the middle
# and started again, and says by its exit code how it ended; `why`, `status`, /healthz and the metrics say how it goes.
# shellcheck source=tests/e2e/servers.sh
. "$(dirname "$0")/servers.sh"

# NAME ARGUMENTS...: in the background, with its output and its exit code in files
begin_waiting() {
	local name=$1
	shift
	(code=0; serin rollout shop start --wait "$@" >"$WORK/$name.out" 2>"$WORK/$name.err" || code=$?
		echo "$code" >"$WORK/$name.code") &
}
has_ended() { [ -s "$WORK/$1.code" ]; }
is_at_step() { grep -q "step $1 of" "$WORK/good.out"; }
lines() { cut -c 11- "$WORK/$1.out"; }

two_arm
serve s1 11 stable
serve c1 21 canary -e 50 -o "$WORK/canary.trouble"
SERVICE='protocol: http
rollout:
  version: canary
  steps: [{weight: 20%, for: 3s}, {weight: 50%, for: 3s}, {weight: 100%}]
  on_unproven: advance
  on_rollback: {flows: reset}
  extend: 1
  judge: {latency: off}'
STABLE='"10.0.0.11:3000"' CANARY='"10.0.0.21:3000"' write_config 0%
start_agent
start_load all -t $VIP:80 -s 10.64.0.0 -n 2000 -f 500 -d 3600

# ---- a good one, and an agent that dies meanwhile --------------------------------------------------------------------

check_match "before the first one" "$(serin why shop)" '^shop: there has been no rollout$'
begin_waiting good --release r1
check "the first step" wait_for 5 is_at_step 1
check_match "status has it" "$(serin status shop)" 'rollout  canary \(r1\) progressing, step 1 of 3 at 20%'
check_match "and the guard" "$(serin status shop)" 'guard    armed, '
check_match "why has the arithmetic" "$(serin why shop)" 'verdict: (unproven|healthy)'
check_match "healthz has the canary" "$(api GET /healthz)" '"version":"canary","share":"20%","rollout":"progressing"'
check_equal "the phase" "$(metric serin_rollout_phase 'phase="progressing"')" 1
api GET /metrics >"$WORK/metrics"
check_equal "promtool on the metrics" "$(promtool check metrics <"$WORK/metrics" 2>&1)" ""
check_match "a second one" "$(serin rollout shop start --release r2 2>&1 || true)" '^serin: cannot start: '
check "the second step" wait_for 10 is_at_step 2
kill_agent
sleep 1
start_agent
check "it ends" wait_for 20 has_ended good
check_equal "completed" "$(cat "$WORK/good.code")" 0
check_equal "a line for each step, and the end" "$(lines good | sed 's/,[^,]* left$//')" \
	"canary (r1) progressing, step 1 of 3 at 20%
canary (r1) progressing, step 2 of 3 at 50%
canary (r1) completed at 100%, \`finish\` makes it the baseline"
check_match "it has told that the agent was away" "$(cat "$WORK/good.err")" 'waiting for one$'
check_match "given up for the next try" "$(serin rollout shop abort --reason "once more")" 'aborted by uid 0: once more$'

# ---- a bad one -------------------------------------------------------------------------------------------------------

begin_waiting bad --release r2
check "it begins" wait_for 5 grep -q "step 1" "$WORK/bad.out"
kill -USR1 "${SERVER[canary]}"
check "it ends" wait_for 10 has_ended bad
kill "$LOAD_PID"
finish_load
check_equal "rolled back" "$(cat "$WORK/bad.code")" 3
check_match "because of errors" "$(lines bad | tail -n 1)" '^canary \(r2\) rolled back by [a-z ]*: errors: '
check_equal "status says so once" "$(serin status shop | grep -c 'rolled back')" 1
check_equal "and why, once" "$(serin status shop | grep -c 'errors: more clients')" 1
check_match "and since when" "$(serin status shop)" '^shares last set at 20[0-9-]+T[0-9:]+Z$'
check_match "why says it, too" "$(serin why shop)" 'canary \(r2\) rolled back'
check_equal "counted" "$(metric serin_rollbacks_total 'reason="errors"')" 1
note "$(lines bad | tail -n 1)"

# ---- and one that somebody does not want ---------------------------------------------------------------------------------

check_match "once more" "$(serin rollout shop retry)" 'canary \(r2\) progressing, step 1 of 3'
check_match "back by hand, as the rollout says" "$(serin rollback shop)" 'reset'
check_equal "counted" "$(metric serin_rollbacks_total 'reason="user"')" 1
