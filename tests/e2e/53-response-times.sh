#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Handshake and response times of two versions, of which one is half as slow again: p50, p95 and p99 are within a
# bucket's width (12.5 %) of the client's own exact ones, and as many answers lie below every bound of the metrics. serin
# sits on the way and the client at its end: a millisecond is allowed for that, and a few answers more below a bound.
# Beside: nobody
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/faults.sh
. "$REPO/tests/e2e/faults.sh"

# SERVICE NAME VERSION handshake|response
check_quantiles() {
	local q truth
	for q in p50 p95 p99; do
		truth=$(of_count "$2" ".versions.$3.$4.$q")
		check_between "$2, $3: $4 $q (seconds)" \
			"$(of_window "$1" "$3" ".$4.$q")" \
			"$(jq -n "$truth * 0.875 - 0.001")" "$(jq -n "$truth * 1.125 + 0.001")"
	done
	truth=$(of_count "$2" ".versions.$3.$4.samples")
	check_between "$2, $3: $4 samples" "$(of_window "$1" "$3" ".$4.samples")" $((truth - AGAIN)) "$truth"
}

# SERVICE VERSION: "BOUND COUNT ..." of the metric, bounds as numbers
below_bounds() {
	api GET /metrics | sed -nE \
		"s/^serin_response_seconds_bucket\{(.*)\} ([0-9]+)$/\1 \2/p" | grep "service=\"$1\"" | grep "version=\"$2\"" |
		sed -E 's/.*le="([^"]+)".* ([0-9]+)$/\1 \2/' | awk '$1 != "+Inf" { printf "%g=%d ", $1, $2 }'
}

# NAME VERSION: the same of the client's own times
below_bounds_of() {
	jq -r --arg v "$2" '.versions[$v].responses as $all | [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
		5, 10] | map(. as $bound | "\($bound) \([$all[] | select(. <= $bound)] | length)") | .[]' "$WORK/$1.json" |
		awk '{ printf "%g=%d ", $1, $2 }'
}

# NAME VERSION: an answer is never later here than at the client, and seldom earlier by so much that a bound lies between:
# then the client waited for a processor
check_below_bounds() {
	local said counted
	said=$(below_bounds "$1" "$2") counted=$(below_bounds_of "$1" "$2")
	if awk -v said="$said" -v counted="$counted" -v again="$AGAIN" 'BEGIN {
		n = split(said, a, /[ =]/)
		if (n < 26 || n != split(counted, b, /[ =]/)) exit 1
		for (i = 1; i < n; i += 2) if (a[i] != b[i] || a[i + 1] < b[i + 1] - again || a[i + 1] > b[i + 1] + 8) exit 1
	}'; then
		ok "$1, $2: answers below each bound: $said"
	else
		fail "$1, $2: answers below each bound: got '$said', expected '$counted', or up to 8 more"
	fi
}

two_arm
add_bad_wire slow far 31 syn-ack:30,80,80,80,250
start_backend s1 stable-1 10.0.0.11:3000
start_backend c1 canary-1 times:1.5 10.0.0.21:3000
start_backend far canary-2 10.0.0.31:3000
write_top
write_faulty drawn 80 http 10.0.0.21:3000
write_faulty steps 81 http 10.0.0.21:3000
write_faulty late 82 http 10.0.0.31:3000
write_faulty mixed 83 http 10.0.0.21:3000
start_agent

OPTIONS="-n 20 -p 20" ask drawn drawn '/some-time*100'
OPTIONS="-n 20 -p 20" ask steps steps '/delay/12*10' '/delay/55*10' '/delay/200*10' '/delay/400*2'
OPTIONS="-n 40 -p 40 -c 5" ask late late /
OPTIONS="-n 20 -p 4" ask mixed mixed '/mix*300'
AGAIN=$(sent_again client s1 c1 far)
note "segments sent again: $AGAIN"
for version in stable canary; do
	check_quantiles drawn drawn $version response
	check_quantiles steps steps $version response
	check_below_bounds steps $version
done
check_quantiles late late canary handshake
# 40 ms on 2 % of the requests: nobody's p50 or p95, and everybody's p99.
for version in stable canary; do
	check_between "mixed, $version: p99 (seconds)" \
		"$(of_window mixed $version .response.p99)" 0.035 0.046
	check_between "mixed, $version: p95 (seconds)" \
		"$(of_window mixed $version .response.p95)" 0 0.02
done
