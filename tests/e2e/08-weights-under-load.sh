#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# 200 changes of weights in 20 seconds under 1 000 keep-alive connections and a stream of new ones: not one request
# fails, and not one connection meets a second backend.
# Beside: nobody
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

two_arm
start_servers
write_config 5%
start_agent
start_load busy -t $VIP:80 -s 10.64.0.0 -n 20000 -k 1000 -i 250 -f 200 -d 24
start=$(date +%s%3N)
changes=0
for i in $(seq 1 200); do
	if serin weight shop "canary=$((i * 37 % 101))%" >/dev/null; then changes=$((changes + 1)); fi
	left=$((start + i * 100 - $(date +%s%3N)))
	[ $left -le 0 ] || sleep "$(printf '0.%03d' $left)"
done
took=$(($(date +%s%3N) - start))
finish_load
check_equal "changes of weights" $changes 200
check_between "seconds that they took" "$(jq -n "$took / 1000")" 19 24
check_unharmed busy 60000
check_between "new connections meanwhile" "$(of_load busy .fresh)" 4000 1000000
check_equal "generation after 200 changes, less the first" \
	"$(($(api GET /v1/services/shop | jq .generation) - 1))" 200
check_equal "weight of the canary, in basis points" "$(weight_of canary)" $((200 * 37 % 101 * 100))
