# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What every scenario stands on: the hosts of hosts.sh, servers, one agent, and checks that count.
#
# A scenario sources this file, builds a topology, and ends: cleaning up and the exit code (0 passed, 1 failed,
# 77 skipped) are the EXIT trap's work. Everything that is made carries the name of this run.
set -Eeuo pipefail

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SERIN=${SERIN:-$REPO/build/serin}
TOOLS=${SERIN_E2E_TOOLS:-$REPO/build/e2e}
RUN=${SERIN_E2E_RUN:-serin-test-$$}
export SERIN_E2E_RUN=$RUN # tests/e2e/run looks for it in the environment of what was left running

WORK=$(mktemp -d "/tmp/$RUN.XXXXXX")
PINS=/sys/fs/bpf/$RUN
STATE=$WORK/state
SOCKET=$WORK/serin.sock
CONFIG=$WORK/serin.yaml
AGENT_LOG=$WORK/agent.log
AGENT_PID=
CHECKS=0
FAILURES=0

# shellcheck source=tests/e2e/hosts.sh
. "$REPO/tests/e2e/hosts.sh"

# ---- checks -------------------------------------------------------------------------------------------------------

note() { echo "     $*"; }

ok() {
	CHECKS=$((CHECKS + 1))
	echo "  ok $*"
}

fail() {
	CHECKS=$((CHECKS + 1))
	FAILURES=$((FAILURES + 1))
	echo "FAIL $*"
}

skip() {
	echo "SKIP $*"
	exit 77
}

# WHAT GOT WANTED
check_equal() {
	if [ "$2" = "$3" ]; then ok "$1: $2"; else fail "$1: got '$2', expected '$3'"; fi
}

# WHAT GOT LOW HIGH, decimals allowed
check_between() {
	if awk -v x="$2" -v low="$3" -v high="$4" 'BEGIN { exit !(x != "" && x + 0 >= low && x + 0 <= high) }'; then
		ok "$1: $2 (expected $3 to $4)"
	else
		fail "$1: got '$2', expected $3 to $4"
	fi
}

# WHAT TEXT EXTENDED-REGEXP
check_match() {
	if grep -Eq -- "$3" <<<"$2"; then ok "$1"; else fail "$1: got '$2', expected a match of '$3'"; fi
}

# WHAT COMMAND...: it must succeed
check() {
	local what=$1
	shift
	if "$@" >"$WORK/check.out" 2>&1; then ok "$what"; else fail "$what: '$*' failed: $(tail -n 3 "$WORK/check.out")"; fi
}

# ---- servers and clients ------------------------------------------------------------------------------------------

# Every backend on port 3000 of its addresses.
start_servers() {
	local host byte name
	for host in s1:11:stable-1 s2:12:stable-2 c1:21:canary-1 c2:22:canary-2; do
		IFS=: read -r host byte name <<<"$host"
		start "$host" "$TOOLS/httpd" "10.0.0.$byte:3000=$name" "[2001:db8:2::$byte]:3000=$name"
	done
	for host in s1:11 s2:12 c1:21 c2:22; do
		wait_for 5 on "${host%:*}" curl -sf -o /dev/null "http://10.0.0.${host#*:}:3000/" ||
			fail "the server on ${host%:*} does not answer"
	done
}

# URL or curl's arguments: what the client gets, or nothing
fetch() { on client curl -sS --max-time 5 "$@" || true; }

# The load generator, see tools/load.c. The first argument names its result, $WORK/NAME.json.
load() {
	local name=$1
	shift
	on client "$TOOLS/load" "$@" >"$WORK/$name.json"
}

start_load() {
	local name=$1
	shift
	rm -f "$WORK/$name.ready"
	start client "$TOOLS/load" -R "$WORK/$name.ready" "$@" >"$WORK/$name.json"
	LOAD_PID=${PIDS[-1]}
	wait_for 15 test -e "$WORK/$name.ready" || fail "$name: not every connection was answered within 15 s"
}

finish_load() { wait "$LOAD_PID" || fail "the load generator failed"; }

# NAME FILTER: a figure out of a load's result
of_load() { jq -r "$2" "$WORK/$1.json"; }

