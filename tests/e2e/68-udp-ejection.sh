#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A backend of a UDP service dies: its host says that the port is unreachable, so it is out, and after some time is given
# another try; again and again until it answers. With `health: off` nobody is out, whatever it does, over TCP or UDP.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/transfers.sh
. "$REPO/tests/e2e/transfers.sh"

# NAME [OPTIONS]: one datagram each of clients that nobody has met before, from 10.64.SOURCE.0 on
SOURCE=0
ask_new() {
	local name=$1
	shift
	udp_load "$name" -t $VIP:53 -s 10.64.$SOURCE.0 -n 256 -N 256 -c 64 -w 300 "$@"
	SOURCE=$((SOURCE + 1))
}
# SERVICE TEXT
events_of() {
	api GET "/v1/events?service=$1" |
		jq --arg text "$2" '[.events[] | select(.kind == "backend" and (.text | test($text)))] | length'
}
has_events() { [ "$(events_of "$1" "$2")" -ge "$3" ]; }
state_of() { api GET "/v1/services/$1" | jq -r ".versions[].backends[] | select(.address == \"10.0.0.$2:3000\").state"; }
is_out_again() { has_events udp53 "12:3000 of stable is out: it cannot be reached, [0-9]+ conversations in a row" 2; }
is_up() { [ "$(state_of "$@")" = up ]; }
serve_udp() {
	start "$1" "$TOOLS/udpecho" "10.0.0.$2:3000=$3"
	SERVER=${PIDS[-1]}
	wait_for 5 on "$1" bash -c "ss -Hlun 'sport = 3000' | grep -q ." || fail "the server on $1 does not listen"
}
end_server() {
	kill -KILL "$1"
	wait "$1" 2>/dev/null || true
}

two_arm
start_servers
HTTPD=${PIDS[1]} # of s2
serve_udp s1 11 stable-1
serve_udp c1 21 canary-1
serve_udp s2 12 stable-2
write_top
# Of a dead backend's own clients, those of one version, so that the other half shows who moved.
for port in 53 54; do
	[ $port = 53 ] || SERVICE="health: off"
	LISTEN="\"$VIP:$port/udp\"" SERVICE="protocol: udp${SERVICE:+$'\n'$SERVICE}" write_service "udp$port" 10%
done
SERVICE="health: off" write_service shop 10%
start_agent
ask_new well
check_unharmed well 256

# ---- out, and back -------------------------------------------------------------------------------------------------

end_server "$SERVER"
ask_new knock
check "out within 5 s" wait_for 5 has_events udp53 "10.0.0.12:3000 of stable is out: it cannot be reached, [0-9]+ conversations in a row" 1
note "$(of_load knock '.failed') of 256 clients were lost on that"
check_between "clients lost" "$(of_load knock .failed)" 5 150
check "another try within 10 s" wait_for 10 has_events udp53 "12:3000 of stable is back: it is given another try" 1
# A host says so six times at once, then once a second (icmp_ratelimit): five more of these take some seconds.
began=$SECONDS
for _ in {1..60}; do
	ask_new knock
	! is_out_again || break
	sleep 0.2
done
check "out again" is_out_again
note "out again after $((SECONDS - began)) s"
ask_new without
check_between "clients lost while it is out" "$(of_load without .failed)" 0 10
check_equal "answers of its own" "$(of_load without '.backends["stable-2"].requests // 0')" 0
serve_udp s2 12 stable-2
check "another try within 15 s" wait_for 15 is_up udp53 12
ask_new back
check_unharmed back 256
check_between "its clients" "$(of_load back '.backends["stable-2"].connections // 0')" 70 160
check_equal "it stays" "$(state_of udp53 12)" up

# ---- health: off ---------------------------------------------------------------------------------------------------

end_server "$SERVER"
end_server "$HTTPD"
for _ in 1 2; do
	udp_load off -t $VIP:54 -s 10.64.$SOURCE.0 -n 256 -N 256 -c 64 -w 300
	check_between "off, UDP: clients that met the dead one" "$(of_load off .failed)" 70 160
	load off -t $VIP:80 -s 10.64.0.0 -n 256 -N 256 -c 64
	check_between "off, TCP: clients that met the dead one" "$(of_load off .failed)" 70 160
	SOURCE=$((SOURCE + 1))
	sleep 0.5
done
for service in udp54 shop; do
	check_equal "$service: the backend" "$(state_of $service 12)" up
	check_equal "$service: events" "$(events_of $service .)" 0
done
