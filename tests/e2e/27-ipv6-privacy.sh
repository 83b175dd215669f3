#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# An IPv6 client changes its address every day, inside its /64: it stays on its version. Forty customers of a /64 each,
# twenty addresses each; half of the customers should meet the canary, and none of them both versions.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# What a file without the key says: affinity by the /64.
two_arm
ip -n "$RUN-client" route add local 2001:db8:7000::/56 dev lo
ip -n "$RUN-lb" route add 2001:db8:7000::/56 via 2001:db8:1::2
start_servers
FAMILY=6 write_config 50%
start_agent
canaries=0
divided=0
failed=0
for network in $(seq 40 79); do
	load customer -t "[$VIP6]:80" -s "2001:db8:7000:$network:1234:5678:9abc:10" -n 20 -N 20 -c 20
	failed=$((failed + 20 - $(of_load customer .requests)))
	case $(share_of customer canary) in
	0) ;;
	100) canaries=$((canaries + 1)) ;;
	*) divided=$((divided + 1)) && note "2001:db8:7000:$network::/64: $(of_load customer '.backends | tostring')" ;;
	esac
done
check_equal "requests that failed, of 800" $failed 0
check_equal "customers that met both versions" $divided 0
# A fair coin falls outside of this once in 25 000 rows of forty.
check_between "customers on the canary, of 40" $canaries 8 32

for address in :1 ffff:ffff:ffff:ffff; do
	serin explain shop "2001:db8:7000:50:$address" -o json | jq -r .version
done >"$WORK/explained" 2>&1 || fail "serin explain: $(cat "$WORK/explained")"
check_equal "versions that serin explain names for two addresses of one /64" "$(sort -u "$WORK/explained" | wc -l)" 1
