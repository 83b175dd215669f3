#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# serin status -w: the versions side by side, drawn anew every second in the same place within 80 columns, with the last
# events. Colours only on a terminal that wants them. Ctrl-C leaves the terminal as it was.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

command -v script >/dev/null || skip "script is missing (Debian package bsdutils)"

# SECONDS [ENVIRONMENT...]: in a pseudoterminal of 80 columns, Ctrl-C after so many seconds; what it showed is in
# $WORK/screen, its exit code in status, and in $WORK/tty what the terminal's settings were before and after
in_terminal() {
	local seconds=$1
	shift
	status=0
	{ sleep "$seconds" && printf '\003' && sleep 1; } |
		on lb env TERM=xterm "$@" script -qefc "stty cols 80 rows ${ROWS:-40}; stty -g >$WORK/tty
			trap : INT; $SERIN status --socket $SOCKET shop -w; code=\$?; stty -g >>$WORK/tty; exit \$code" \
			"$WORK/screen" >/dev/null 2>&1 || status=$?
}

# REGEXP: lines of the screen that have it
on_screen() { grep -cE -- "$1" "$WORK/screen" || true; }

# The text, without sequences and what script adds
plain() { sed 's/\x1b\[[0-9;]*[A-Za-z]//g; s/[\r]//g; s/^\^C//' "$WORK/screen" | grep -v '^Script'; }

two_arm
start_servers
SERVICE='protocol: http' write_config 25%
start_agent
serin weight shop canary=30% --reason "$(printf 'a long reason %.0s' {1..15})" >"$WORK/out"
start_load some -t $VIP:80 -s 10.64.0.1 -n 50 -k 50 -i 50 -f 50 -x -d 12

in_terminal 4
check_equal "exit code after Ctrl-C" $status 0
check_equal "the terminal's settings are as they were" "$(sort -u "$WORK/tty" | wc -l)" 1
check_between "rounds that were drawn" "$(on_screen '^.*shop.*generation 2')" 3 6
check_between "of these in the place of the one before" "$(on_screen $'\e\\[[0-9]+A')" 2 6
check_between "columns of its widest line" "$(plain | awk '{ if (length > n) n = length } END { print n }')" 60 79
check_match "the versions" "$(plain)" '^ +stable +canary$'
check_match "shares set" "$(plain)" '^share set +70% +30%$'
check_match "and measured" "$(plain)" '^  measured +[0-9.]+% +[0-9.]+%$'
check_match "requests" "$(plain)" '^requests/s +[1-9][0-9.]* +[1-9][0-9.]*$'
check_match "none failed" "$(plain)" '^failed +0% +0%$'
check_match "their times" "$(plain)" '^  p95 +[0-9.]+(us|ms) +[0-9.]+(us|ms)$'
check_match "connections that are open" "$(plain)" '^active flows +[0-9]+ +[0-9]+$'
check_match "the last event" "$(plain)" '^[0-9:]{8}  weight     shop set: now stable 70%, canary 30%, before '
check_between "colours" "$(on_screen $'\e\\[[0-9;]*m')" 1 1000
in_terminal 3 NO_COLOR=1
check_equal "colours with NO_COLOR, but for the last word" "$(on_screen $'\e\\[[1-9][0-9;]*m')" 0
check_between "it is redrawn nevertheless" "$(on_screen $'\e\\[[0-9]+A')" 1 6
in_terminal 3 TERM=dumb
check_equal "sequences with TERM=dumb" "$(on_screen $'\e')" 0
check_between "rounds" "$(on_screen 'shop.*generation 2')" 2 5
ROWS=8 in_terminal 2
check_match "a low window: as many lines as fit" "$(plain)" '^\.\.\. [0-9]+ lines more than there is room for$'
check_equal "never further up than there are lines" "$(on_screen $'\e\\[([8-9]|[1-9][0-9]+)A')" 0

check_equal "lines about backends while all get clients" "$(plain | grep -c '10\.0\.0\.' || true)" 0
serin backend shop 10.0.0.12:3000 drain >"$WORK/out"
in_terminal 2
check_match "who gets none" "$(plain)" '^stable  10\.0\.0\.12:3000  drained$'

timeout -s INT 3 nsenter --net="/run/netns/$RUN-lb" "$SERIN" status --socket "$SOCKET" -w >"$WORK/piped" || true
check_match "without a list of them: how many" "$(cat "$WORK/piped")" '^stable  1 of 2 backends gets no clients$'
check_equal "sequences in a pipe" "$(grep -c $'\e' "$WORK/piped" || true)" 0
check_between "rounds" "$(grep -c '^share set' "$WORK/piped")" 2 4
timeout -s INT 3 nsenter --net="/run/netns/$RUN-lb" "$SERIN" status --socket "$SOCKET" shop -w -o json >"$WORK/piped" || true
check_equal "as JSON: a line per round" "$(jq -s 'length == (input_line_number)' "$WORK/piped")" true
finish_load
check_unharmed some 1

# The agent goes and comes: what is on the screen says that it is old, until it is new again.
says_so() { grep -q 'no agent: what follows is old' "$WORK/screen"; }
says_it_is_new() { [ -s "$WORK/pid" ] && grep -q "the agent is at work, 1 service, pid $(cat "$WORK/pid")" "$WORK/screen"; }
has_drawn() { plain | grep -c '^share set' >/dev/null; }
: >"$WORK/screen"
{ wait_for 60 says_it_is_new || true; sleep 2; printf '\003'; sleep 1; } |
	on lb env TERM=xterm script -qefc "stty cols 80 rows 40; exec $SERIN status --socket $SOCKET -w" "$WORK/screen" \
		>/dev/null 2>&1 &
watcher=$!
wait_for 10 has_drawn || fail "it draws nothing"
stop_agent
wait_for 10 says_so || true
start_agent
echo "$AGENT_PID" >"$WORK/pid"
wait $watcher || true
check_between "old figures, as long as no agent answers" "$(on_screen 'no agent: what follows is old')" 1 11
check_match "new ones in the end" "$(plain | tail -n 4)" '  start      the agent is at work, 1 service, pid '"$AGENT_PID"
stop_agent
