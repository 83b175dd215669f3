#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# max_new_flows. A service may open a hundred flows a second; a client that wants a thousand gets a hundred, connections
# that are open do not notice, and neither does the service beside it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

two_arm
start_servers
write_top
SERVICE="max_new_flows: 100/s" write_service shop 50%
LISTEN="\"$VIP:81/tcp\"" write_service other 50%
start_agent
start_load old -t $VIP:80 -s 10.64.0.0 -n 80 -k 80 -i 50 -d 60
old=$LOAD_PID
start_load beside -t $VIP:81 -s 10.64.1.0 -n 200 -k 1 -f 400 -d 60
beside=$LOAD_PID
sleep 1.5
before=$(api GET /v1/services/shop | jq '[.versions[].opened] | add')
# Each tries once: a SYN is sent again after a second, and these have given up by then.
load crowd -t $VIP:80 -s 10.64.2.0 -n 5000 -f 1000 -d 4 -w 800 -c 1000
opened=$(($(api GET /v1/services/shop | jq '[.versions[].opened] | add') - before))
check_between "connections that a crowd of 1000 a second got in four seconds" "$opened" 350 600
check_between "of them answered" "$(of_load crowd .fresh)" $((opened * 9 / 10)) $opened
check_between "SYNs dropped for the limit" "$(metric serin_drops_total 'reason="new_flow_limit"')" 2000 5000
kill "$old" "$beside"
wait "$old" "$beside" || fail "a load generator failed"
check_unharmed old 1000
check_unharmed beside 1000
sleep 1.2
load after -t $VIP:80 -s 10.64.3.0 -n 50 -N 50
check_unharmed after 50
