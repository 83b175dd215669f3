#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Twenty SNAT ports and one backend: twenty connections at a time. The next one gets no answer, for a reason that has a
# name, a counter and a line in the log; those that are open live on, and when one ends its port is given out again.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

two_arm
start_servers
STABLE='"10.0.0.11:3000"' write_config 0% "snat: {ports: 20000-20019}"
check_match "serin check says how many connections fit" "$(serin check -c "$CONFIG" 2>&1)" '\<20\>'
start_agent
start_load old -t $VIP:80 -s 10.64.0.0 -n 20 -k 20 -i 50 -d 60
old=$LOAD_PID
load more -t $VIP:80 -s 10.64.1.0 -n 50 -N 50 -c 50 -w 800
check_equal "connections beyond that were answered" "$(of_load more .requests)" 0
check_between "drops for want of a port" "$(metric serin_drops_total 'reason="snat_exhausted"')" 50 150
LINE='level=(warning|warn|error) msg="packets dropped" reason=snat_exhausted count=[0-9]+ because='
check "the log says so" wait_for 5 grep -Eq "$LINE" "$AGENT_LOG"
check_between "lines about it" "$(grep -Ec "$LINE" "$AGENT_LOG" || true)" 1 2

kill "$old"
LOAD_PID=$old finish_load
check_unharmed old 200
check_equal "the twenty were never moved" "$(of_load old '[.backends[].connections] | add')" 20
# Their ports would linger and rest for more than a minute, were there others.
load after -t $VIP:80 -s 10.64.2.0 -n 20 -N 60 -c 5
check_unharmed after 60
check_between "ports given out again before their time" \
	"$(($(metric serin_snat_ports_unrested_total) + $(metric serin_snat_ports_retaken_total)))" 40 1000
