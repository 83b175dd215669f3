#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The state cannot be written (the directory's mode stands for a full disk). A weight by hand is refused and changes
# nothing; a rollback is made all the same, is persisted as soon as that is possible, and outlives the agent even when it
# never was. An agent that could not persist anything does not start.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

stored_weight() { jq -r .services.shop.weights.canary "$STATE/state.json"; }
is_stored() { [ "$(stored_weight)" = "$1" ]; }

two_arm
start_servers
write_config 25%
start_agent
check "40 % by hand" serin weight shop canary=40%
check_equal "in the state file" "$(stored_weight)" 4000

chmod 500 "$STATE"
if serin weight shop canary=50% >/dev/null 2>&1; then fail "a weight was set that is not persisted"; fi
check_equal "weight after the refusal" "$(weight_of canary)" 4000
check "a rollback" serin rollback shop --reason "bad numbers"
check_equal "weight after it" "$(weight_of canary)" 0
load rolled -t $VIP:80 -s 10.64.0.1 -n 200 -N 200
check_unharmed rolled 200
check_equal "percent of new connections to the canary" "$(share_of rolled canary)" 0
check_equal "the state file is as before" "$(stored_weight)" 4000
check_match "the log says so" "$(cat "$AGENT_LOG")" "level=error.*rollback is not persisted"
chmod 700 "$STATE"
check "persisted as soon as possible" wait_for 5 is_stored 0

check "40 % by hand again" serin weight shop canary=40%
chmod 500 "$STATE"
check "another rollback" serin rollback shop
kill_agent
chmod 700 "$STATE"
check_equal "the state file that a killed agent leaves" "$(stored_weight)" 4000
start_agent
check_equal "weight after the restart" "$(weight_of canary)" 0
check_equal "in the state file" "$(stored_weight)" 0

stop_agent
check "serin detach" serin detach
chmod 500 "$STATE"
launch_agent
check "an agent that cannot persist ends" wait_for 15 agent_is_gone
agent_is_gone || kill -KILL "$AGENT_PID"
status=0
wait "$AGENT_PID" || status=$?
AGENT_PID=
check_equal "its exit code" $status 1
check_match "it says why" "$(tail -n 5 "$AGENT_LOG")" "cannot write .*state.json: Permission denied"
check_equal "it leaves no pins" "$(find /sys/fs/bpf -maxdepth 1 -name "$RUN")" ""
check_equal "it leaves no program" "$(program_of front)" ""
chmod 700 "$STATE"
