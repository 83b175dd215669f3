#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Every way in which a backend, or the way to it, can fail a client, one after the other, at the canary alone: serin's
# counts are those of the client and of the backend, to the last one, and nothing is blamed on stable.
# Door: every
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/faults.sh
. "$REPO/tests/e2e/faults.sh"

# NAME FAULT COUNTER: the backend knows of as many as the client does, and there were many
known_to_both() {
	check_equal "$1: as the canary wrote down" "$(of_count "$1" ".$3")" "$(did canary-1 "$2")"
	check_between "$1: failures" "$(of_count "$1" ".$3")" 15 120
}

two_arm
# An address that nobody owns, at a host that throws away what is not its own
ip -n "$RUN-lb" neigh replace 10.0.0.99 lladdr "$(mac_of c2 eth0)" dev back nud permanent
add_bad_wire cut lost 31 unreachable
start_backend s1 stable-1 healthy 10.0.0.11:3000
start_backend c1 canary-1 10.0.0.21:3000
write_top "answer_timeout: 2s"
write_faulty shop 80 http 10.0.0.21:3000
write_faulty refusing 81 http 10.0.0.21:3999
write_faulty silent 82 http 10.0.0.99:3000
write_faulty unreachable 83 http 10.0.0.31:3000
start_agent

ask shop well / '/code/404*3' HEAD:/
agree shop well
check_equal "failures when all is well" "$(of_count well .clients_failed_http)" 0

ask refusing refused /
agree refusing refused
check_equal "refused: failed, and of how many, in the last minute" \
	"$(of_window refusing canary '"\(.failed) \(.of)"')" "$(of_count refused '"\(.refused) \(.refused)"')"
check_between "refused: connections" "$(of_count refused .refused)" 15 105
ask unreachable unreachable /
agree unreachable unreachable
check_between "unreachable: connections" "$(of_count unreachable .unreachable)" 15 105
end_wire cut
check_equal "unreachable: as the wire wrote down" "$(of_count cut .unreachable)" "$(of_count unreachable .unreachable)"
OPTIONS="-n 40 -p 80 -T 4" ask silent timeout /
agree silent timeout
check_between "timeout: connections" "$(of_count timeout .connect_timeouts)" 5 35

ask shop half / /half
agree shop half
known_to_both half half resets
ask shop reset / /reset
agree shop reset
check_equal "reset: as the canary wrote down" "$(of_count reset .resets)" "$(did canary-1 reset)"
ask shop fin / /fin
agree shop fin
known_to_both fin fin fins
sleep 3
for service in shop refusing silent unreachable; do
	still_agrees $service
done
check_no_drops
