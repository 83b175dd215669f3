#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A real Prometheus scrapes the agent, and its queries give what the client has counted itself: connections, requests by
# method, answers by code, failures by reason, slow answers, bytes; by version where the client knows it. In between the
# agent is killed and comes back: what happens meanwhile, hung requests too, is counted.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/prometheus.sh
. "$REPO/tests/e2e/prometheus.sh"

# JQ-FILTER over the sum of all that clients counted, {VERSION: {KIND: {LABEL: COUNT}}}
counted() {
	jq -s "def sums: reduce .[] as \$one ({}; . as \$sum | reduce (\$one | paths(numbers)) as \$path
		(\$sum; setpath(\$path; (getpath(\$path) // 0) + (\$one | getpath(\$path))))); sums | ($1) // 0" \
		"$WORK"/count.*.json
}

# SELECTOR: by how much its series have grown, at the time of a sample. Since they begin with zero and end at that time,
# Prometheus extrapolates nothing.
grown() { value_of "sum(increase($1[10m]))" "$AT"; }

# WHAT SELECTOR JQ-FILTER
compare() { check_equal "$1" "$(grown "$2")" "$(counted "$3")"; }

# What the client's IP has sent and received, in bytes. Nothing here is long enough to be cut or merged below it.
ip_bytes() {
	on client nstat -asz --json IpExtOutOctets IpExtInOctets | jq -r '.kernel | "\(.IpExtOutOctets) \(.IpExtInOctets)"'
}

two_arm
start_odd_servers
# Nothing listens on c2.
HTTP='{listen: "127.0.0.1:9477"}' AFFINITY=flow CANARY='"10.0.0.21:3000", "10.0.0.22:3000"' \
	SERVICE=$'protocol: http\nhealth: off' write_config 40% "answer_timeout: 1s"
start_agent
start_prometheus
read -r sent received < <(ip_bytes)
again=$(sent_again client s1 s2 c1)

count plain 60 "GET /200" "POST /200" "GET /404" "GET /503" "HEAD /500" "GET /200"
count slow 10 "GET /200" "GET /wait/400"
count reset 20 "GET /200" "GET /reset"
kill_agent
count meanwhile 60 "GET /200" "GET /503"
count hang 3 "GET /200" "GET /hang"
start_agent
read -r sent_now received_now < <(ip_bytes)
again=$(($(sent_again client s1 s2 c1) - again))
note "segments sent again: $again"
wait_for 10 has_scraped "$(date +%s.%N)" || fail "Prometheus has stopped scraping"
AT=$(last_scrape)
note "counted by clients: $(counted . | tr -d ' \n')"

check_between "connections that were refused" "$(counted '.["?"].failures.refused')" 10 100
compare "connections" serin_connections_total '[.[].connections[""]] | add'
check_equal "bytes from the client" "$(grown 'serin_bytes_total{direction="to_backend"}')" $((sent_now - sent))
check_equal "bytes to the client" "$(grown 'serin_bytes_total{direction="to_client"}')" $((received_now - received))
compare "requests" serin_requests_total '[.[].requests[]?] | add'
for method in GET POST HEAD; do
	compare "requests: $method" "serin_http_requests_total{method=\"$method\"}" "[.[].requests.$method] | add"
done
for version in stable canary; do
	of="version=\"$version\""
	compare "$version: requests" "serin_requests_total{$of}" "[.$version.requests[]] | add"
	for class in 2 4 5; do
		compare "$version: answers of ${class}xx" "serin_http_responses_total{$of,code=\"${class}xx\"}" \
			"[.$version.answers | to_entries[] | select(.key | startswith(\"$class\")).value] | add"
	done
	for code in 500 503; do
		check_equal "$version: answers of $code" \
			"$(value_of "sum(serin_http_server_errors_total{$of,code=\"$code\"})" "$AT")" \
			"$(counted ".$version.answers[\"$code\"]")"
	done
	for reason in reset unanswered timeout unreachable; do
		compare "$version: failures: $reason" "serin_connection_failures_total{$of,reason=\"$reason\"}" \
			".$version.failures.$reason"
	done
	answers=$(counted "[.$version.answers[]] | add")
	check_between "$version: response times" "$(grown "serin_response_seconds_count{$of}")" $((answers - again)) "$answers"
	long=$(counted ".$version.long[\"\"]")
	check_between "$version: answers that took 250 ms" \
		"$(value_of "sum(increase(serin_response_seconds_count{$of}[10m]))
		- sum(increase(serin_response_seconds_bucket{$of,le=\"0.25\"}[10m]))" "$AT")" $((long - again)) "$long"
done
compare "failures: refused" 'serin_connection_failures_total{reason="refused"}' '.["?"].failures.refused'
compare "all of them the canary's" 'serin_connection_failures_total{reason="refused",version="canary"}' \
	'.["?"].failures.refused'
check_equal "the share of failures, by the recorded rule, is one of the canary's" \
	"$(value_of 'service_version:serin_failures:ratio_rate5m{version="canary"} > 0
		and service_version:serin_failures:ratio_rate5m{version="canary"} < 1' | grep -c '^0\.')" 1
