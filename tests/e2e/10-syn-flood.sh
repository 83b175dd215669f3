#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A SYN flood of ten times the size of the flow table, and more than ten times the range of SNAT ports, from sources
# that never answer. Every established connection lives on, and new clients still get in: half-open flows and their
# ports are what is taken back first.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

two_arm
start_servers
write_config 50% "flows: 2048
snat: {ports: 20000-21999}"
start_agent
size=2048
start_load old -t $VIP:80 -s 10.64.0.0 -n 300 -k 300 -i 200 -d 60
start client "$TOOLS/synflood" -t $VIP:80 -s 10.65.0.0 -n 65536 -c $((size * 15)) -r 4000 >"$WORK/flood.json"
flood=${PIDS[-1]}
sleep 1
load during -t $VIP:80 -s 10.64.10.0 -n 200 -N 200 -c 16 -w 15000
wait "$flood"
note "flood: $(cat "$WORK/flood.json")"
load after -t $VIP:80 -s 10.64.20.0 -n 200 -N 200 -c 16 -w 15000
sleep 1
kill "$LOAD_PID"
finish_load
check_equal "SYNs sent" "$(jq .sent "$WORK/flood.json")" $((size * 15))
check_unharmed old 1000
check_equal "connections from before, all of them as they were" \
	"$(of_load old '[.backends[].connections] | add')" 300
check_unharmed during 200
check_unharmed after 200
check_equal "established flows evicted" "$(metric serin_flow_evictions_total 'state="established"')" 0
check_between "half-open flows evicted" "$(metric serin_flow_evictions_total 'state="embryonic"')" $((size * 5)) 1000000
