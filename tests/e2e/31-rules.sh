#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Rules. The staff's network gets the canary before anybody else does, one customer never gets it, and the longest prefix
# counts. Placed clients are counted beside the drawn ones, and `serin explain` says which rule it was. Thousands of
# addresses come out of a file.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# NAME FIRST_SOURCE SOURCES
survey() {
	load "$1" -t "${4:-$VIP:80}" -s "$2" -n "$3" -N "$3" -c 50
	check_unharmed "$1" "$3"
}

# WHAT ADDRESS VERSION RULE-REGEXP
check_explained() {
	local said
	said=$(serin explain "${5:-shop}" "$2" 2>&1)
	check_match "$1: version" "$said" "^$2 gets version $3[, ]"
	check_match "$1: why" "$said" "$4"
}

two_arm
start_servers
{
	echo "# partners"
	for i in $(seq 0 9999); do echo "10.200.$((i / 250)).$((i % 250)) canary"; done
	echo "10.64.30.0/24 canary"
	echo "2001:db8:64::30:0/112 canary"
} >"$WORK/partners.rules"
write_top
SERVICE="rules:
  - {from: 10.64.8.0/22, version: canary}
  - {from: 10.64.9.0/24, version: stable}
  - {from: 10.64.9.7, version: canary}
rules_file: $WORK/partners.rules" write_service shop 0%
FAMILY=6 AFFINITY="{ipv6: 128}" SERVICE="rules: [{from: \"2001:db8:64::8:0/112\", version: canary}]
rules_file: $WORK/partners.rules" write_service six 0%
start_agent
survey staff 10.64.8.0 256
check_equal "percent of the staff on the canary, which has no share" "$(share_of staff canary)" 100
survey customer 10.64.9.8 200
check_equal "percent of the customer's on the canary" "$(share_of customer canary)" 0
survey one 10.64.9.7 1
check_equal "one address of theirs" "$(share_of one canary)" 100
survey partners 10.64.30.0 100
check_equal "percent of the file's network on the canary" "$(share_of partners canary)" 100
survey others 10.64.100.0 200
check_equal "percent of the others on the canary" "$(share_of others canary)" 0
survey six 2001:db8:64::8:1 100 "[$VIP6]:80"
check_equal "IPv6: percent of the staff on the canary" "$(share_of six canary)" 100
survey sixers 2001:db8:64::9:1 100 "[$VIP6]:80"
check_equal "IPv6: percent of the others on the canary" "$(share_of sixers canary)" 0

check "the canary gets everything" serin weight shop canary=100%
survey customer 10.64.9.8 200
check_equal "percent of the customer's on the canary, which has it all" "$(share_of customer canary)" 0
survey others 10.64.100.0 200
check_equal "percent of the others" "$(share_of others canary)" 100

check_explained "staff" 10.64.8.1 canary "10\.64\.8\.0/22"
check_explained "customer" 10.64.9.8 stable "10\.64\.9\.0/24"
check_explained "one address" 10.64.9.7 canary "10\.64\.9\.7"
check_explained "out of the file" 10.200.39.249 canary "10\.200\.39\.249"
check_explained "IPv6" 2001:db8:64::8:1 canary "2001:db8:64::8:0/112" six
check_equal "connections counted as placed, on stable" \
	"$(metric serin_connections_placed_total 'service="shop",version="stable"')" 400
check_equal "and on the canary" \
	"$(metric serin_connections_placed_total 'service="shop",version="canary"')" $((256 + 1 + 100))
