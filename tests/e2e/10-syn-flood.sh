#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A SYN flood of ten times the size of the flow table, from sources that never answer. Every established connection
# lives on, and new clients still get in: half-open flows are what is taken back first. The second time there are fewer
# SNAT ports than places in the table, and what is taken back are the half-open flows' ports.
# Beside: nobody
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# WHAT PORTS: sets `room`, the connections that the table can hold (a connection takes two ways)
flood() {
	local flood
	write_config 50% "flows: 2048
snat: {ports: $2}"
	start_agent
	room=$(($(metric serin_flow_table_ways) / 2))
	start_load old -t $VIP:80 -s 10.64.0.0 -n 300 -k 300 -i 200 -d 60
	start client "$TOOLS/synflood" -t $VIP:80 -s 10.65.0.0 -n 65536 -c $((room * 10)) -r 6000 >"$WORK/flood.json"
	flood=${PIDS[-1]}
	sleep 1
	load during -t $VIP:80 -s 10.64.10.0 -n 200 -N 200 -f 40 -c 64 -w 15000
	wait "$flood"
	load after -t $VIP:80 -s 10.64.20.0 -n 200 -N 200 -c 16 -w 15000
	sleep 0.5
	kill "$LOAD_PID"
	finish_load
	note "$1: room for $room connections; flood: $(cat "$WORK/flood.json")"
	check_equal "$1: SYNs sent" "$(jq .sent "$WORK/flood.json")" $((room * 10))
	check_unharmed old 1000
	check_equal "$1: connections from before, all of them as they were" \
		"$(of_load old '[.backends[].connections] | add')" 300
	check_unharmed during 200
	check_unharmed after 200
	check_equal "$1: established flows evicted" "$(metric serin_flow_evictions_total 'state="established"')" 0
}

two_arm
start_servers
flood "small table" 10000-29999
check_between "half-open flows evicted" "$(metric serin_flow_evictions_total 'state="embryonic"')" $((room * 5)) 1000000
check_equal "ports retaken" "$(metric serin_snat_ports_retaken_total)" 0

stop_agent
check "taken out" serin detach
flood "few ports" 20000-20999
check_between "ports retaken" "$(metric serin_snat_ports_retaken_total)" $((room * 5)) 1000000
