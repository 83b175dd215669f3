#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# TC with all offloads on, as a host finds them: packets come in pieces of 64 KB (GRO, GSO) with half-made checksums, and
# leave so. All of the basics, ten megabytes each way in every mode, and fragmented UDP.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/basics.sh
. "$(dirname "$0")/basics.sh"
# shellcheck source=tests/e2e/transfers.sh
. "$REPO/tests/e2e/transfers.sh"

only_door tc
OFFLOADS=on two_arm
start_servers
write_config 25%
start_agent
check_basics $VIP 10.64.0.1 10.0.0.1
stop_agent
check "taken out" serin detach

start_bulk s1 stable-1 10.0.0.11:4000 "[2001:db8:2::11]:4000"
start s1 "$TOOLS/udpecho" 10.0.0.11:4000=stable-1 "[2001:db8:2::11]:4000=stable-1"
write_top
for mode in nat:80 gateway:81; do
	vips=("\"$VIP:${mode#*:}" "\"[$VIP6]:${mode#*:}")
	FORWARD=${mode%:*} LISTEN="${vips[0]}/tcp\", ${vips[0]}/udp\"" STABLE='"10.0.0.11:4000"' \
		CANARY='"10.0.0.11:4001"' write_service "${mode%:*}-4" 0%
	FORWARD=${mode%:*} LISTEN="${vips[1]}/tcp\", ${vips[1]}/udp\"" STABLE='"[2001:db8:2::11]:4000"' \
		CANARY='"[2001:db8:2::11]:4001"' write_service "${mode%:*}-6" 0%
done
start_agent
for mode in nat:80 gateway:81; do
	for vip in $VIP "[$VIP6]"; do
		check_transfer "${mode%:*} by $vip" "$vip:${mode#*:}"
	done
done
# Wires of 1500 bytes: packets of serin's that are longer on average were never cut on the way.
check_between "bytes of a packet to a backend, on average" \
	"$(($(metric serin_bytes_total 'to_backend') / $(metric serin_packets_total 'to_backend')))" 2000 65536
for mode in nat:80 gateway:81; do
	for vip in $VIP "[$VIP6]"; do
		udp_load echo -t "$vip:${mode#*:}" -N 20 -r 3 -c 4 -l 8192
		check_unharmed echo 60
	done
done
check_equal "packets dropped" "$(metric serin_drops_total)" 0
