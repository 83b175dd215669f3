#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# `serin flows` shows what ss shows: the connections that are open, by client, by backend and by version, TCP and UDP, and
# how much went through them; when they end they are gone from it, and serin_connections_active says the same.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/transfers.sh
. "$REPO/tests/e2e/transfers.sh"

# JQ-FILTER [OPTIONS...]: of the flows that are listed
flows() {
	local filter=$1
	shift
	serin flows shop -o json --limit 100000 "$@" | jq -r ".flows[] | $filter"
}

# The clients' sides of connections to port 80, as ss writes them
open_at_client() { on client ss -Htn state established "dport = 80" | awk '{ print $3 }' | sort; }
open_at() { on "$1" ss -Htn state established "sport = 3000" | wc -l; }

two_arm
start_servers
for host in s1:11:stable-1 s2:12:stable-2 c1:21:canary-1; do
	IFS=: read -r host byte name <<<"$host"
	start "$host" "$TOOLS/udpecho" "10.0.0.$byte:3000=$name"
done
LISTEN="\"$VIP:80/tcp\", \"$VIP:80/udp\"" write_config 40%
start_agent
start_load old -t $VIP:80 -s 10.64.0.0 -n 300 -k 300 -i 500 -d 60
flows '[.client, .protocol, .version, .backend, .state] | join(" ")' | sort >"$WORK/flows"
check_equal "flows" "$(wc -l <"$WORK/flows")" 300
check_equal "flows that are not established" "$(grep -vc ' tcp .* established$' "$WORK/flows" || true)" 0
cut -d' ' -f1 "$WORK/flows" | sort | diff - <(open_at_client) >"$WORK/difference" || true
check_equal "clients that ss does not show, or serin does not" "$(wc -l <"$WORK/difference")" 0
for host in s1:11 s2:12 c1:21; do
	check_equal "flows to 10.0.0.${host#*:}" "$(grep -c " 10.0.0.${host#*:}:3000 " "$WORK/flows")" "$(open_at "${host%:*}")"
done
check_equal "flows of the canary" "$(flows .client --version canary | wc -l)" "$(open_at c1)"
check_equal "clients of ten, when ten are asked for" "$(serin flows shop -o json --limit 10 | jq '.flows | length')" 10
check_match "as a table" "$(serin flows shop --version canary)" "^10\.64\.0\.[0-9]+:[0-9]+ +tcp +canary +10\.0\.0\.21:3000 +established "
check_equal "serin_connections_active" "$(metric serin_connections_active)" 300

udp_load talk -t $VIP:80 -s 10.64.1.0 -n 50 -N 50 -c 50 -r 2 -i 100 -l 1000
check_unharmed talk 100
check_equal "UDP flows" "$(flows 'select(.protocol == "udp").client' | wc -l)" 50
# Two datagrams of 1000 bytes each way, with headers; the answer has a line more.
check_equal "bytes to the backend of a UDP flow" "$(flows 'select(.protocol == "udp").bytes.to_backend' | sort -u)" 2056
check_equal "UDP flows whose answers are not longer" \
	"$(flows 'select(.protocol == "udp" and .bytes.to_client <= 2056).client' | wc -l)" 0

kill "$LOAD_PID"
finish_load
check_unharmed old 300
check_equal "TCP flows that are open when the client has gone" \
	"$(flows 'select(.protocol == "tcp" and .state == "established").client' | wc -l)" "$(open_at_client | wc -l)"
check_equal "serin_connections_active" "$(metric serin_connections_active)" 50
