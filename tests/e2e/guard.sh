# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What scenarios of the guard share: servers that fail when told to, a rollout by the API, the kernel's own words in its maps,
# and when connections to the canary began.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SOURCES=2000
RATE=2100 # connections a second, of one request each; more than 2000, whatever is late
PERCENT=${PERCENT:-50}
HOOK_PORT=9099

declare -A SERVER

# HOST LAST-BYTE NAME [MORE OPTIONS]: a server that fails PERCENT of its requests while it is told to
serve() {
	local host=$1 byte=$2 name=$3
	shift 3
	start "$host" "$TOOLS/httpd" -e "$PERCENT" -o "$WORK/$name.trouble" "$@" "10.0.0.$byte:3000=$name"
	SERVER[$name]=${PIDS[-1]}
	wait_for 5 on "$host" curl -sf -o /dev/null "http://10.0.0.$byte:3000/" || fail "the server on $host does not answer"
}
# NAME...: all at once, to the millisecond, however late a busy host lets each of them know
break_servers() {
	local name pids=()
	for name; do rm -f "$WORK/$name.trouble" && pids+=("${SERVER[$name]}"); done
	if [ $# -gt 1 ]; then
		/bin/kill -q $(($(monotonic_ns) / 1000000 + 100)) -s USR1 "${pids[@]}"
	else
		kill -USR1 "${pids[@]}"
	fi
}
mend_servers() {
	local name pids=()
	for name; do pids+=("${SERVER[$name]}"); done
	kill -USR2 "${pids[@]}"
	for name; do wait_for 5 test -s "$WORK/$name.trouble" || fail "$name does not say what happened"; done
}
# NAME KEY: of the last trouble
of_trouble() { jq -r ".$2" "$WORK/$1.trouble"; }

serve_hook() {
	start lb /usr/bin/python3 "$REPO/tests/e2e/tools/webhook.py" $HOOK_PORT "$WORK/hook.log"
	wait_for 5 on lb curl -s -o /dev/null "http://127.0.0.1:$HOOK_PORT/" || fail "nobody takes notifications"
}
# FILTER: how many notifications match
notices() { if [ -e "$WORK/hook.log" ]; then jq -s "[.[].body | select($1)] | length" "$WORK/hook.log"; else echo 0; fi; }
has_notices() { [ "$(notices "$1")" -ge "$2" ]; }

rollout() { api POST /v1/services/shop/rollout "{\"action\": \"$1\"${2:+, $2}}"; }
of_rollout() { api GET /v1/services/shop | jq -r ".rollout.$1"; }
is_state() { [ "$(of_rollout state)" = "$1" ]; }
rollbacks() { api GET /v1/events | jq '[.events[] | select(.kind == "rollback")] | length'; }

# Connections from the load's clients, one request each, until end_traffic
# shellcheck disable=SC2120 # more options are rare
begin_traffic() { start_load traffic -t $VIP:80 -s 10.64.0.0 -n $SOURCES -f $RATE -c 200 -d 3600 "$@"; }
end_traffic() {
	kill "$LOAD_PID"
	finish_load
	check_between "requests a second" "$(of_load traffic '(.requests + .failed) * 1000 / .milliseconds | floor')" 2000 10000
	check_equal "connections that changed backend" "$(of_load traffic .moved)" 0
	note "failed at the clients: $(of_load traffic '.failed_keep_alive, .failed_fresh' | tr -d ' \n')"
}

# HOST: writes down when connections to it begin
watch_connections() {
	start "$1" "$TOOLS/syns" eth0 "$WORK/$1.syns"
	wait_for 5 test -e "$WORK/$1.syns"
}
# HOST: when the last one began, CLOCK_MONOTONIC
last_connection() { tail -n 1 "$WORK/$1.syns" | cut -d ' ' -f 1; }
# HOST FROM TO: how many began between, nanoseconds
connections_between() { awk -v from="$2" -v to="$3" '$1 > from && $1 <= to { n++ } END { print n + 0 }' "$WORK/$1.syns"; }
monotonic_ns() { awk '{ printf "%.0f\n", $1 * 1e9 }' /proc/uptime; }

# [MORE LINES]: a canary at 5 % once it is rolled out, and a receiver of notifications. The lines are for the top of the file.
# shellcheck disable=SC2120 # most have none
open_stage() {
	two_arm
	serve s1 11 stable-1
	serve s2 12 stable-2
	serve c1 21 canary-1
	serve_hook
	SERVICE="protocol: http
notify: [{url: \"http://127.0.0.1:$HOOK_PORT/\", on: [rollback]}]
rollout:
  version: canary
  judge: {latency: off}
  steps: [{weight: 5%, for: 10m}, {weight: 100%}]"
	write_config 0% "$@"
	start_agent
	watch_connections c1
}

# MAP FIELD: of the version on trial, which is the one that is armed
of_map() {
	local places
	places=$(bpftool -j map dump pinned "$PINS/guards" | jq -c '[.[].formatted | select(.value.arm != 0).key]')
	bpftool -j map dump pinned "$PINS/$1" | jq --argjson places "$places" \
		"[.[].formatted | select(.key as \$k | \$places | index(\$k)).value][0].$2"
}
has_tripped() { [ "$(of_map trips word)" != 0 ] && [ $(($(of_map trips word) / 2)) = "$(of_map guards arm)" ]; }

# NUMBERS...: the middle one; of an even number, the higher one
median() { printf '%s\n' "$@" | sort -n | awk '{ x[NR] = $1 } END { print x[int(NR / 2) + 1] }'; }
# FROM TO: nanoseconds to milliseconds
ms_between() { awk -v from="$1" -v to="$2" 'BEGIN { printf "%.3f\n", (to - from) / 1e6 }'; }

# ---- one bad release after another, each measured --------------------------------------------------------------------

FAILURE_TO_LAST=() # milliseconds from the canary's first failure to its last new connection
TRIP_TO_LAST=()    # and from the packet that decided; below 0: the last one came before it
FAILED=0           # requests that the canary failed, in all of them

# NAME: what the trouble that has just been mended has cost, of the canary on c1
measure() {
	local first last trip
	first=$(of_trouble canary-1 first_failure_ns)
	trip=$(of_map trips ns)
	last=$(last_connection c1)
	FAILED=$((FAILED + $(of_trouble canary-1 failures)))
	FAILURE_TO_LAST+=("$(ms_between "$first" "$last")")
	TRIP_TO_LAST+=("$(ms_between "$trip" "$last")")
	note "$1: ms from the first failure to the last new connection ${FAILURE_TO_LAST[-1]}, to the deciding packet" \
		"$(ms_between "$first" "$trip"), from that to the last ${TRIP_TO_LAST[-1]}; requests failed" \
		"$(of_trouble canary-1 failures) of $(of_trouble canary-1 requests)"
}
# NAME
check_measured() {
	check_between "$1: ms from the first failure to the last new connection, median of ${#FAILURE_TO_LAST[@]}" \
		"$(median "${FAILURE_TO_LAST[@]}")" -100 250
	check_between "$1: ms from the deciding packet to the last new connection, the longest of ${#TRIP_TO_LAST[@]}" \
		"$(printf '%s\n' "${TRIP_TO_LAST[@]}" | sort -g | tail -n 1)" -1000 1
	FAILURE_TO_LAST=() TRIP_TO_LAST=()
}
