# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# HTTP clients that keep their connections (tools/keepalive.js, keepalive.py), and what is left of these on either side.

TOOLS_SOURCE=$REPO/tests/e2e/tools
command -v node >/dev/null || skip "node is missing (Debian package nodejs)"
[ -x /usr/bin/python3 ] || skip "python3 is missing (Debian package python3)"

# stable and canary, one Node.js each, which close nothing by themselves
start_keepalive_servers() {
	local host
	for host in s1:11:stable-1 s2:12:stable-2 c1:21:canary-1; do
		IFS=: read -r host byte name <<<"$host"
		start "$host" node "$TOOLS_SOURCE/server.js" "$name" 3000
		wait_for 10 on "$host" curl -sf -o /dev/null "http://10.0.0.$byte:3000/" ||
			fail "the server on $host does not answer"
	done
}

# NAME COUNT COMMAND... -- PATH...
start_client() {
	local name=$1 count=$2 command=()
	shift 2
	while [ "$1" != -- ]; do
		command+=("$1")
		shift
	done
	shift
	ROUNDS=$WORK/$name
	mkdir "$ROUNDS"
	start client "${command[@]}" "http://$VIP" "$count" "$ROUNDS" "$@"
	CLIENT_PID=${PIDS[-1]}
}

next_round() { : >"$ROUNDS/go.$1"; }

end_client() { wait "$CLIENT_PID" || fail "the client failed"; }

# WHAT ROUND VERSION COUNT: so many answers, all of that version, and none that failed
check_round() {
	wait_for 15 test -e "$ROUNDS/done.$2" || fail "$1: round $2 does not end"
	check_equal "$1: failed requests of round $2 ($(jq -r '.errors | join(" ")' "$ROUNDS/done.$2"))" \
		"$(jq .failed "$ROUNDS/done.$2")" 0
	check_equal "$1: versions that answered round $2" \
		"$(jq -r '[.answers | keys[] | sub("-.*"; "")] | unique | join(" ")' "$ROUNDS/done.$2")" "$3"
	check_equal "$1: answers of round $2" "$(jq '[.answers[]] | add' "$ROUNDS/done.$2")" "$4"
}

# HOST sport|dport: established TCP connections of the service there
connections_of() {
	local port=3000
	[ "$2" = sport ] || port=80
	on "$1" ss -Htn state established "$2 = $port" | wc -l
}

# Of the client's program and of the canary. (The load generator's connections come from other addresses.)
all_closed() {
	[ "$(connections_of c1 sport)" = 0 ] &&
		[ "$(on client ss -Htn state established "src 198.51.100.2 and dport = 80" | wc -l)" = 0 ]
}
