#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What is not ours is not touched. While attached: ping and ARP and neighbour discovery of the load balancer itself, a
# server of its own on the VIP and beside it, its own connections to a backend, and what it merely routes. MACs are
# learned here, and forgotten under load.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

LEARN=yes two_arm
start_servers
write_config 25%
start_agent

start lb "$TOOLS/httpd" 198.51.100.1:2222=host "[2001:db8:1::1]:2222=host" $VIP:2222=host
for address in 198.51.100.1 $VIP 2001:db8:1::1 $VIP6; do
	check "ping $address" on client ping -c 3 -i 0.2 -W 2 -q "$address"
done
check "ping in fragments" on client ping -c 2 -i 0.2 -W 2 -q -s 4000 $VIP
check "ping from a backend" on s1 ping -c 2 -i 0.2 -W 2 -q 10.0.0.1
check "ARP for the load balancer" on client arping -q -c 2 -w 3 -I eth0 198.51.100.1
check_match "a server of the host on its own address" "$(fetch http://198.51.100.1:2222/)" "^host 198.51.100.2 0$"
check_match "the same over IPv6" "$(fetch "http://[2001:db8:1::1]:2222/")" "^host 2001:db8:1::2 0$"
check_match "a server of the host on the VIP" "$(fetch http://$VIP:2222/)" "^host 198.51.100.2 0$"
check_match "the host's own connection to a backend" "$(on lb curl -sS --max-time 5 http://10.0.0.11:3000/)" "^stable-1 10.0.0.1 0$"
check_match "a connection that the host only routes" "$(fetch http://10.0.0.21:3000/)" "^canary-1 198.51.100.2 0$"

start_load busy -t $VIP:80 -s 10.64.0.0 -n 100 -k 100 -i 50 -f 50 -d 60
for _ in 1 2 3; do
	ip -n "$RUN-lb" neigh flush dev back
	ip -n "$RUN-lb" neigh flush dev front
	ip -n "$RUN-client" neigh flush dev eth0
	check "ping after every MAC was forgotten" on client ping -c 2 -i 0.2 -W 2 -q 198.51.100.1
	check "ping over IPv6 after that" on client ping -c 2 -i 0.2 -W 2 -q 2001:db8:1::1
	sleep 0.5
done
kill "$LOAD_PID"
finish_load
check_unharmed busy 1000
