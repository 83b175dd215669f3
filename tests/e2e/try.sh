# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# `serin try` on the host lb: starting it, ending it, and looking for what it leaves.

TRY_PID=
TRY_COUNT=0
CANARY_MET=0 # connections of check_share that met the canary
ALL_MET=0

# Two processes that listen on all addresses of both families, Node.js where it is there.
start_versions() {
	local version
	for version in stable:3001 canary:3002; do
		if command -v node >/dev/null; then
			start lb node "$REPO/tests/e2e/tools/server.js" "${version%:*}-node" "${version#*:}"
		else
			start lb "$TOOLS/httpd" "[::]:${version#*:}=${version%:*}-c"
		fi
		wait_for 10 on lb curl -sf -o /dev/null "http://127.0.0.1:${version#*:}/" ||
			fail "no server on port ${version#*:}"
	done
}

# ARGUMENTS...: start one in the background; its words are in $TRY.out and $TRY.err
start_try() {
	TRY_COUNT=$((TRY_COUNT + 1))
	TRY=$WORK/try-$TRY_COUNT
	start lb "$SERIN" try "$@" >"$TRY.out" 2>"$TRY.err"
	TRY_PID=${PIDS[-1]}
	wait_for 30 grep -q 'is split' "$TRY.err" || fail "serin try $* does not start: $(cat "$TRY.err")"
}

# SIGNAL [EXIT CODE]: end it
end_try() {
	local status=0
	kill "-$1" "$TRY_PID"
	wait "$TRY_PID" 2>/dev/null || status=$?
	check_equal "exit code after SIG$1" $status "${2:-0}"
}

# FILTER: out of its last line of JSON
last_of_try() { tail -n 1 "$TRY.out" | jq -r "$1"; }

# COMPLAINT ARGUMENTS...: it must be refused so
check_refused() {
	local wanted=$1 text status=0
	shift
	text=$(on lb "$SERIN" try "$@" 2>&1 </dev/null) || status=$?
	check_equal "exit code of 'serin try $*'" $status 1
	check_match "which says why" "$text" "$wanted"
}

# HOST NAME TARGET CONNECTIONS LOW HIGH: of that many connections, percent of the canary's between LOW and HIGH
check_share() {
	on "$1" "$TOOLS/load" -t "$3" -N "$4" -c 50 >"$WORK/$2.json"
	check_unharmed "$2" "$4"
	check_between "$2: share of canary" "$(share_of "$2" canary)" "$5" "$6"
	CANARY_MET=$((CANARY_MET + $(of_load "$2" '[.backends | to_entries[] | select(.key | startswith("canary")) |
		.value.connections] | add // 0')))
	ALL_MET=$((ALL_MET + $4))
}

# Ids of the programs at TC on the load balancer's interfaces, links or filters
program_ids() {
	local dev hook
	for dev in lo front back; do
		on lb "$TOOLS/programs" "$dev" | awk '$1 ~ /^tcx/ { print $2 }'
		for hook in ingress egress; do
			on lb tc -j filter show dev "$dev" "$hook" 2>/dev/null | jq '.[].options.prog.id // empty'
		done
	done
}
map_ids() { for id in $(program_ids); do bpftool -j prog show id "$id" | jq -r '.map_ids[]?'; done | sort -u; }
no_programs() { [ -z "$(program_ids)" ]; }

remember_kernel() {
	PROGRAMS=$(program_ids)
	MAPS=$(map_ids)
	check_equal "programs on two interfaces and the loopback" "$(wc -w <<<"$PROGRAMS")" 6
	check_between "maps of theirs" "$(wc -w <<<"$MAPS")" 10 64
}

kernel_has_forgotten() {
	local id
	for id in $PROGRAMS; do ! bpftool prog show id "$id" >/dev/null 2>&1 || return 1; done
	for id in $MAPS; do ! bpftool map show id "$id" >/dev/null 2>&1 || return 1; done
}

# HOW: what remember_kernel has seen is gone, and nothing else has come
check_gone() {
	check "$1: no program is left on any interface" wait_for 10 no_programs
	check "$1: programs and maps are out of the kernel" wait_for 10 kernel_has_forgotten
}
