#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# IPv4, forward: nat. A client asks the VIP, the load balancer gives it to one of three backends behind its second
# interface, under its own address there; answers come back the same way.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/basics.sh
. "$(dirname "$0")/basics.sh"

two_arm
start_servers
write_config 25%
start_agent
check_basics $VIP 10.64.0.1 10.0.0.1
