#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# IPv6, forward: nat. The same as over IPv4; sources count by their whole address here.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/basics.sh
. "$(dirname "$0")/basics.sh"

two_arm
start_servers
FAMILY=6 AFFINITY="{ipv6: 128}" write_config 25%
start_agent
check_basics "[$VIP6]" 2001:db8:64::1 2001:db8:2::1