# NAME: no request failed, no connection met a second backend, and there were requests at all
check_unharmed() {
	check_equal "$1: failed requests (of $(of_load "$1" .requests))" "$(of_load "$1" .failed)" 0
	check_equal "$1: connections that changed backend" "$(of_load "$1" .moved)" 0
	check_between "$1: requests" "$(of_load "$1" .requests)" "${2:-1}" 1000000000
	[ "$(of_load "$1" .failed)" = 0 ] || note "$(tr -d '\n' <"$WORK/$1.json")"
}

# NAME VERSION: percent of the connections in a load's result that went to VERSION-*
share_of() {
	of_load "$1" "[.backends | to_entries[] | {v: (.key | sub(\"-.*\"; \"\")), c: .value.connections}] |
		(map(select(.v == \"$2\").c) | add // 0) * 100 / (map(.c) | add)"
}

# ---- the agent ----------------------------------------------------------------------------------------------------

# [MORE LINES]: the top of a new file, and from the environment INTERFACES="back, front", HTTP="{...}".
write_top() {
	local top=${1:-}
	[ -z "${ATTACH:-}" ] || [[ $top == *attach:* ]] || top="attach: $ATTACH${top:+$'\n'$top}"
	cat >"$CONFIG" <<-YAML
		interfaces: [${INTERFACES:-front, back}]
		http: ${HTTP:-off}
		$top
		services:
	YAML
}

# NAME [SHARE OF CANARY]: one more service in the file, and from the environment FAMILY=6, FORWARD=gateway, AFFINITY=flow,
# LISTEN='"ADDRESS:PORT/udp", ...', STABLE and CANARY='"ADDRESS:PORT", ...', and SERVICE, more lines of it.
write_service() {
	local net=10.0.0. end="" vip=$VIP
	if [ "${FAMILY:-4}" = 6 ]; then net="[2001:db8:2::" end="]" vip="[$VIP6]"; fi
	cat >>"$CONFIG" <<-YAML
		  - name: $1
		    listen: [${LISTEN:-\"$vip:80/tcp\"}]
		    forward: ${FORWARD:-nat}
		    affinity: ${AFFINITY:-source}
		    baseline: stable
		    versions:
		      stable: {backends: [${STABLE:-\"${net}11$end:3000\", \"${net}12$end:3000\"}]}
		      canary: {backends: [${CANARY:-\"${net}21$end:3000\"}], weight: ${2:-10%}}
	YAML
	[ -z "${SERVICE:-}" ] || echo "    ${SERVICE//$'\n'/$'\n    '}" >>"$CONFIG"
}

# [SHARE OF CANARY] [MORE LINES AT THE TOP]: a file with one service "shop"
write_config() {
	write_top "${2:-}"
	write_service shop "${1:-10%}"
}

launch_agent() {
	# shellcheck disable=SC2086 # several words
	nsenter --net="/run/netns/$RUN-lb" "$SERIN" run -c "$CONFIG" --pin-dir "$PINS" --state-dir "$STATE" \
		--socket "$SOCKET" ${AGENT_OPTIONS:-} >>"$AGENT_LOG" 2>&1 &
	AGENT_PID=$!
}

agent_is_ready() { curl -sf -o /dev/null --max-time 2 --unix-socket "$SOCKET" http://localhost/readyz; }
agent_is_gone() { ! kill -0 "$AGENT_PID" 2>/dev/null; }
agent_is_settled() { agent_is_ready || agent_is_gone; }

start_agent() {
	launch_agent
	if ! wait_for 90 agent_is_settled || ! agent_is_ready; then
		fail "the agent does not get ready: $(tail -n 5 "$AGENT_LOG")"
		exit 1
	fi
}

# How long the agent has stood in the queue for a processor so far, in ms: what a busy machine has kept it from doing
agent_queued_ms() { awk '{ printf "%d\n", $2 / 1e6 }' "/proc/$AGENT_PID/schedstat"; }

# SIGNAL (TERM): send it and wait for the end
stop_agent() {
	[ -n "$AGENT_PID" ] || return 0
	kill -"${1:-TERM}" "$AGENT_PID" 2>/dev/null || true
	wait "$AGENT_PID" 2>/dev/null || true
	AGENT_PID=
}

kill_agent() { stop_agent KILL; }

# The CLI, asking the agent of this run.
serin() {
	local command=$1
	shift
	case $command in
	check) on lb "$SERIN" check "$@" ;;
	detach) on lb "$SERIN" detach --pin-dir "$PINS" --socket "$SOCKET" "$@" ;;
	*) on lb "$SERIN" "$command" --socket "$SOCKET" "$@" ;;
	esac
}

# DEV of the load balancer: the id of the program on it, at the door that ATTACH names; nothing when there is none
program_of() {
	if [ "${ATTACH:-}" != tc ]; then
		on lb ip -j link show dev "$1" | jq -r '.[0].xdp.prog.id // ""'
	elif on lb "$TOOLS/programs" "$1" | grep -q tcx/ingress; then
		on lb "$TOOLS/programs" "$1" | awk '$1 == "tcx/ingress" { print $2 }'
	else
		on lb tc -j filter show dev "$1" ingress 2>/dev/null | jq -r '[.[].options.prog.id | values][0] // ""'
	fi
}

# DEV: xdp or xdpgeneric; nothing when there is no XDP program
xdp_mode() { on lb ip link show dev "$1" | grep -Eo '\<xdp(generic|offload)?\>' | head -n 1 || true; }

# METHOD PATH [JSON]: through the Unix socket
api() {
	curl -sS --max-time 5 --unix-socket "$SOCKET" -X "$1" ${3:+-H "Content-Type: application/json" --data "$3"} \
		"http://localhost$2"
}

# VERSION: its weight in basis points, as the agent says
weight_of() { api GET /v1/services/shop | jq -r ".versions[] | select(.name == \"$1\").weight"; }

# NAME [LABEL-REGEXP]: a metric, summed over its labels
metric() {
	api GET /metrics | awk -v name="$1" -v label="${2:-}" '
		$1 ~ "^" name "({|$)" && $1 ~ label { sum += $2; seen = 1 } END { print seen ? sum : "missing" }'
}

# HOST...: how many segments they have sent again, all of them together. What a busy machine makes late is sent once more before
# it is acknowledged, and a turn or a handshake with such a segment gives no time.
sent_again() {
	local host
	for host; do
		on "$host" nstat -asz --json TcpRetransSegs | jq .kernel.TcpRetransSegs
	done | awk '{ n += $1 } END { print n + 0 }'
}

# No packet of ours was dropped, but for reasons that match BUT
check_no_drops() {
	check_equal "packets dropped${BUT:+ but for $BUT}" "$(api GET /metrics |
		sed -n 's/^serin_drops_total{reason="\(.*\)"} /\1 /p' |
		awk -v but="${BUT:-}" '$2 > 0 && !(but && $1 ~ "^(" but ")$") { printf "%s%s %s", n++ ? ", " : "", $1, $2 }')" ""
}

# ---- the end ------------------------------------------------------------------------------------------------------

clean_up() {
	local pins
	stop_agent
	remove_hosts
	for pins in "$PINS" "$PINS"-*; do # a scenario may have had a second load balancer
		[ -d "$pins" ] || continue
		"$SERIN" detach --pin-dir "$pins" --socket "$SOCKET" >/dev/null 2>&1 || true
		rm -rf "$pins"
	done
	rm -rf "$WORK"
}

finish() {
	local status=$?
	trap - EXIT
	trap '' INT TERM
	if [ $status -ne 0 ] && [ $status -ne 77 ] && [ $FAILURES -eq 0 ]; then fail "ended early, status $status"; fi
	if [ $FAILURES -gt 0 ] && [ -s "$AGENT_LOG" ]; then
		note "the agent's last words:"
		tail -n 15 "$AGENT_LOG" | sed 's/^/       /'
	fi
	clean_up
	[ $status -ne 77 ] || exit 77
	echo "     $CHECKS checks, $FAILURES failed"
	[ $FAILURES -eq 0 ] || exit 1
	exit 0
}

trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'echo "     failed at ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND" >&2' ERR

[ "$(id -u)" = 0 ] || skip "network namespaces need root"
if [ ! -x "$SERIN" ] || [ ! -x "$TOOLS/load" ]; then
	fail "build/serin or the tools are missing: make test builds them"
	exit 1
fi
