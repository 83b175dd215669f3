#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Datagrams of 8 KB over wires of 1500 bytes: only the first of their six fragments has ports in it. They arrive whole, go
# to one backend each and come back from the VIP, over IPv4 and IPv6, under nat and gateway; and nobody on the way puts
# them together. Fragments of what is not ours pass as before.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/transfers.sh
. "$REPO/tests/e2e/transfers.sh"

# HOST NAME: a counter of the host's IP stack (/proc/net/snmp and snmp6)
counter() {
	on "$1" cat /proc/net/snmp | awk -v name="$2" '$1 == "Ip:" && !n { n = split($0, names); next }
		$1 == "Ip:" { for (i = 1; i <= n; i++) if (names[i] == name) print $i }'
}
counter6() { on "$1" cat /proc/net/snmp6 | awk -v name="Ip6$2" '$1 == name { print $2 }'; }

# WHAT TARGET FIRST_SOURCE
check_datagrams() {
	udp_load datagrams -t "$2" -s "$3" -n 100 -N 100 -c 4 -r 3 -l 8192
	check_unharmed datagrams 300
	check_between "$1: backends that answered" "$(of_load datagrams '.backends | length')" 2 3
	[ "$(of_load datagrams .failed)" = 0 ] || note "$1: $(tr -d '\n' <"$WORK/datagrams.json")"
}

two_arm
for host in s1:11:stable-1 s2:12:stable-2 c1:21:canary-1; do
	IFS=: read -r host byte name <<<"$host"
	start "$host" "$TOOLS/udpecho" "10.0.0.$byte:3000=$name" "[2001:db8:2::$byte]:3000=$name"
done
start lb "$TOOLS/udpecho" "$VIP:2222=host" "[$VIP6]:2222=host"
write_top
LISTEN="\"$VIP:80/udp\"" write_service nat-4 30%
LISTEN="\"[$VIP6]:80/udp\"" FAMILY=6 AFFINITY="{ipv6: 128}" write_service nat-6 30%
FORWARD=gateway LISTEN="\"$VIP:81/udp\"" write_service gateway-4 30%
FORWARD=gateway LISTEN="\"[$VIP6]:81/udp\"" FAMILY=6 AFFINITY="{ipv6: 128}" write_service gateway-6 30%
start_agent
check_datagrams "nat, IPv4" $VIP:80 10.64.0.1
check_datagrams "nat, IPv6" "[$VIP6]:80" 2001:db8:64::1
check_datagrams "gateway, IPv4" $VIP:81 10.64.0.1
check_datagrams "gateway, IPv6" "[$VIP6]:81" 2001:db8:64::1
check_equal "IPv4 datagrams that the load balancer put together" "$(counter lb ReasmReqds)" 0
check_equal "IPv6 datagrams that the load balancer put together" "$(counter6 lb ReasmReqds)" 0
check_between "IPv4 fragments that the client put together" "$(counter client ReasmReqds)" 3600 3700
check_no_drops

udp_load own -t $VIP:2222 -N 10 -r 3 -l 8192
check_unharmed own 30
udp_load own -t "[$VIP6]:2222" -N 10 -r 3 -l 8192
check_unharmed own 30
