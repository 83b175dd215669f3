#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Wrong configurations. Each is refused with FILE:LINE:COLUMN and what was expected, by `serin check` and `serin run`
# alike; the agent that is running, its weights and its traffic are as before. So they are after a second agent was
# started by mistake.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# WHAT LINE:COLUMN SED-EXPRESSION SAID: the good file with one thing wrong
refused() {
	local bad=$WORK/bad.yaml status=0 said
	sed -E "$3" "$CONFIG" >"$bad"
	said=$(serin check -c "$bad" 2>&1 >/dev/null) || status=$?
	check_equal "$1: exit code of serin check" $status 1
	check_match "$1: said where and what" "$said" "^$bad:$2: .*$4.*, expected "
	status=0
	said=$(on lb timeout 10 "$SERIN" run -c "$bad" --pin-dir "$PINS-no" --state-dir "$STATE-no" \
		--socket "$SOCKET-no" 2>&1) || status=$?
	check_equal "$1: exit code of serin run" $status 1
	check_match "$1: serin run says the same" "$said" "$bad:$2: .*$4"
	[ ! -e "$PINS-no" ] || fail "$1: $PINS-no was made"
}

two_arm
start_servers
write_config 25%
start_agent
check "the good file passes serin check" serin check -c "$CONFIG"
check "a weight by hand" serin weight shop canary=12.5%
start_load busy -t $VIP:80 -s 10.64.0.0 -n 50 -k 50 -i 50 -f 50 -d 60

refused "unknown key" 2:1 's/^http:/htpp:/' "htpp"
refused "no address" 6:14 's/203\.0\.113\.10/203.0.113.300/' "203.0.113.300"
refused "no protocol" 6:14 's|:80/tcp|:80/icmp|' "icmp"
refused "wrong unit" 12:54 's/weight: 25%/weight: 25x/' "25x"
refused "more than all" 12:54 's/weight: 25%/weight: 101%/' "101%"
refused "no such baseline" 9:15 's/baseline: stable/baseline: stabel/' "stabel"
refused "no backends" 12:26 's/canary: \{backends: \[[^]]*\]/canary: {backends: []/' "backends"
refused "one backend twice" 12:27 's/10\.0\.0\.21/10.0.0.11/' "10.0.0.11:3000"
refused "forward that there is not" 7:14 's/forward: nat/forward: natt/' "natt"
refused "not YAML" 7:5 's/listen: \[/listen: [[/' ""
refused "no such check" 10:21 's/^( *)baseline.*/&\n\1health: {check: ping}/' "ping"
refused "a slow check" 10:35 's/^( *)baseline.*/&\n\1health: {check: tcp, timeout: 3s}/' "3s .*every 2s"
refused "no name" 12:28 's/canary: \{backends: \[[^]]*\]/canary: {dns: {name: 10.0.0.21, port: 3000}/' "10.0.0.21"
refused "two origins" 12:36 's|canary: \{|canary: {file: /x, |' "'backends' beside 'file'"
refused "IPv4 to IPv6" 12:27 's/10\.0\.0\.21:/[2001:db8:2::21]:/' ""

# Nothing wrong with the file, but there is no such interface here.
sed 's/\[front, back\]/[bakc]/' "$CONFIG" >"$WORK/bad.yaml"
status=0
said=$(on lb timeout 10 "$SERIN" run -c "$WORK/bad.yaml" --pin-dir "$PINS-no" --state-dir "$STATE-no" \
	--socket "$SOCKET-no" 2>&1) || status=$?
check_equal "unknown interface: exit code of serin run" $status 1
check_match "unknown interface: named" "$said" bakc
rm -rf "$PINS-no"

status=0
said=$(on lb timeout 10 "$SERIN" run -c "$CONFIG" --pin-dir "$PINS" --state-dir "$STATE" --socket "$SOCKET" 2>&1) ||
	status=$?
check_equal "a second agent: exit code" $status 1
note "a second agent was told: $(tail -n 1 <<<"$said")"

check_equal "weight of the canary, in basis points" "$(weight_of canary)" 1250
kill "$LOAD_PID"
finish_load
check_unharmed busy 200
