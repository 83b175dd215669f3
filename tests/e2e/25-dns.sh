#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A UDP service: real DNS servers, asked once by each of many source ports, as fast as they answer. Not one answer is
# missing, and all come from the VIP (the client would not take them otherwise). Shares are as set. The second time there
# are far fewer SNAT ports than questions, and long before a conversation is forgotten its port is needed again.
# Door: every
# Beside: nobody
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/transfers.sh
. "$REPO/tests/e2e/transfers.sh"

DNSMASQ=$(PATH=$PATH:/usr/sbin command -v dnsmasq) || skip "dnsmasq is missing (Debian package dnsmasq-base)"
SOURCES=20000

# HOST ADDRESS...: a server that says its own address, the first one, for every name
start_dns() {
	local host=$1
	shift
	start "$host" "$DNSMASQ" --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= \
		--bind-interfaces "${@/#/--listen-address=}" --address="/#/$1" --log-facility="$WORK/$host.dns"
}

is_serving() { [ "$(on "$1" ss -Hlun "sport = 53" | wc -l)" -ge 2 ]; }

# RESULT: percent of its conversations that 10.0.0.21 answered
canary_share() { of_load "$1" '.backends["10.0.0.21"].connections * 100 / ([.backends[].connections] | add)'; }

# WHAT SHARE-LOW SHARE-HIGH TARGET FIRST-SOURCE QUESTIONS
survey() {
	udp_load survey -t "$4" -s "$5" -n $SOURCES -N "$6" -c 100 -q www.shop.test
	check_unharmed survey "$6"
	check_between "$1: percent that the canary answered" "$(canary_share survey)" "$2" "$3"
	note "$1: $(of_load survey '.requests / .milliseconds * 1000 | floor') questions a second"
}

two_arm
for host in s1:11 s2:12 c1:21; do
	start_dns "${host%:*}" "10.0.0.${host#*:}" "2001:db8:2::${host#*:}"
	wait_for 5 is_serving "${host%:*}" || fail "no DNS server on ${host%:*}: $(cat "$WORK/${host%:*}.dns")"
done
write_top
LISTEN="\"$VIP:53/udp\"" STABLE='"10.0.0.11:53", "10.0.0.12:53"' CANARY='"10.0.0.21:53"' SERVICE="protocol: udp" \
	write_service dns4 10%
FAMILY=6 LISTEN="\"[$VIP6]:53/udp\"" STABLE='"[2001:db8:2::11]:53", "[2001:db8:2::12]:53"' \
	CANARY='"[2001:db8:2::21]:53"' AFFINITY="{ipv6: 128}" SERVICE="protocol: udp" write_service dns6 10%
start_agent
# Five standard errors of 20 000 draws of 10 %: 1.06 points.
survey "IPv4" 8.9 11.1 $VIP:53 10.64.0.0 $SOURCES
survey "IPv6" 8.9 11.1 "[$VIP6]:53" 2001:db8:64::1 $SOURCES
check_equal "conversations that the kernel counted" "$(metric serin_connections_total)" $((2 * SOURCES))
check_no_drops

udp_load talk -t $VIP:53 -s 10.64.0.0 -n 200 -N 200 -c 200 -r 20 -i 50 -q www.shop.test &
for weight in 90% 30% 0% 50%; do
	sleep 0.2
	check "weight $weight meanwhile" serin weight dns4 canary=$weight
done
wait $!
check_unharmed talk 4000

stop_agent
check "taken out" serin detach
sed -i 's/^services:/snat: {ports: 20000-27999}\n&/' "$CONFIG"
rm -r "$STATE"
start_agent
survey "8000 ports" 8.9 11.1 $VIP:53 10.64.0.0 $((3 * SOURCES))
check_between "ports retaken" "$(metric serin_snat_ports_retaken_total)" $SOURCES 1000000
check_no_drops
