#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# One of two backends is frozen, or a firewall drops what it says, with 2000 new connections a second: what is lost is what
# was on its way to it until it was found out, counted by the client. No client of another backend ever notices, and it
# comes back by itself. Frozen it still shakes hands (its kernel does), so only a check that asks for an answer can tell.
# Beside: nobody
# shellcheck source=tests/e2e/servers.sh
. "$(dirname "$0")/servers.sh"

SOURCES=2000 # as many a second, so that each asks once in a second
IN_FLIGHT=200
CHECKED='health: {check: http, path: /, every: 300ms, timeout: 300ms, fall: 3, rise: 2}'

# TEXT MS: has it happened since?
has_event() { [ "$(event_ms backend "$1")" -ge "$2" ]; }

freeze() { kill -STOP "$S2_SERVER"; }
thaw() { kill -CONT "$S2_SERVER"; }
# What it says goes nowhere: to the client that is a firewall that drops.
firewall() { ip -n "$RUN-s2" route add blackhole 10.0.0.1/32; }
open_up() { ip -n "$RUN-s2" route del blackhole 10.0.0.1/32; }

# WHAT BREAK MEND: an outage of s2 that lasts for 3 s after it was found out
outage() {
	local what=$1 began detection bound
	survey before
	start_load running -t $VIP:80 -s 10.64.0.0 -n $SOURCES -f $SOURCES -d 8 -w 3000 -c 6000 -o "$WORK/running.record"
	sleep 1
	began=$(now_ms)
	$2
	check "$what: out within 5 s" wait_for 5 has_event "10.0.0.12:3000 of stable is out" "$began"
	detection=$(($(event_ms backend "12:3000 of stable is out") - began))
	check_between "$what: ms to the decision" $detection 100 4000
	bound=$((IN_FLIGHT + $(grep -c stable-2 "$WORK/before") * detection / 1000))
	sleep 3
	began=$(now_ms)
	$3
	check "$what: back by itself within 20 s" wait_for 20 has_event "10.0.0.12:3000 of stable is back" "$began"
	finish_load
	note "$what: of $(of_load running '.requests + .failed') requests $(of_load running .failed) were lost, found out in $detection ms"
	check_between "$what: requests lost" "$(of_load running .failed)" 0 $bound
	check_between "$what: requests" "$(of_load running .requests)" 8000 20000
	sort "$WORK/running.record" >"$WORK/running"
	check_equal "$what: answers to clients of the others by another one" \
		"$(count before running 'was != "stable-2" && is != was')" 0
	check_equal "$what: answers to its clients by another version" \
		"$(count before running 'was == "stable-2" && is !~ /^stable/')" 0
	check_between "$what: answers to its clients by the other backend" \
		"$(count before running 'was == "stable-2" && is == "stable-1"')" 500 20000
	survey after
	check_equal "$what: clients that are not where they were" "$(count before after 'is != was')" 0
}

two_arm
start_servers
S2_SERVER=${PIDS[1]}
SERVICE=$CHECKED write_config 5%
start_agent
outage "frozen" freeze thaw
outage "firewalled, checked" firewall open_up
stop_agent
write_config 5%
start_agent
outage "firewalled, on the clients' evidence alone" firewall open_up
check_equal "requests to change nothing but rings" "$(api GET /v1/events | jq '[.events[] | select(.kind == "rollback")] | length')" 0
