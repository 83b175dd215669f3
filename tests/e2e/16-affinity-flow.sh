#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# affinity: flow. Every connection is drawn for itself: one client meets both versions, in the set share, but each of
# its connections only one backend.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

two_arm
start_servers
AFFINITY=flow write_config 30%
start_agent
load one -t $VIP:80 -s 10.64.0.1 -n 1 -N 2000 -c 64
check_unharmed one 2000
check_between "share of the canary among 2000 connections of one client" "$(share_of one canary)" 25 35
load kept -t $VIP:80 -s 10.64.0.1 -n 1 -k 100 -i 20 -d 2
check_unharmed kept 2000
