#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Backends die on real traffic, without any check being configured: one of two leaves its version's ring within 100 ms of its
# fifth failed handshake, nobody else's clients move, and it comes back by itself. The only backend of a version on trial:
# that version is rolled back. All of the baseline: nothing moves, nothing is rolled back, and everything recovers.
# Beside: nobody
# shellcheck source=tests/e2e/servers.sh
. "$(dirname "$0")/servers.sh"

SOURCES=2000

has_event() { [ -n "$(event_ms "$@")" ]; }
# NAME...: ends the servers, between DIED and ENDED, and begins to count what the agent waits for a processor
end_servers() {
	QUEUED=$(agent_queued_ms)
	DIED=$(now_ms)
	for name; do end_server "$name"; done
	ENDED=$(now_ms)
}
# WHAT MOST KIND TEXT: when the agent decided, less what kept it and us from a processor
check_decided() {
	local decided queued
	decided=$(event_ms "$3" "$4")
	queued=$(($(agent_queued_ms) - QUEUED))
	note "$1: ms from its end to the decision: $((decided - ENDED)) to $((decided - DIED)), in a queue for a processor: $queued"
	check_between "$1: ms from its end to the decision, on a processor" $((decided - ENDED - queued)) -5000 "$2"
	check_between "$1: that was after its end began" $((decided - DIED)) 0 5000
}

two_arm
serve s1 11 stable-1
serve s2 12 stable-2
serve c1 21 canary-1
write_config 5%
start_agent
survey before

# ---- one of two ----------------------------------------------------------------------------------------------------

start_load first -t $VIP:80 -s 10.64.0.0 -n $SOURCES -f 2000 -d 3600
sleep 1
end_servers stable-2
check "it is out within 5 s" wait_for 5 has_event backend "10.0.0.12:3000 of stable is out: .*refused.* in a row"
check_decided "one of two" 100 backend "12:3000 of stable is out"
check_equal "who is out" "$(out)" '["10.0.0.12:3000"]'
sleep 3 # and nothing more is lost
kill "$LOAD_PID"
finish_load
note "requests: $(of_load first .requests), lost: $(of_load first .failed)"
check_between "requests that were lost" "$(of_load first .failed)" 1 200
survey without
check_equal "clients of the others that moved" "$(count before without 'was != "stable-2" && is != was')" 0
check_equal "its clients that the other version got" "$(count before without 'was == "stable-2" && is != "stable-1"')" 0
serve s2 12 stable-2
check "it is back within 10 s" wait_for 10 has_event backend "10.0.0.12:3000 of stable is back: connected"
check_equal "who is out" "$(out)" '[]'
survey back
check_equal "clients that are not where they were" "$(count before back 'is != was')" 0

# ---- the only one of a version on trial ----------------------------------------------------------------------------

for clients in 20 2000 few; do
	rate=2000 sources=$clients limit=300
	# One of its clients asks once in ten seconds or so: there are no five in a row in time.
	[ "$clients" != few ] || rate=40 sources=20 limit=1500
	serin weight shop canary=5% >"$WORK/out"
	start_load trial -t $VIP:80 -s 10.64.0.0 -n $sources -f $rate -d 3600
	sleep 1
	end_servers canary-1
	check "$clients clients: rolled back within 5 s" wait_for 5 has_event rollback "shop rolled back: now stable 100%"
	check_decided "$clients clients" $limit rollback rolled
	check_equal "$clients clients: the canary's share" "$(weight_of canary)" 0
	check_match "the reason" "$(api GET /v1/events | jq -c '[.events[] | select(.kind == "rollback")][-1]')" no_backend
	kill "$LOAD_PID"
	finish_load
	note "requests: $(of_load trial .requests), lost: $(of_load trial .failed)"
	serve c1 21 canary-1
	check "$clients clients: the canary's backend is back within 15 s" wait_for 15 sh -c \
		"[ \"\$(curl -s --unix-socket $SOCKET http://localhost/v1/services/shop | jq '[.versions[].backends[] | select(.state != \"up\")] | length')\" = 0 ]"
	check "a share may be set again" serin weight shop canary=5%
	stop_agent
	start_agent
done

# ---- all of the baseline -------------------------------------------------------------------------------------------

start_load baseline -t $VIP:80 -s 10.64.0.0 -n $SOURCES -f 500 -d 6
sleep 1
end_server stable-1
end_server stable-2
check "it is said within 5 s" wait_for 5 has_event backend "no backend of the baseline stable is alive: its clients stay"
sleep 1
check_equal "the canary's share is as it was" "$(weight_of canary)" 500
serve s1 11 stable-1
serve s2 12 stable-2
check "all is well again within 15 s" wait_for 15 has_event backend "the baseline stable has a live backend again"
finish_load
wait_for 15 sh -c "[ \"\$(curl -s --unix-socket $SOCKET http://localhost/v1/services/shop | jq '[.versions[].backends[] | select(.state != \"up\")] | length')\" = 0 ]" || true
check_equal "who is out" "$(out)" '[]'
survey last
check_equal "clients that are not where they were" "$(count before last 'is != was')" 0
