#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The agent is killed right after a rollback that resets flows, while every connection still waits for an answer of the
# canary. The next agent finds in the state what was begun: no answer is cut, then each connection is closed, and the next
# request goes to stable.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/keepalive.sh
. "$REPO/tests/e2e/keepalive.sh"

COUNT=50

two_arm
start_keepalive_servers
write_config 0%
start_agent
check "100 % to the canary" serin weight shop canary=100%
start_client http.Agent $COUNT node "$TOOLS_SOURCE/keepalive.js" agent -- / /wait/4000 /
check_round http.Agent 0 canary $COUNT
sleep 0.5
next_round 1
sleep 0.5
check "rollback with $COUNT requests in flight" serin rollback shop --flows reset
kill_agent
check_equal "connections that wait for their answer" "$(connections_of c1 sport)" $COUNT
start_agent
check_equal "weight of the canary" "$(weight_of canary)" 0
check_round http.Agent 1 canary $COUNT
check "no connection left on either side, a second later" wait_for 1 all_closed
next_round 2
check_round http.Agent 2 stable $COUNT
end_client
