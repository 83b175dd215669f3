#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Two HTTP servers on Node.js, of which one fails 1 % of the requests and the other one 10 %: what serin says of either
# version is what is in the servers' own logs, to the last request, by the API, by the metrics and by `serin status`.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/faults.sh
. "$REPO/tests/e2e/faults.sh"
command -v node >/dev/null || skip "node is missing (Debian package nodejs)"

# HOST ADDRESS NAME PERCENT
start_unreliable() {
	start "$1" node "$TOOLS_SOURCE/unreliable.js" "$3" 3000 "$4" "$WORK/$3.log"
	wait_for 10 on "$1" bash -c "exec 3<>/dev/tcp/$2/3000" || fail "$3 does not listen"
}

# VERSION: "REQUESTS ERRORS" of its server's log
logged() { awk '{ n++; bad += $1 >= 500 } END { print n + 0, bad + 0 }' "$WORK/$1-1.log"; }

# VERSION JQ
of_version() { serin status -o json | jq -r ".services[0].versions[] | select(.name == \"$1\") | $2"; }

two_arm
start_unreliable s1 10.0.0.11 stable-1 1
start_unreliable c1 10.0.0.21 canary-1 10
write_top
write_faulty shop 80 http 10.0.0.21:3000
start_agent
OPTIONS="-n 40 -c 5 -p 8" ask shop both '/*50'
agree shop both

for version in stable canary; do
	read -r requests errors < <(logged $version)
	check_equal "$version: requests, and 500s among them" \
		"$(of_version $version '"\(.requests) \(.http.server_errors["500"])"')" "$requests $errors"
	check_equal "$version: the same of the last minute" "$(of_version $version '.window | "\(.of) \(.failed)"')" \
		"$requests $errors"
	check_between "$version: share of failures" "$(of_version $version .window.failure_ratio)" \
		"$(jq -n "$errors / $requests - 0.0001")" "$(jq -n "$errors / $requests + 0.0001")"
	check_equal "$version: serin_http_responses_total" \
		"$(metric serin_http_responses_total "service=\"shop\".*version=\"$version\"")" "$requests"
	check_equal "$version: serin_http_server_errors_total" \
		"$(metric serin_http_server_errors_total "version=\"$version\".*code=\"500\"")" "$errors"
done
check_between "requests that stable failed, percent" "$(logged stable | awk '{ print $2 * 100 / $1 }')" 0.4 2
check_between "requests that canary failed, percent" "$(logged canary | awk '{ print $2 * 100 / $1 }')" 8 12
