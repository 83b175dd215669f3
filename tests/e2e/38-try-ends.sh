#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# serin try ends, in every way that a process can end, with connections open. Nothing is left of it: what went by another
# port breaks off at its next packet, what the port's own server has goes on.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/try.sh
. "$REPO/tests/e2e/try.sh"

two_arm
start_versions

start_try 8080 stable=3001 canary=3002@50%
remember_kernel
start_load cut -t 198.51.100.1:8080 -k 20 -i 50 -d 3
end_try TERM
check_gone "SIGTERM"
finish_load
check_between "requests that failed on connections whose port nobody translates" "$(of_load cut .failed)" 20 1000000
check_match "the closing words say so" "$(cat "$TRY.out")" "^20 connections were still open"

start_try 8080 stable=3001 canary=3002@50%
remember_kernel
start_load killed -t 198.51.100.1:8080 -k 20 -i 50 -d 3
end_try KILL 137
check_gone "kill -9"
finish_load
check_between "requests that failed after kill -9" "$(of_load killed .failed)" 20 1000000

# ---- requests on their way when it ends ----------------------------------------------------------------------------

# Where the port has a server of its own, nobody notices: what is on its way is answered, and then that one is asked.
start lb "$TOOLS/httpd" "0.0.0.0:8080=own"
wait_for 5 on lb curl -sf -o /dev/null http://127.0.0.1:8080/ || fail "no server on port 8080"
start_load own -t 198.51.100.1:8080 -k 20 -i 50 -d 8
own=$LOAD_PID
start_try 8080 stable=3001 canary=3003@0%
check_match "who has the port is told what becomes of it" "$(cat "$TRY.err")" \
	"a process listens on port 8080 itself: it keeps the connections that it has"
check_match "a version without a process" "$(cat "$TRY.err")" \
	"warning: nobody listens on port 3003: connections given to canary will be refused"
on client "$TOOLS/load" -t 198.51.100.1:8080 -f 500 -d 4 >"$WORK/short.json" &
PIDS+=($!)
short=$!
sleep 2
end_try HUP
wait $short
check_unharmed short 1000
check_equal "who answered them" "$(of_load short '.backends | keys | map(sub("-.*"; "")) | join(" ")')" "own stable"
LOAD_PID=$own finish_load
check_unharmed own 1000
check_equal "who answered connections from before" "$(of_load own '.backends | keys | join(" ")')" own

# A server that has the port is a version, too: nothing is translated for it, so all of its connections go on.
start_try 8080 stable=8080 canary=3002@50%
check_match "addresses at which a version has nobody are named" "$(cat "$TRY.err")" \
	"warning: nobody listens on port 8080 of .*::1, .*: connections given to stable there will be refused"
on client "$TOOLS/load" -t 198.51.100.1:8080 -N 1000 -c 50 >"$WORK/half.json"
check_unharmed half 1000
check_between "share of canary beside the port's own server" "$(share_of half canary)" 42 58
end_try INT
start_try 8080 stable=8080 canary=3002
start_load stays -t 198.51.100.1:8080 -k 20 -i 50 -d 4
stays=$LOAD_PID
end_try INT
check_match "no connection is cut off" "$(grep -c 'still open' "$TRY.out" || true)" "^0$"
LOAD_PID=$stays finish_load
check_unharmed stays 200
