# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Long TCP transfers, ten megabytes each way, every byte compared (tools/bulk.c), and UDP conversations (tools/udpload.c).

BYTES=10000000

# HOST NAME ADDRESS:PORT...: a server of long transfers
start_bulk() {
	local host=$1 name=$2
	shift 2
	start "$host" "$TOOLS/bulk" serve "${@/%/=$name}"
}

# RESULT TARGET [PAUSE_US]: one transfer, its result in $WORK/RESULT.json
transfer() { on client "$TOOLS/bulk" ask "$2" $BYTES "${3:-0}" >"$WORK/$1.json"; }

# WHAT RESULT: all of it came, both ways
check_transferred() {
	if [ "$(of_load "$2" .good)" = true ]; then
		ok "$1: $BYTES bytes each way, $(of_load "$2" '"\(.name), \(.milliseconds) ms, \(.client.retransmits) and \(.server.retransmits) retransmits"')"
	else
		fail "$1: $(tr -d '\n' <"$WORK/$2.json")"
	fi
}

# WHAT TARGET
check_transfer() {
	transfer transfer "$2"
	check_transferred "$1" transfer
}

# NAME OPTIONS...: asks a UDP service, see tools/udpload.c; its result in $WORK/NAME.json
udp_load() {
	local name=$1
	shift
	on client "$TOOLS/udpload" "$@" >"$WORK/$name.json"
}
