#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# An orderly stop leaves the traffic running; `serin detach` takes everything out: no pin, no program on an interface,
# and the VIP is just an address of the host. Another start begins anew. The same holds where answers of processes on this
# host leave by programs of their own, on every interface and on the loopback.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

two_arm
start_servers
write_config 25%
start_agent
start_load busy -t $VIP:80 -s 10.64.0.0 -n 100 -k 100 -i 50 -f 50 -d 60
stop_agent
load stopped -t $VIP:80 -s 10.64.0.1 -n 200 -N 200
check_unharmed stopped 200
kill "$LOAD_PID"
finish_load
check_unharmed busy 100

programs=$(bpftool prog show pinned "$PINS/program" 2>/dev/null | head -n 1 || true)
note "pins: $(find "$PINS" -mindepth 1 | wc -l); $programs"
check "serin detach" serin detach
check_equal "pin directory after detach" "$(find /sys/fs/bpf -maxdepth 1 -name "$RUN")" ""
for dev in front back; do
	check_equal "program on $dev" "$(program_of $dev)" ""
done
status=0
on client curl -s -o /dev/null --max-time 3 http://$VIP/ || status=$?
check_equal "the VIP refuses (curl's status)" $status 7
check "serin detach when there is nothing" serin detach

start_agent
load again -t $VIP:80 -s 10.64.0.1 -n 200 -N 200
check_unharmed again 200
stop_agent
serin detach >/dev/null 2>&1

# Programs that work on the pinned tables, whatever holds them.
programs_at_work() {
	bpftool -j prog show | jq --argjson map "$(bpftool -j map show pinned "$PINS/ways" | jq .id)" \
		'.[] | select(.map_ids // [] | index($map)) | .id'
}
all_gone() { for id; do ! bpftool prog show id "$id" || return 1; done; }

start lb "$TOOLS/httpd" "$VIP:3001=stable-here" "$VIP:3002=canary-here"
for mode in xdp tc; do
	cat >"$CONFIG" <<-YAML
		interfaces: [front, back]
		attach: $mode
		http: off
		services:
		  - name: shop
		    listen: ["$VIP:80/tcp"]
		    forward: local
		    baseline: stable
		    versions:
		      stable: {backends: [3001]}
		      canary: {backends: [3002], weight: 25%}
	YAML
	start_agent
	check_match "local, $mode: a client from outside" "$(fetch http://$VIP/)" "^(stable|canary)-here "
	check_match "local, $mode: a client on this host" "$(on lb curl -sS --max-time 5 http://$VIP/)" \
		"^(stable|canary)-here "
	stop_agent
	mapfile -t held < <(programs_at_work)
	check_between "local, $mode: programs at work without an agent" "${#held[@]}" 2 5
	check "local, $mode: serin detach" serin detach
	check "local, $mode: no program is left" wait_for 5 all_gone "${held[@]}"
	check_equal "local, $mode: pin directory after detach" "$(find /sys/fs/bpf -maxdepth 1 -name "$RUN")" ""
done
