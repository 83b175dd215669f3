#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A reload brings the first service with `forward: local`: what its answers leave by is on every interface and on the
# loopback before it shows. Another takes it out again: its connections go on, through a restart too, and when the last
# one has ended the hooks are gone.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# What the agent says of the loopback: its mode and whether answers are met, or nothing
loopback() { api GET /v1/services | jq -r '.interfaces[] | select(.name == "lo") | "\(.attach) \(.answers)"'; }
front() { api GET /v1/services | jq -r '.interfaces[] | select(.name == "front") | "\(.attach) \(.answers)"'; }
has_no_loopback() { [ -z "$(loopback)" ]; }

with_local() {
	cat >>"$CONFIG" <<-YAML
		  - name: here
		    listen: ["$VIP:81/tcp"]
		    forward: local
		    baseline: stable
		    versions:
		      stable: {backends: [3001]}
		      canary: {backends: [3002], weight: 25%}
	YAML
}

two_arm
start_servers
start lb "$TOOLS/httpd" "$VIP:3001=stable-here" "$VIP:3002=canary-here"
write_config 25%
start_agent
check_equal "no hooks on the loopback" "$(loopback)" ""
check_equal "front" "$(front)" "xdp false"

with_local
check "reload with a local service" serin reload
check_equal "the loopback" "$(loopback)" "tc true"
check_equal "front" "$(front)" "xdp true"
check_match "a client from outside" "$(fetch "http://$VIP:81/")" "^(stable|canary)-here "
check_match "a client on this host" "$(on lb curl -sS --max-time 5 "http://$VIP:81/")" "^(stable|canary)-here "
load local -t $VIP:81 -s 10.64.0.0 -n 100 -N 100
check_unharmed local 100

start_load busy -t $VIP:81 -s 10.64.0.0 -n 20 -k 20 -i 50 -d 60
write_config 25%
check "reload without it" serin reload
sleep 3
check_equal "its connections keep the hooks" "$(loopback)" "tc true"
stop_agent
start_agent
check_equal "through a restart, too" "$(loopback)" "tc true"
sleep 1
kill "$LOAD_PID"
finish_load
check_unharmed busy 100
check "the hooks go with the last connection" wait_for 15 has_no_loopback
check_equal "front" "$(front)" "xdp false"
load after -t $VIP:80 -s 10.64.0.0 -n 100 -N 100
check_unharmed after 100
