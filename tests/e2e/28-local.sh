#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# forward: local. Two Node.js processes on one host, app-v1 on port 3001 and app-v2 on 3002, behind port 80 of that host.
# Clients are other hosts and the host itself. A server that had port 80 before keeps the connections that it has, and
# the host's other ports are nobody's business.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/basics.sh
. "$(dirname "$0")/basics.sh"

command -v node >/dev/null || skip "node is missing (Debian package nodejs)"

on_host() { on lb curl -sS --max-time 5 "$@" || true; }

# SOURCES URL: percent of answers of v2, each asked from an address of the host's own
share_from_host() {
	local i v2=0
	for i in $(seq 1 "$1"); do
		[[ $(on_host --interface "127.0.1.$i" "$2") != v2-* ]] || v2=$((v2 + 1))
	done
	echo $((v2 * 100 / $1))
}

two_arm
start lb node "$REPO/tests/e2e/tools/server.js" v1-node 3001
start lb node "$REPO/tests/e2e/tools/server.js" v2-node 3002
start lb "$TOOLS/httpd" "$VIP:80=old-80" "$VIP:2222=host" "198.51.100.1:80=own-80"
for port in 3001 3002; do
	wait_for 10 on lb curl -sf -o /dev/null "http://127.0.0.1:$port/" || fail "no Node.js on port $port"
done
start_load old -t $VIP:80 -s 10.64.50.0 -n 20 -k 20 -i 50 -d 60
old=$LOAD_PID

INTERFACES="front, lo" FORWARD=local LISTEN="\"$VIP:80/tcp\", \"127.0.0.1:80/tcp\"" STABLE=3001 CANARY=3002 write_config 40%
start_agent
load split -t $VIP:80 -s 10.64.0.1 -n 400 -N 400 -c 50 -o "$WORK/split.record"
check_unharmed split 400
check_between "share of app-v2 among 400 sources" "$(share_of split v2)" 30 50
check_equal "answers of the server that had the port before" "$(share_of split old)" 0
load stay -t $VIP:80 -s 10.64.0.1 -n 50 -k 50 -i 50 -f 50 -x -d 2
check_unharmed stay 500
check_match "the process sees the client's address" "$(fetch http://$VIP/)" "^v[12]-node 198.51.100.2 0$"
check_equal "connections that the kernel counted as established" \
	"$(api GET /v1/services/shop | jq '[.versions[].established] | add')" \
	"$((401 + $(of_load stay '[.backends[].connections] | add')))"

check_match "from the host itself, to the VIP" "$(on_host http://$VIP/)" "^v[12]-node $VIP 0$"
check_match "from the host itself, to 127.0.0.1" "$(on_host http://127.0.0.1/)" "^v[12]-node 127.0.0.1 0$"
check_between "percent of app-v2 among 100 addresses of the host's own" "$(share_from_host 100 http://127.0.0.1/)" 20 60

check_match "app-v1 by its own port, from outside" "$(fetch http://$VIP:3001/)" "^v1-node 198.51.100.2 0$"
check_match "app-v2 by its own port, from the host" "$(on_host http://127.0.0.1:3002/)" "^v2-node 127.0.0.1 0$"
check_match "another server of the host" "$(fetch http://$VIP:2222/)" "^host 198.51.100.2 0$"
check_match "port 80 of another address of the host" "$(fetch http://198.51.100.1/)" "^own-80 198.51.100.2 0$"
check_other_port $VIP
kill "$old"
LOAD_PID=$old finish_load
check_unharmed old 100
check_equal "its answers were all of the server that it began with" "$(of_load old '.backends | keys | join(" ")')" old-80
stop_agent
check "taken out" serin detach
check_match "the server that had the port has it again" "$(fetch http://$VIP/)" "^old-80 198.51.100.2 0$"
