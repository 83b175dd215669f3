#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# serin try: no file, no agent. Two processes on one host, port 8080 split between them for clients of other hosts and of
# this one, over IPv4 and IPv6; every connection is drawn for itself, none fails, other ports are as they were. After Ctrl-C
# nothing is left of it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/try.sh
. "$REPO/tests/e2e/try.sh"

# HOST URL: curl's exit code, 7 being a refused connection
refusal() {
	local status=0
	on "$1" curl -s -o /dev/null --max-time 3 "$2" || status=$?
	echo $status
}

two_arm
start_versions
start lb "$TOOLS/httpd" "0.0.0.0:2222=host"

# 10 % and five standard deviations of the binomial distribution: of 2000, 6.6 to 13.4; of 1000, 5.2 to 14.8
start_try 8080 stable=3001 canary=3002@10% -o json
remember_kernel
check_share client clients-ipv4 198.51.100.1:8080 2000 6.6 13.4
check_share client clients-ipv6 "[2001:db8:1::1]:8080" 2000 6.6 13.4
check_share client clients-of-the-vip $VIP:8080 1000 5.2 14.8
check_share client by-the-other-interface-s-address 10.0.0.1:8080 1000 5.2 14.8
check_share lb loopback-ipv4 127.0.0.1:8080 1000 5.2 14.8
check_share lb loopback-ipv6 "[::1]:8080" 1000 5.2 14.8
check_share lb own-address 198.51.100.1:8080 1000 5.2 14.8
check_match "the process sees the client's address" "$(fetch http://198.51.100.1:8080/)" "[ :]198.51.100.2 0$"
check_match "a version by its own port" "$(fetch http://198.51.100.1:3002/)" "^canary-"
check_match "another server of the host" "$(fetch http://198.51.100.1:2222/)" "^host "
check_equal "a port that nobody has is refused (curl's status)" "$(refusal client http://198.51.100.1:8081/)" 7
check_refused "another .serin try. \(pid $TRY_PID\) splits it" 8080 a=3001 b=3002
end_try INT
check_gone "Ctrl-C"
check_equal "connections that were counted" "$(last_of_try '[.versions[].opened] | add')" $((ALL_MET + 1))
check_between "of the canary, as clients met it" "$(last_of_try '.versions[1].opened')" $CANARY_MET $((CANARY_MET + 1))
check_equal "all of them closed" "$(last_of_try '[.versions[].active] | add')" 0
check_equal "packets dropped" "$(last_of_try .dropped)" 0
check_equal "its last line says what ended it" "$(last_of_try .ended_by)" SIGINT
check_equal "lines that are no JSON" "$(jq -c . "$TRY.out" 2>&1 >/dev/null)" ""
check_equal "the port is nobody's again (curl's status)" "$(refusal client http://198.51.100.1:8080/)" 7
