#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Ten megabytes each way over one connection, IPv4 and IPv6, nat and gateway, all services at the same time in one agent:
# every byte arrives as it was sent, and next to nothing has to be sent twice.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/transfers.sh
. "$REPO/tests/e2e/transfers.sh"

two_arm
start_bulk s1 stable-1 10.0.0.11:3000 "[2001:db8:2::11]:3000"
start_bulk s2 stable-2 10.0.0.12:3000 "[2001:db8:2::12]:3000"
start_bulk c1 canary-1 10.0.0.21:3000 "[2001:db8:2::21]:3000"
write_top
write_service nat-4
FAMILY=6 write_service nat-6
FORWARD=gateway LISTEN="\"$VIP:81/tcp\"" write_service gateway-4
FORWARD=gateway LISTEN="\"[$VIP6]:81/tcp\"" FAMILY=6 write_service gateway-6
start_agent
check_transfer "nat, IPv4" $VIP:80
check_transfer "nat, IPv6" "[$VIP6]:80"
check_transfer "gateway, IPv4" $VIP:81
check_transfer "gateway, IPv6" "[$VIP6]:81"
check_no_drops
check_between "bytes of IP packets to backends" "$(metric serin_bytes_total 'direction="to_backend"')" 40000000 60000000
check_between "bytes of IP packets to clients" "$(metric serin_bytes_total 'direction="to_client"')" 40000000 60000000
