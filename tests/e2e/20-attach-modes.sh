#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Which kind of XDP runs. `auto` takes native where every interface can have it, and generic on all where one cannot,
# since native frames would not reach that one. A running data path is not taken over to the other kind by a start.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# INTERFACE: native, generic or nothing
mode_of() {
	on lb ip -j link show dev "$1" | jq -r '.[0].xdp.mode // 0 | {"1": "native", "2": "generic", "0": "nothing"}[tostring]'
}

two_arm
start_servers
write_config 25%
start_agent
check_equal "front" "$(mode_of front)" native
check_equal "back" "$(mode_of back)" native
stop_agent

sed 's/^interfaces:/attach: xdp-generic\n&/' "$WORK/serin.yaml" >"$WORK/generic.yaml"
status=0
on lb "$SERIN" run -c "$WORK/generic.yaml" --pin-dir "$PINS" --state-dir "$WORK/state" --socket "$SOCKET" \
	>"$WORK/refused" 2>&1 || status=$?
check_equal "a start with the other kind: exit code" "$status" 1
check_equal "it says what runs" "$(grep -c 'the program runs as xdp, expected' "$WORK/refused")" 1
check_equal "front still" "$(mode_of front)" native
load through -t $VIP:80 -s 10.64.0.0 -n 200 -N 200 -c 16
check_unharmed through 200
on lb "$SERIN" detach --pin-dir "$PINS" --socket "$SOCKET" 2>/dev/null

# A bridge has no native XDP.
on lb ip link add bridge type bridge
on lb ip link set bridge up
sed 's/^interfaces: .*/interfaces: [front, back, bridge]/' "$WORK/serin.yaml" >"$WORK/mixed.yaml"
cp "$WORK/mixed.yaml" "$WORK/serin.yaml"
start_agent
check_equal "front, beside a bridge" "$(mode_of front)" generic
check_equal "back, beside a bridge" "$(mode_of back)" generic
check_equal "bridge" "$(mode_of bridge)" generic
load mixed -t $VIP:80 -s 10.64.0.0 -n 200 -N 200 -c 16
check_unharmed mixed 200
