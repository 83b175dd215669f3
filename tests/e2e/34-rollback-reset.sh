#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# `serin rollback --flows reset`. Five hundred keep-alive connections of a real HTTP client are idle on the canary: within
# a second all of them are closed, on both sides, and the client's next request goes to stable. None fails. Connections to
# stable are left alone.
# Beside: nobody
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/keepalive.sh
. "$REPO/tests/e2e/keepalive.sh"

COUNT=500

# CLIENT COMMAND...: the client's program and its arguments before URL
check_client() {
	local client=$1 start
	shift
	check "$client: 100 % to the canary" serin weight shop canary=100%
	start_client "$client" $COUNT "$@" -- / /
	check_round "$client" 0 canary $COUNT
	check_equal "$client: connections to the canary, at the backend" "$(connections_of c1 sport)" $COUNT
	sleep 1
	start=$(date +%s%3N)
	check "$client: rollback" serin rollback shop --flows reset --reason "$client"
	check "$client: no connection left on either side" wait_for 5 all_closed
	check_between "$client: milliseconds from the command's start" $(($(date +%s%3N) - start)) 0 1000
	next_round 1
	check_round "$client" 1 stable $COUNT
	end_client
}

two_arm
start_keepalive_servers
write_config 0%
start_agent
start_load kept -t $VIP:80 -s 10.64.0.0 -n 100 -k 100 -i 200 -d 120
check_client http.Agent node "$TOOLS_SOURCE/keepalive.js" agent
check_client undici node "$TOOLS_SOURCE/keepalive.js" fetch
check_client http.client /usr/bin/python3 "$TOOLS_SOURCE/keepalive.py"
kill "$LOAD_PID"
finish_load
check_unharmed kept 1000
check_equal "connections to stable, all as they were" "$(of_load kept '.backends | to_entries[] | select(.key | startswith("stable")).value.connections' | awk '{ n += $1 } END { print n }')" 100
