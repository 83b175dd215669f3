#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Backends come and go. A second canary backend takes clients from the first one only; when the first leaves, its own
# clients move and nobody else; clients of stable never notice. Connections to a backend that left live on.
# shellcheck source=tests/e2e/servers.sh
. "$(dirname "$0")/servers.sh"

SOURCES=3000

# BACKENDS: a changed file takes effect when the agent starts
restart_with() {
	CANARY=$1 write_config 40%
	stop_agent
	start_agent
}

two_arm
start_servers
write_config 40%
start_agent
survey one

start_load kept -t $VIP:80 -s 10.64.0.0 -n 200 -k 200 -i 100 -d 60
restart_with '"10.0.0.21:3000", "10.0.0.22:3000"'
survey two
check_equal "clients of stable that moved" "$(count one two 'was ~ /stable/ && is != was')" 0
check_equal "clients of canary that left it" "$(count one two 'was ~ /canary/ && is !~ /canary/')" 0
check_between "clients that the new backend took" "$(count one two 'is == "canary-2"')" 450 750

restart_with '"10.0.0.22:3000"'
survey three
check_equal "clients of stable that moved" "$(count two three 'was ~ /stable/ && is != was')" 0
check_equal "clients of canary-2 that moved" "$(count two three 'was == "canary-2" && is != was')" 0
check_equal "clients that canary-1 still got" "$(count two three 'is == "canary-1"')" 0
kill "$LOAD_PID"
finish_load
check_unharmed kept 1000
