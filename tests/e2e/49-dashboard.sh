#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The Grafana dashboard and the alert rules name nothing that does not exist: every metric, label and label's value in
# them is one that a running agent exposes, Prometheus takes every expression, and those that have something to show
# show it. Alerts come when they should: when the agent is gone, when the guard did its work without one, when a rollout was
# rolled back, and in `promtool test rules` on made-up series.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/prometheus.sh
. "$REPO/tests/e2e/prometheus.sh"

DASHBOARD=$REPO/scripts/grafana/serin.json
RULES=$REPO/scripts/prometheus/serin.rules.yml
LEASE=3

# [RULES] [DASHBOARD]: the comparison's last line; all of it is in $WORK/names
names() {
	/usr/bin/python3 "$REPO/tests/prometheus/names.py" "$WORK/metrics" "${1:-$WORK/rules.json}" "${2:-$DASHBOARD}" \
		>"$WORK/names" || true
	tail -n 1 "$WORK/names"
}

# A misspelt name would be found: one thing in the dashboard is spoilt.
# WHAT JQ-FILTER COMPLAINT
spoilt() {
	jq "$2" "$DASHBOARD" >"$WORK/spoilt.json"
	names "" "$WORK/spoilt.json" >/dev/null
	check "$1 is noticed" grep -Eq "$3" "$WORK/names"
}

# Every expression of the dashboard, as Grafana would send it: "PANEL<tab>EXPRESSION"
expressions() {
	jq -r '(.panels[] | .title as $title | .targets[]? | [$title, .expr]),
		(.annotations.list[] | select(.expr) | [.name, .expr]) | map(gsub("\\$__rate_interval"; "10s") |
		gsub("\\$service"; "shop") | gsub("\\$instance"; ".*")) | @tsv' "$DASHBOARD" | sed 's/\\\\/\\/g'
}

# What is empty on a machine where all is well
EMPTY='Drops by reason|HTTP server errors by code|HTTP answers by class|Changes of weights|Time to roll back'

check_expressions() {
	local panel expression answer silent="" wrong=""
	while IFS=$'\t' read -r panel expression; do
		answer=$(ask_prometheus "$expression")
		[ "$(jq -r .status <<<"$answer")" = success ] || wrong+="$panel: $(jq -r .error <<<"$answer"); "
		[ "$(jq '.data.result | length' <<<"$answer")" != 0 ] || [[ $panel =~ ^($EMPTY)$ ]] || silent+="$panel; "
	done < <(expressions)
	check_equal "expressions that Prometheus does not take" "$wrong" ""
	check_equal "panels without a line" "$silent" ""
}

rules_are_evaluated() {
	prometheus rules >"$WORK/rules.json" &&
		jq -e '[.data.groups[].rules[].health] | length > 0 and all(. != "unknown")' "$WORK/rules.json"
}

alert_state() {
	prometheus rules | jq -r ".data.groups[].rules[] | select(.name == \"$1\").state"
}

rollback_alert_is() { [ "$(alert_state SerinRolledBack)" = "$1" ]; }
guard_alert_is() { [ "$(alert_state SerinGuardTripped)" = "$1" ]; }
is_rolled_back() { [ "$(api GET /v1/services/shop | jq -r .rollout.state)" = rolled_back ]; }
agent_alert_is() { [ "$(alert_state SerinAgentDown)" = "$1" ]; }

check "promtool check rules" promtool check rules "$RULES"
check "promtool test rules" promtool test rules "$REPO/tests/prometheus/rules_test.yml"

two_arm
start_odd_servers
canary_server=${PIDS[-1]}
ROLLOUT='rollout: {steps: [{weight: 40%, for: 10m}, {weight: 100%}], judge: {latency: off}}'
HTTP='{listen: "127.0.0.1:9477"}' AFFINITY=flow SERVICE=$'protocol: http\n'$ROLLOUT write_config 0% "answer_timeout: 1s
lease: ${LEASE}s"
start_agent
check_match "a rollout begins" "$(api POST /v1/services/shop/rollout '{"action": "start"}')" '"progressing"'
start_prometheus
start_load some -t $VIP:80 -s 10.64.0.0 -n 200 -k 4 -i 20 -f 50 -d 60
wait_for 20 rules_are_evaluated || fail "the rules are not evaluated"
check_equal "rules that could not be evaluated" \
	"$(jq -r '.data.groups[].rules[] | select(.health != "ok") | "\(.name): \(.lastError)"' "$WORK/rules.json")" ""

count broken 20 "GET /503" # exact codes are only there when they have been seen
sleep 3 # several scrapes with traffic between them
check_expressions
check "the agent is up" agent_alert_is inactive
check_equal "alerts about a rollout that is under way" \
	"$(for name in SerinRolledBack SerinRolloutHeld SerinGuardTripped; do alert_state $name; done | sort -u)" inactive
check_equal "alerts about backends while all get clients" "$(alert_state SerinBackendOut) $(alert_state SerinBaselineDead)" \
	"inactive inactive"
kill_agent
killed=$SECONDS
check "an alert about its end" wait_for 15 agent_alert_is pending
# Nobody was there to count that the lease is over: the next agent finds it so.
left=$((LEASE + 1 - (SECONDS - killed)))
[ $left -le 0 ] || sleep $left
start_agent
check "and the end of that" wait_for 15 agent_alert_is inactive
check "an alert about the guard, of the time without an agent" wait_for 10 guard_alert_is firing
check_between "seconds since the agent's start, by its own word" \
	"$(value_of 'time() - serin_agent_start_time_seconds')" 0 20
kill "$LOAD_PID"
finish_load
check_unharmed some 100

# A version that hangs: then all has been seen that a rollout can say of itself.
kill -STOP "$canary_server"
load frozen -t $VIP:80 -s 10.64.0.0 -n 200 -f 100 -d 4 -w 1000
kill -CONT "$canary_server"
check "the rollout is rolled back" wait_for 10 is_rolled_back
check "an alert about that" wait_for 10 rollback_alert_is firing

api GET /metrics >"$WORK/metrics"
check_equal "promtool check metrics" "$(promtool check metrics <"$WORK/metrics" 2>&1)" ""
check_match "names in dashboard and rules" "$(names)" '^[7-9][0-9] expressions, [3-9][0-9] metrics, 0 complaints$'
grep -v ' complaints$' "$WORK/names" | head -n 20 || true
spoilt "a wrong metric" '.panels[2].targets[0].expr |= sub("weight"; "wait")' 'no metric is called serin_wait_ratio'
spoilt "a wrong label" '.panels[2].targets[0].expr |= sub("service="; "servise=")' 'has no label servise$'
spoilt "a wrong label to sum by" '.panels[2].targets[0].expr |= sub("version"; "vision")' 'by \(vision\): serin_'
spoilt "a wrong reason" \
	'.panels |= map(select(.title == "Failure share").targets[0].expr |= sub("timeout"; "timeaut"))' \
	'never exposed with reason="timeaut"$'
spoilt "a wrong legend" '.panels[2].targets[0].legendFormat = "{{vision}}"' '\{\{vision\}\}: no metric there'
