# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# A real Prometheus beside the agent, in the load balancer's namespace, with serin's alert rules, and what it says; servers
# that fail on demand, and a client that counts.

PROMETHEUS=http://127.0.0.1:9090
for command in prometheus promtool; do
	command -v $command >/dev/null || skip "$command is missing (Debian package prometheus)"
done
[ -x /usr/bin/python3 ] || skip "python3 is missing (Debian package python3)"

start_odd_servers() {
	local host byte name
	for host in s1:11:stable-1 s2:12:stable-2 c1:21:canary-1; do
		IFS=: read -r host byte name <<<"$host"
		start "$host" /usr/bin/python3 "$REPO/tests/e2e/tools/oddserver.py" "$name" "10.0.0.$byte" 3000
		wait_for 10 on "$host" curl -sf -o /dev/null "http://10.0.0.$byte:3000/200" ||
			fail "the server on $host does not answer"
	done
}

# NAME CONNECTIONS "METHOD PATH"...: into $WORK/count.NAME.json; what takes 250 ms is counted as long
count() {
	local name=$1 connections=$2
	shift 2
	on client /usr/bin/python3 "$REPO/tests/e2e/tools/countclient.py" "$VIP" "$connections" 250 "$@" \
		>"$WORK/count.$name.json"
}

# Scrapes the agent every half second.
start_prometheus() {
	cat >"$WORK/prometheus.yml" <<-YAML
		global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s}
		rule_files: ["$REPO/scripts/prometheus/serin.rules.yml"]
		scrape_configs:
		  - job_name: serin
		    static_configs: [{targets: ["127.0.0.1:9477"]}]
	YAML
	start lb prometheus --config.file="$WORK/prometheus.yml" --storage.tsdb.path="$WORK/tsdb" \
		--web.listen-address=127.0.0.1:9090 --log.level=warn >"$WORK/prometheus.log" 2>&1
	wait_for 30 has_scraped 0 || fail "Prometheus has scraped nothing: $(tail -n 3 "$WORK/prometheus.log")"
}

# PATH [CURL-ARGUMENTS...]
prometheus() {
	local path=$1
	shift
	on lb curl -sS --max-time 10 "$PROMETHEUS/api/v1/$path" "$@"
}

# EXPRESSION [TIME]: what an instant query returns, as JSON
ask_prometheus() { prometheus query --data-urlencode "query=$1" ${2:+--data-urlencode "time=$2"}; }

# EXPRESSION [TIME]: its only value, or "none"
value_of() {
	ask_prometheus "$@" | jq -r 'if .data.result | length == 1 then .data.result[0].value[1] else "none" end'
}

# When the agent was last scraped
last_scrape() { value_of 'timestamp(serin_build_info)'; }

# TIME: there was a scrape after it
has_scraped() {
	local last
	last=$(last_scrape)
	[[ $last != none ]] && awk "BEGIN { exit !($last > $1) }"
}
