#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The agent is killed with SIGKILL and started again, ten times, under load. Traffic does not notice: neither the old
# connections nor new ones, whether the agent is there or not. The weight set by hand before stays.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

two_arm
start_servers
write_config 5%
start_agent
check "33.33 % by hand" serin weight shop canary=33.33% --reason "before the accident"
program=$(program_of front)
start_load busy -t $VIP:80 -s 10.64.0.0 -n 5000 -k 300 -i 100 -f 200 -d 60
kept=0
for _ in $(seq 1 10); do
	kill_agent
	sleep 0.3
	[ -n "$(program_of front)" ] || fail "the program went with the agent"
	start_agent
	if [ "$(weight_of canary)" = 3333 ]; then kept=$((kept + 1)); fi
	sleep 0.3
done
kill "$LOAD_PID"
finish_load
check_equal "restarts after which the weight was kept" $kept 10
check_unharmed busy 10000
check_between "new connections meanwhile" "$(of_load busy .fresh)" 1000 1000000
check_between "share of the canary among them" "$(share_of busy canary)" 28 39
check_match "the reason is kept too" "$(api GET /v1/services/shop)" "before the accident"
note "program on front: $program at first, $(program_of front) at the end"
