#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# All backends of the baseline die, with and without checks: nothing is rolled back, no client is given another version, the
# agent does not spin, however many clients fail, and everything is as before when they return.
# shellcheck source=tests/e2e/servers.sh
. "$(dirname "$0")/servers.sh"

SOURCES=2000
SECONDS_MEASURED=5
CPU_LIMIT=50 # hundredths of a second in that time; 15 are usual, and a loop that spins takes hundreds

events_of() { api GET /v1/events | jq --arg text "$1" '[.events[] | select(.text | test($text))] | length'; }
has_events() { [ "$(events_of "$1")" -ge "$2" ]; }
none_is_out() { [ "$(out)" = "[]" ]; }
# The agent's time on a CPU, in hundredths of a second (of its own and of the kernel's for it)
cpu_time() { sed 's/.*) //' "/proc/$AGENT_PID/stat" | awk '{ print $12 + $13 }'; }
# WHAT: over some seconds from now on
check_cpu() {
	local before
	before=$(cpu_time)
	sleep $SECONDS_MEASURED
	check_between "$1: hundredths of a CPU second in $SECONDS_MEASURED s" $(($(cpu_time) - before)) 0 $CPU_LIMIT
}

# WHAT
baseline_dies() {
	local rounds lines
	rounds=$(events_of "the baseline stable has a live backend again")
	survey before
	start_load running -t $VIP:80 -s 10.64.0.0 -n $SOURCES -f 2000 -d 8 -o "$WORK/running.record"
	sleep 1
	end_server stable-1
	end_server stable-2
	check "$1: it is said within 5 s" wait_for 5 has_events "no backend of the baseline stable is alive: its clients stay" $((rounds + 1))
	lines=$(wc -l <"$AGENT_LOG")
	check_cpu "$1, nobody to answer 2000 requests/s"
	check_between "$1: lines in the log in that time" $(($(wc -l <"$AGENT_LOG") - lines)) 0 20
	finish_load
	check_equal "$1: the canary's share" "$(weight_of canary)" 500
	sort "$WORK/running.record" >"$WORK/running"
	check_equal "$1: clients that the canary got or lost" "$(count before running '(was ~ /canary/) != (is ~ /canary/)')" 0
	serve s1 11 stable-1
	serve s2 12 stable-2
	check "$1: said to be well again within 15 s" wait_for 15 has_events "the baseline stable has a live backend again" $((rounds + 1))
	check "$1: none is out within 15 s" wait_for 15 none_is_out
	survey after
	check_equal "$1: clients that are not where they were" "$(count before after 'is != was')" 0
	check_equal "$1: rollbacks" "$(api GET /v1/events | jq '[.events[] | select(.kind == "rollback")] | length')" 0
}

two_arm
serve s1 11 stable-1
serve s2 12 stable-2
serve c1 21 canary-1
write_config 5%
start_agent
baseline_dies "without checks"
stop_agent
SERVICE='health: {check: tcp, every: 200ms, timeout: 200ms, fall: 3, rise: 2}' write_config 5%
start_agent
baseline_dies "with checks"
stop_agent

# ---- a baseline of one backend, which no client's evidence ever ejects -----------------------------------------------

STABLE='"10.0.0.11:3000"' write_config 5%
start_agent
rounds=$(events_of "the baseline stable has a live backend again")
end_server stable-1
load knock -t $VIP:80 -s 10.64.0.0 -n 100 -N 100 -c 64
check "the only one: said within 5 s" wait_for 5 has_events "no backend of the baseline stable is alive" $((rounds + 1))
check_equal "the only one: it is in its ring" "$(out)" '[]'
kill_agent
start_agent
rounds=$(events_of "the baseline stable has a live backend again")
check "the only one: a new agent says so within 5 s, though no client comes" wait_for 5 \
	has_events "no backend of the baseline stable is alive" $((rounds + 1))
serve s1 11 stable-1
check "the only one: said to be well again within 15 s" wait_for 15 has_events "the baseline stable has a live backend again" $((rounds + 1))
survey only
check_equal "the only one: clients of the canary" "$(grep -c canary "$WORK/only")" "$(grep -c canary "$WORK/before")"
check_equal "rollbacks" "$(api GET /v1/events | jq '[.events[] | select(.kind == "rollback")] | length')" 0
