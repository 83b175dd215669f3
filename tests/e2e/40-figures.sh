#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What the agent says of each version, against what the client sent: requests, answers by class, quantiles. A reload makes
# answers read as HTTP and changes the answer timeout; a killed agent misses nothing; a removed backend takes nothing away
# from its version, and the next one with its id begins at zero. The metrics say the same in both formats.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

URL=http://127.0.0.1:9477
export HTTP='{listen: "127.0.0.1:9477"}'
TIMEOUTS="timeouts: {closed: 1s, embryonic: 1s}"

# FILTER: a figure of the service, summed over its versions
sum() { api GET /v1/services/shop | jq "[.versions[] | $1] | add"; }
# ADDRESS: whether it is still one of its backends
is_backend() { api GET /v1/services/shop | jq -e "any(.versions[].backends[]; .address == \"$1\")"; }
is_no_backend() { ! is_backend "$1"; }
setting() { bpftool -j map dump pinned "$PINS/settings" | jq ".[0].formatted.value.$1"; }

# NAME COUNT: so many clients, one request each
visit() {
	load "$1" -t "$VIP:80" -s 10.64.0.0 -n "$2" -N "$2" -c 20
	check_unharmed "$1" "$2"
	SENT=$((SENT + $(of_load "$1" .requests)))
}
SENT=0

two_arm
start_servers
write_config 25% "$TIMEOUTS"
start_agent
check_match "status says what is not seen" "$(serin status)" "^protocol tcp: the status of answers is not seen"
check_equal "answer timeout, in ticks of 256 ns" "$(setting answer_timeout)" 39062500
visit first 200
check_equal "requests" "$(sum .requests)" "$SENT"
check_equal "answered" "$(sum .answered)" "$SENT"
check_equal "failures" "$(sum '.failures | add')" 0
check_equal "no HTTP under protocol tcp" "$(sum '.http | values')" null

SERVICE="protocol: http" write_config 25% "$TIMEOUTS"$'\n'"answer_timeout: 500ms"
said=$(serin reload)
check_match "reload: the protocol" "$said" "^~ protocol of shop: tcp -> http$"
check_match "reload: the timeout" "$said" "^~ answer_timeout: 10s -> 500ms$"
check_equal "answer timeout, in ticks of 256 ns" "$(setting answer_timeout)" 1953125
visit second 300
READ=$(of_load second .requests)
check_equal "requests" "$(sum .requests)" "$SENT"
check_equal "answers read" "$(sum '.http.classes."2xx"')" "$READ"
check_equal "methods read" "$(sum '.http.methods.GET')" "$READ"
check_equal "answers read of backends" "$(sum '[.backends[].http.classes."2xx"] | add')" "$READ"
check_equal "in the list, of versions only" "$(api GET /v1/services |
	jq -c '[.services[0].versions[] | .http.classes."2xx" > 0, ([.backends[] | has("http")] | any)]')" \
	"[true,false,true,false]"
check_equal "backends add up to their versions" "$(sum '.requests - ([.backends[].requests] | add)')" 0
# What had to be sent again gives no sample.
check_between "samples of the window" "$(sum .window.response.samples)" $((SENT - 9)) "$SENT"
check_between "handshakes of the window" "$(sum .window.handshake.samples)" $((SENT - 9)) "$SENT"
check_equal "quantiles in their order, and not 0" "$(api GET /v1/services/shop |
	jq -c '[.versions[].window.response | .p50 > 0 and .p50 <= .p95 and .p95 <= .p99 and .p99 < 5]')" "[true,true]"
check_equal "status of http" "$(serin status | grep -c '^protocol tcp' || true)" 0

# What is wrong with either key changes nothing.
cp "$CONFIG" "$WORK/good.yaml"
sed -i 's/^answer_timeout: .*/answer_timeout: 90s/' "$CONFIG"
status=0
said=$(serin reload 2>&1) || status=$?
check_equal "a timeout that is too long: exit code" $status 1
check_match "a timeout that is too long: said where" "$said" "^serin: $CONFIG:[45]:17: .*expected off or a duration from 100ms"
check_equal "answer timeout after that" "$(setting answer_timeout)" 1953125
cp "$WORK/good.yaml" "$CONFIG"

# The kernel counts without the agent.
kill_agent
visit alone 200
start_agent
READ=$((READ + $(of_load alone .requests)))
check_equal "requests after a kill" "$(sum .requests)" "$SENT"
check_equal "answers read after a kill" "$(sum '.http.classes."2xx"')" "$READ"
check_equal "the window begins with the agent" "$(sum '.window.response.samples // 0')" 0

# A backend goes, and another gets its id.
STABLE='"10.0.0.11:3000"' SERVICE="protocol: http" write_config 25% "$TIMEOUTS"$'\n'"answer_timeout: 500ms"
check "reload: a backend less" serin reload
wait_for 60 is_no_backend 10.0.0.12:3000 || fail "the removed backend does not go"
check_equal "requests without it" "$(sum .requests)" "$SENT"
check_equal "answers read without it" "$(sum '.http.classes."2xx"')" "$READ"
STABLE='"10.0.0.11:3000"' CANARY='"10.0.0.21:3000", "10.0.0.22:3000"' SERVICE="protocol: http" \
	write_config 25% "$TIMEOUTS"$'\n'"answer_timeout: 500ms"
check "reload: another backend" serin reload
check_equal "it begins at zero" "$(api GET /v1/services/shop | jq -c '.versions[].backends[] |
	select(.address == "10.0.0.22:3000") | [.requests, .opened, .http.classes."2xx"]')" "[0,0,0]"
visit last 200
READ=$((READ + $(of_load last .requests)))
check_equal "requests at last" "$(sum .requests)" "$SENT"
check_equal "answers read at last" "$(sum '.http.classes."2xx"')" "$READ"

# By backend, a removed one's are missing; by version nothing is.
check_equal "metrics: answers" "$(metric serin_http_responses_total 'code="2xx"')" "$READ"
check_equal "metrics: methods" "$(metric serin_http_requests_total 'method="GET"')" "$READ"
check_between "metrics: times of answers" "$(metric serin_response_seconds_count)" $((SENT - 9)) "$SENT"
check_equal "metrics: up to any bound" "$(metric serin_response_seconds_bucket 'le="[+]Inf"')" \
	"$(metric serin_response_seconds_count)"
check_equal "metrics: failures" "$(metric serin_connection_failures_total)" 0
on lb curl -sS -D "$WORK/header" -o "$WORK/open" -H "Accept: application/openmetrics-text;version=1.0.0" $URL/metrics
check_match "OpenMetrics: type" "$(cat "$WORK/header")" "^[Cc]ontent-[Tt]ype: application/openmetrics-text; version=1.0.0"
check_equal "OpenMetrics: last line" "$(tail -n 1 "$WORK/open")" "# EOF"
check_equal "OpenMetrics: samples" "$(grep -vc '^#' "$WORK/open")" "$(api GET /metrics | grep -vc '^#')"
if command -v promtool >/dev/null; then
	check_equal "promtool" "$(api GET /metrics | promtool check metrics 2>&1)" ""
fi
