#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# TC with all offloads on, as a host finds them: packets come in pieces of up to 64 KB (GRO, GSO) with half-made checksums,
# and leave so. All of the basics, then ten megabytes each way and fragmented UDP in every mode.
# Door: tc
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/basics.sh
. "$(dirname "$0")/basics.sh"
# shellcheck source=tests/e2e/transfers.sh
. "$REPO/tests/e2e/transfers.sh"
# shellcheck source=tests/e2e/topologies.sh
. "$REPO/tests/e2e/topologies.sh"

# NAME FORWARD ADDRESS:PORT BACKEND: TCP and UDP of one service
add_service() {
	FORWARD=$2 LISTEN="\"$3/tcp\", \"$3/udp\"" STABLE="\"$4\"" CANARY="\"${4/11/12}\"" write_service "$1" 0%
}

# DIRECTION (tx, rx): bytes of a frame on `back`, on average
frame_on_back() { on lb ip -s -j link show dev back | jq ".[0].stats64.$1 | .bytes / .packets | floor"; }

# NAME ADDRESS:PORT
check_service() {
	check_transfer "$1" "$2"
	udp_load datagrams -t "$2" -N 20 -r 3 -c 4 -l 8192
	check_unharmed datagrams 60
}

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
	add_service "${mode%:*}-4" "${mode%:*}" "$VIP:${mode#*:}" 10.0.0.11:4000
	add_service "${mode%:*}-6" "${mode%:*}" "[$VIP6]:${mode#*:}" "[2001:db8:2::11]:4000"
done
start_agent
for mode in nat:80 gateway:81; do
	check_service "${mode%:*}, IPv4" "$VIP:${mode#*:}"
	check_service "${mode%:*}, IPv6" "[$VIP6]:${mode#*:}"
done
# A wire takes 1500 bytes: frames that are longer have never been cut. They count as what they will be on a wire.
check_between "bytes of a frame to a backend, on average" "$(frame_on_back tx)" 2000 65536
check_between "bytes of a packet to a backend, as counted" \
	"$(($(metric serin_bytes_total 'to_backend') / $(metric serin_packets_total 'to_backend')))" 100 1500
check_no_drops
stop_agent
check "taken out" serin detach

OFFLOADS=on answer_directly
start_bulk s1 stable-1 "$VIP:82" "[$VIP6]:82" "$VIP:83" "[$VIP6]:83" "$VIP:84" "[$VIP6]:84"
start s1 "$TOOLS/udpecho" "$VIP:82=stable-1" "[$VIP6]:82=stable-1" "$VIP:83=stable-1" "[$VIP6]:83=stable-1" \
	"$VIP:84=stable-1" "[$VIP6]:84=stable-1"
write_top
for mode in ipip:82 gue:83 l2:84; do
	add_service "${mode%:*}-4" "${mode%:*}" "$VIP:${mode#*:}" 10.0.0.11
	add_service "${mode%:*}-6" "${mode%:*}" "[$VIP6]:${mode#*:}" 2001:db8:2::11
done
start_agent
for mode in ipip:82 gue:83 l2:84; do
	check_service "${mode%:*}, IPv4" "$VIP:${mode#*:}"
	check_service "${mode%:*}, IPv6" "[$VIP6]:${mode#*:}"
done
BUT=too_big check_no_drops
