#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# By which door packets come in. `auto` takes native XDP where every interface can have it, and TC on all where one cannot,
# since native frames would not reach that one; the agent says which and why. Every mode carries traffic, also while
# nobody is there after a kill -9, is taken over by the next start in its place, and leaves nothing when it is detached. A
# running data path is not taken over to another mode by a start.
# Door: xdp
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# INTERFACE: native, generic or nothing
xdp_of() {
	on lb ip -j link show dev "$1" | jq -r '.[0].xdp.mode // 0 | {"1": "native", "2": "generic", "0": "nothing"}[tostring]'
}

# INTERFACE FIELD: what the agent says of it
said_of() { api GET /v1/services | jq -r ".interfaces[] | select(.name == \"$1\").$2"; }

# INTERFACE HOOK: the TC program there as the kernel tells, by the link that is pinned or the filter; nothing when there is none
tc_of() {
	local index
	index=$(on lb ip -j link show dev "$1" | jq -r '.[0].ifindex')
	case $2 in
	tcx) bpftool -j link show pinned "$PINS/link_${index}_ingress" 2>/dev/null | jq -r '.prog_id // ""' ;;
	clsact) on lb tc -j filter show dev "$1" ingress | jq -r '.[] | select(.options.bpf_name) | .options.prog.id' ;;
	esac
}

# INTERFACE: the program that meets what comes in
met_by() {
	case $(said_of "$1" hook) in
	link) program_of "$1" ;;
	tcx) tc_of "$1" tcx ;;
	clsact) tc_of "$1" clsact ;;
	esac
}

expect_nothing() {
	local dev
	for dev in front back lo; do
		check_equal "XDP on $dev after detach" "$(program_of $dev)" ""
		check_equal "clsact on $dev after detach" "$(on lb tc qdisc show dev $dev clsact)" ""
	done
	check_equal "pin directory after detach" "$(find /sys/fs/bpf -maxdepth 1 -name "$RUN")" ""
}

program_is_gone() { ! bpftool prog show id "$1"; }

# NAME: traffic through the running data path, from addresses of its own
pass() {
	load "$1" -t $VIP:80 -s 10.64.0.0 -n 200 -N 200 -c 16
	check_unharmed "$1" 200
}

# ATTACH WANTED-MODE: comes, stays, is taken over, goes
check_mode() {
	local first second
	write_config 25% "attach: $1"
	start_agent
	check_equal "$1: front is attached by" "$(said_of front attach)" "$2"
	check_equal "$1: back is attached by" "$(said_of back attach)" "$2"
	check_match "$1: the log says so" "$(cat "$AGENT_LOG")" "attached\"? interface=front attach=$2 hook=[a-z]+ why="
	check_match "$1: status says so" "$(serin status)" "^interface front  $2: "
	pass "$1"
	first=$(met_by front)
	check_between "$1: program on front" "$first" 1 1000000000
	start_load "kept-$1" -t $VIP:80 -s 10.64.0.0 -n 50 -k 50 -i 20 -f 20 -d 60
	kill_agent
	pass "$1-alone"
	start_agent
	second=$(met_by front)
	check_between "$1: program on front after a restart" "$second" 1 1000000000
	check "$1: it is another one, and the first is gone" wait_for 5 program_is_gone "$first"
	pass "$1-again"
	kill "$LOAD_PID"
	finish_load
	check_unharmed "kept-$1" 50
	stop_agent
	check "$1: serin detach" serin detach
	check "$1: the program is gone" wait_for 5 program_is_gone "$second"
	expect_nothing
	: >"$AGENT_LOG"
}

two_arm
start_servers
check_mode auto xdp
check_mode xdp-generic xdp-generic
check_mode tc tc

write_config 25%
start_agent
check_equal "front" "$(xdp_of front)" native
check_equal "back" "$(xdp_of back)" native
check_equal "why" "$(said_of front why)" "every interface has native XDP"
stop_agent
for mode in xdp-generic tc; do
	status=0
	write_config 25% "attach: $mode"
	on lb "$SERIN" run -c "$CONFIG" --pin-dir "$PINS" --state-dir "$STATE" --socket "$SOCKET" >"$WORK/refused" 2>&1 ||
		status=$?
	check_equal "a start with $mode: exit code" "$status" 1
	check_equal "it says what runs" "$(grep -c 'the program runs as xdp, expected' "$WORK/refused")" 1
	check_equal "front still" "$(xdp_of front)" native
done
pass through
serin detach >/dev/null 2>&1

# A bridge has no native XDP.
on lb ip link add bridge type bridge
on lb ip link set bridge up
INTERFACES="front, back, bridge" write_config 25%
start_agent
for dev in front back bridge; do
	check_equal "$dev, beside a bridge" "$(said_of $dev attach)" tc
	check_match "why" "$(said_of $dev why)" "^bridge: driver bridge has no native XDP: "
	check_equal "XDP on $dev" "$(xdp_of $dev)" nothing
done
pass mixed
hook=$(said_of front hook)
stop_agent

# No Ethernet: refused by name, and nothing has changed.
if on lb ip tuntap add dev tun0 mode tun 2>/dev/null; then
	before=$(tc_of front "$hook")
	INTERFACES="front, back, tun0" write_config 25%
	launch_agent
	check "with a tunnel: the agent ends" wait_for 15 agent_is_gone
	check_match "with a tunnel: why" "$(tail -n 3 "$AGENT_LOG")" "tun0: is no Ethernet interface"
	check_between "with a tunnel: program on front before" "$before" 1 1000000000
	check_equal "with a tunnel: program on front" "$(tc_of front "$hook")" "$before"
	AGENT_PID=
fi
pass "after-all"
check "serin detach" serin detach
expect_nothing
