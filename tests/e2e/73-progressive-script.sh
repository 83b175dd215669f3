#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The script that many deployment pipelines have, as a rollout: 5 %, then 10 % more every interval, and before each of them
# three questions: is the difference of error rates above 3 points, is p95 above 1.2 times, is CPU above 1.5 times the
# baseline's? CPU comes from a real Prometheus that scrapes real Node.js servers. Three releases are rolled back, each for
# its own reason, and the last one completes. The judge does not look: nothing but the checks decides.
# Beside: nobody
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/prometheus.sh
. "$REPO/tests/e2e/prometheus.sh"
command -v node >/dev/null || skip "node is missing (Debian package nodejs)"

RATE=80
GOOD="0 1000 3" # no failures, a second, of which 3 ms are work

# p95 times 1.2 says little on a host that is busy with something else: what has just been started goes first.
hurry() { renice -n -15 -p "${PIDS[-1]}" >/dev/null 2>&1 || true; }

# HOST LAST-BYTE NAME: its server, which has run for a while: a cold one takes several times as long
serve() {
	# One that gets few requests would spend more on tidying up than on them.
	start "$1" node --no-memory-reducer "$REPO/tests/e2e/tools/measured.js" "$3" 3000
	wait_for 10 on "$1" curl -sf -o /dev/null "http://10.0.0.$2:3000/metrics" || fail "$3 does not listen"
	on "$1" "$TOOLS/load" -t "10.0.0.$2:3000" -N 1500 -c 20 >/dev/null
	hurry
	deploy "$2" "$GOOD"
}

# LAST-BYTE "FAIL_PERCENT WAIT_MS WORK_MS": how its requests go from now on
deploy() { on lb curl -sf -X PUT "http://10.0.0.$1:3000/${2// //}" || fail "10.0.0.$1 has not been told"; }

# Scrapes the applications every second.
scrape_applications() {
	cat >"$WORK/prometheus.yml" <<-YAML
		global: {scrape_interval: 1s, scrape_timeout: 1s}
		scrape_configs:
		  - job_name: shop
		    static_configs: [{targets: ["10.0.0.11:3000", "10.0.0.21:3000"]}]
	YAML
	start lb prometheus --config.file="$WORK/prometheus.yml" --storage.tsdb.path="$WORK/tsdb" \
		--web.listen-address=127.0.0.1:9090 --log.level=warn >"$WORK/prometheus.log" 2>&1
	wait_for 30 both_are_up || fail "Prometheus does not scrape both: $(tail -n 3 "$WORK/prometheus.log")"
}
both_are_up() { [ "$(value_of 'count(process_cpu_seconds_total)')" = 2 ]; }

rollout() { api POST /v1/services/shop/rollout "$1" | jq -r '.rollout.state // .error.code // .'; }
of_rollout() { api GET /v1/services/shop | jq -r ".rollout | $1"; }
has_ended() { [[ $(of_rollout .state) =~ ^(completed|rolled_back|aborted)$ ]]; }

# Prometheus remembers nothing of the release before.
is_forgotten() { [ "$(value_of 'sum(increase(http_requests_total{version="canary"}[4s]))')" = 0 ]; }

# {"action": ...}: a rollout from beginning to end, and how that was
run_rollout() {
	wait_for 10 is_forgotten || fail "the canary still gets requests"
	check_equal "it begins" "$(rollout "$1")" progressing
	wait_for 45 has_ended || true
	OUTCOME=$(of_rollout '[.state, .cause, .reason // empty] | join(" ")')
	note "at step $(of_rollout .step) of $(of_rollout .steps): $OUTCOME"
}

# RELEASE "FAIL_PERCENT WAIT_MS WORK_MS" OUTCOME: what becomes of it. Such checks raise false alarms, by p95 above all,
# and this is what is done about one: the release is tried again.
release() {
	deploy 21 "$2"
	run_rollout "{\"action\": \"start\", \"release\": \"$1\"}"
	for _ in 1 2; do
		[[ $OUTCOME =~ $3 || ! $OUTCOME =~ ^"rolled_back check" ]] && break
		run_rollout '{"action": "retry"}'
	done
	check_match "release $1: $3" "$OUTCOME" "$3"
}

two_arm
serve s1 11 stable-1
serve c1 21 canary-1
# Of CPU, what a request costs is compared: a process that gets 5 % of the requests uses less than one that gets 95 %.
# shellcheck disable=SC2016 # the query's own variable
SERVICE='protocol: http
health: off
rollout:
  version: canary
  start: 5%
  step: 10%
  every: 2s
  max: 100%
  on_unproven: advance
  extend: 1
  judge: {errors: off, latency: off}
  checks:
    - {name: errors, max_increase: 3%, window: 2s, min_requests: 3, action: rollback}
    - {name: p95, max_ratio: 1.2, window: 2s, min_requests: 3, action: rollback}
    - name: cpu
      prometheus: "http://127.0.0.1:9090"
      query: "sum(rate(process_cpu_seconds_total{version=\"$version\"}[4s]))
        / sum(rate(http_requests_total{version=\"$version\"}[4s]))"
      max_ratio: 1.5
      window: 2s
      action: rollback' STABLE='"10.0.0.11:3000"' CANARY='"10.0.0.21:3000"' write_config 0%
start_agent
scrape_applications
start client "$TOOLS/load" -t $VIP:80 -s 10.64.0.0 -n 2000 -f $RATE -c 300 -d 170 >"$WORK/load.json"
hurry

release hungry "0 1000 9" '^rolled_back check cpu: canary [0-9.e-]+, stable [0-9.e-]+: more than 1.5 times as much'
check_equal "share of the canary" "$(weight_of canary)" 0
check_equal "it is not started again just so" "$(rollout '{"action": "start", "release": "hungry"}')" rollout_state
release failing "30 1000 3" \
	'^rolled_back check errors: canary [0-9.]+%, stable 0%: [0-9.]+ points more, at most 3 allowed'
release slow "0 2000 3" '^rolled_back check p95: canary [0-9.]+m?s, stable [0-9.]+m?s: more than 1.2 times as much'
release good "$GOOD" '^completed'
check_equal "share of the canary" "$(weight_of canary)" 10000
check_equal "its shares, percent" "$(api GET /v1/events | jq -r '[.events[] | select(.kind == "rollout").text |
	capture("now stable [0-9]+%, canary (?<share>[0-9]+)%").share] | .[-11:] | join(" ")')" \
	"5 15 25 35 45 55 65 75 85 95 100"
