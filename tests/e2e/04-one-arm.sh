#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# One arm: client, backends and load balancer on one switch, every packet leaves through the interface that it came in
# by. Nobody's MAC is configured: ARP and neighbour discovery have to work while attached.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/basics.sh
. "$(dirname "$0")/basics.sh"

one_arm
start_servers
INTERFACES=eth0 write_config 25%
start_agent
check_basics $VIP 10.64.0.1 10.0.0.1

stop_agent
check "the IPv4 service is taken out" serin detach
FAMILY=6 INTERFACES=eth0 AFFINITY="{ipv6: 128}" write_config 25%
start_agent
check_basics "[$VIP6]" 2001:db8:64::1 2001:db8:2::1
