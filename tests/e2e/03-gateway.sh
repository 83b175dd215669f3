#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# forward: gateway. The backends see the client's own address and send their answers back through the load balancer,
# which is their default route. First over IPv4, then over IPv6.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/basics.sh
. "$(dirname "$0")/basics.sh"

two_arm
start_servers
FORWARD=gateway write_config 25%
start_agent
check_basics $VIP 10.64.0.1 198.51.100.2

stop_agent
check "the IPv4 service is taken out" serin detach
FAMILY=6 FORWARD=gateway AFFINITY="{ipv6: 128}" write_config 25%
start_agent
check_basics "[$VIP6]" 2001:db8:64::1 2001:db8:1::2
