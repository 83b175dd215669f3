#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# attach: xdp-generic. Where a driver has no XDP the same program runs on socket buffers, which may be in pieces and
# with other headroom: all of the basics once more.
# Door: xdp
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/basics.sh
. "$(dirname "$0")/basics.sh"

ATTACH=xdp-generic
two_arm
start_servers
write_config 25%
start_agent
check_equal "front is attached in generic mode" "$(xdp_mode front)" xdpgeneric
check_equal "back is attached in generic mode" "$(xdp_mode back)" xdpgeneric
check_basics $VIP 10.64.0.1 10.0.0.1
