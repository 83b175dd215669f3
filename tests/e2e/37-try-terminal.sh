#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# serin try in a terminal: redrawn in place within 80 columns, ended by the key or with the terminal. Without one, as lines.
# UDP. And beside an agent at work, which it neither disturbs nor takes a port from.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/try.sh
. "$REPO/tests/e2e/try.sh"

command -v script >/dev/null || skip "script is missing (Debian package bsdutils)"

SPLIT="$SERIN try 8080 stable=3001 canary=3002@10%"

# REGEXP: lines of the screen that have it
on_screen() { grep -cE -- "$1" "$WORK/screen" || true; }

# REGEXP COUNT: so many lines of the screen have it
has_shown() { [ "$(on_screen "$1")" -ge "$2" ]; }

# REGEXP COUNT [ENVIRONMENT...]: in a pseudoterminal of 80 columns, Ctrl-C a second after so many lines with REGEXP; what it showed
# is in $WORK/screen, its exit code in status. The shell between gives its place away: dash would die of the key and say so.
in_terminal() {
	local text=$1 count=$2
	shift 2
	status=0
	: >"$WORK/screen"
	{ wait_for 30 has_shown "$text" "$count" || true; sleep 1; printf '\003'; wait_for 10 has_shown 'out of the kernel' 1 || true; } |
		on lb env TERM=xterm "$@" script -qefc "stty cols 80 rows 24; exec $SPLIT" "$WORK/screen" >/dev/null 2>&1 || status=$?
}

# The text of the block, without sequences
columns_of_block() {
	sed 's/\x1b\[[0-9;]*[A-Za-z]//g; s/[\r]//g; s/^\^C//' "$WORK/screen" | grep -vE '^(Script|serin:)' |
		awk '{ if (length > n) n = length } END { print n }'
}

two_arm
start_versions

in_terminal 'Ctrl-C ends it' 3
check_equal "exit code after Ctrl-C" $status 0
check "Ctrl-C: nothing is left" wait_for 10 no_programs
check_between "rounds that were drawn" "$(on_screen 'Ctrl-C ends it')" 2 8
check_between "of these in the place of the one before" "$(on_screen $'\e\\[5A')" 2 8
check_between "columns of its widest line" "$(columns_of_block)" 60 79
check_equal "the closing words" "$(on_screen 'programs and tables are out of the kernel')" 1
check_between "colours" "$(on_screen $'\e\\[[0-9;]*m')" 1 100
in_terminal 'Ctrl-C ends it' 2 NO_COLOR=1
check_equal "colours with NO_COLOR" "$(on_screen $'\e\\[[0-9;]*m')" 0
check_between "it is redrawn nevertheless" "$(on_screen $'\e\\[5A')" 1 8
in_terminal 'is split' 1 TERM=dumb
check_equal "sequences with TERM=dumb" "$(on_screen $'\e')" 0
check_equal "the closing words" "$(on_screen 'programs and tables are out of the kernel')" 1

start lb env TERM=xterm script -qfc "exec $SPLIT" /dev/null </dev/null >/dev/null 2>&1
terminal=${PIDS[-1]}
has_programs() { ! no_programs; }
check "it is at work in a terminal" wait_for 20 has_programs
kill -KILL "$terminal"
check "the terminal is gone: nothing is left" wait_for 10 no_programs

# ---- lines ---------------------------------------------------------------------------------------------------------

start_try 8080 stable=3001 canary=3002@100%
sleep 2
check_equal "lines while nothing happens" "$(wc -l <"$TRY.out")" 0
check_match "a connection" "$(fetch http://198.51.100.1:8080/)" "^canary-"
check "a line for each version says so" wait_for 5 grep -q \
	' s: canary port 3002 share 100% measured 100.0% connections 1 ' "$TRY.out"
check_equal "lines" "$(grep -c ' s: ' "$TRY.out")" 2
end_try INT

start lb sh -c "$SPLIT | head -n 1" >/dev/null 2>"$WORK/head.err"
check "it is at work" wait_for 30 grep -q 'is split' "$WORK/head.err"
# Of the lines that a connection makes the first one is read, and some later one is nobody's.
ends_with_another() { fetch -o /dev/null http://198.51.100.1:8080/ && no_programs; }
check "whoever read its output is gone: nothing is left" wait_for 15 ends_with_another

# ---- UDP -----------------------------------------------------------------------------------------------------------

start lb "$TOOLS/udpecho" 0.0.0.0:3001=stable-u 0.0.0.0:3002=canary-u
start_try 8053 stable=3001 canary=3002@50% --udp -o json
on client "$TOOLS/udpload" -t 198.51.100.1:8053 -N 400 -r 3 >"$WORK/udp.json"
check_equal "questions that were not answered" "$(of_load udp .lost)" 0
check_equal "conversations that changed the version" "$(of_load udp .moved)" 0
end_try INT
# A few have the source port of one before them, and go where that one went.
check_between "conversations that were counted" "$(last_of_try '[.versions[].opened] | add')" 370 400
check_between "of these the canary's" "$(last_of_try '.versions[1].opened')" 150 250

# ---- beside an agent -----------------------------------------------------------------------------------------------

start_servers
write_config 10% 'snat: {ports: 10000-32767}'
start_agent
agent_program=$(program_of front)
start_load beside -t $VIP:80 -s 10.64.0.1 -n 50 -k 50 -i 50 -f 50 -x -d 8
check_refused "a serin at work listens on $VIP:80" 80 stable=3001 canary=3002@10%
start_try 8080 stable=3001 canary=3002@50%
check_share client beside-an-agent 198.51.100.1:8080 1000 42 58
check_refused "another .serin try. \(pid $TRY_PID\) splits it" 8080 stable=3001 canary=3002@10%
end_try INT
finish_load
check_unharmed beside 500
check_equal "the agent's program is where it was" "$(program_of front)" "$agent_program"
check_no_drops
stop_agent
check_refused "a serin at work listens on $VIP:80" 80 stable=3001 canary=3002@10%
check "taken out" serin detach
start_try 80 stable=3001 canary=3002@50%
check_match "the port is free then" "$(fetch http://$VIP/)" "^(stable|canary)-"
end_try INT
