#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A rollback that resets flows meets requests in flight: the canary needs 2 s for an answer. None of a hundred is cut;
# each connection is closed when its answer has been given, and the next request goes to stable.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/keepalive.sh
. "$REPO/tests/e2e/keepalive.sh"

COUNT=50

have_asked() { [ "$(metric serin_requests_total 'version="canary"')" = "$1" ]; }

# CLIENT COMMAND...
check_client() {
	local client=$1 asked
	shift
	check "$client: 100 % to the canary" serin weight shop canary=100%
	start_client "$client" $COUNT "$@" -- / /wait/2000 /
	check_round "$client" 0 canary $COUNT
	asked=$(metric serin_requests_total 'version="canary"')
	next_round 1
	check "$client: $COUNT requests" wait_for 5 have_asked $((asked + COUNT))
	check "$client: rollback with $COUNT requests in flight" serin rollback shop --flows reset
	sleep 0.5
	check_equal "$client: connections that wait for their answer" "$(connections_of c1 sport)" $COUNT
	check_round "$client" 1 canary $COUNT
	check "$client: no connection left on either side, a second later" wait_for 1 all_closed
	next_round 2
	check_round "$client" 2 stable $COUNT
	end_client
}

two_arm
start_keepalive_servers
write_config 0%
start_agent
check_client http.Agent node "$TOOLS_SOURCE/keepalive.js" agent
check_client undici node "$TOOLS_SOURCE/keepalive.js" fetch
check_client http.client /usr/bin/python3 "$TOOLS_SOURCE/keepalive.py"
