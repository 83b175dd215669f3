#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Active checks: a backend that is frozen, that nobody can reach, or whose own check says 503 is out after `fall` checks, with
# requests at full rate, and back after `rise`; no client of the other one moves. A check of UDP's is asked over HTTP.
# Beside: nobody
# shellcheck source=tests/e2e/servers.sh
. "$(dirname "$0")/servers.sh"

SOURCES=2000

has_event() { [ "$(api GET "/v1/events?service=shop" | jq --arg text "$1" '[.events[] | select(.kind == "backend" and (.text | test($text)))] | length')" -ge "${2:-1}" ]; }

# A check that says what the file of its name says.
cat >"$WORK/health.py" <<'PYTHON'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        status = int(open(sys.argv[2]).read())
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
        open(sys.argv[2] + ".seen", "a").write("%s %s %s\n" % (self.path, self.headers["Host"], self.client_address[0]))
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer((sys.argv[1], 8081), Handler).serve_forever()
PYTHON

two_arm
start_servers
S2_SERVER=${PIDS[1]}
declare -A CHECK
for host in s1:11 s2:12 c1:21; do
	echo 200 >"$WORK/${host%:*}"
	start "${host%:*}" /usr/bin/python3 "$WORK/health.py" "10.0.0.${host#*:}" "$WORK/${host%:*}"
	CHECK[${host%:*}]=${PIDS[-1]}
	wait_for 5 on "${host%:*}" curl -sf -o /dev/null "http://10.0.0.${host#*:}:8081/" || fail "no check on $host"
done
HEALTH='health: {check: http, path: "/healthz?deep=1", host: shop.internal, port: 8081, every: 200ms, timeout: 150ms, fall: 3, rise: 2}'
SERVICE="$HEALTH" write_config 10%
start_agent
survey before
check_match "the check as it comes" "$(tail -n 1 "$WORK/s2.seen")" '^/healthz\?deep=1 shop.internal 10\.0\.0\.1$'

# ---- it says 503 ---------------------------------------------------------------------------------------------------

start_load running -t $VIP:80 -s 10.64.0.0 -n $SOURCES -f 2000 -d 6
sleep 1
began=$(now_ms)
echo 503 >"$WORK/s2"
check "503: out within 5 s" wait_for 5 has_event "10.0.0.12:3000 of stable is out: status 503, expected 200-399"
check_between "503: ms to the decision" $(($(event_ms backend "12:3000 of stable is out") - began)) 400 2500
check_match "status says so" "$(serin status shop)" "^ *10\.0\.0\.12:3000 +stable +out: status "
check_match "metrics, too" "$(serin_metric() { api GET /metrics | grep '^serin_backend_up'; }; serin_metric)" '10\.0\.0\.12:3000".*\} 0$'
finish_load
check_unharmed running 5000
survey without
check_equal "clients of the others that moved" "$(count before without 'was != "stable-2" && is != was')" 0
check_equal "clients that it still got" "$(count before without 'is == "stable-2"')" 0
echo 200 >"$WORK/s2"
check "200: back within 5 s" wait_for 5 has_event "10.0.0.12:3000 of stable is back: status 200"
survey back
check_equal "clients that are not where they were" "$(count before back 'is != was')" 0

# ---- nobody reaches it ---------------------------------------------------------------------------------------------

start_load running -t $VIP:80 -s 10.64.0.0 -n $SOURCES -f 2000 -d 6 -w 3000
sleep 1
began=$(now_ms)
on s2 ip link set eth0 down
check "unreachable: out within 5 s" wait_for 5 has_event "10.0.0.12:3000 of stable is out: .*timeout" 1
detection=$(($(event_ms backend "12:3000 of stable is out: .*timeout") - began))
check_between "unreachable: ms to the decision" $detection 400 2500
finish_load
note "requests: $(of_load running .requests), lost: $(of_load running .failed) in $detection ms"
check_between "requests that were lost" "$(of_load running .failed)" 0 $((2 * detection + 400))
on s2 ip link set eth0 up
check "reachable: back within 10 s" wait_for 10 has_event "10.0.0.12:3000 of stable is back: status 200" 2

# ---- it is frozen --------------------------------------------------------------------------------------------------

start_load running -t $VIP:80 -s 10.64.0.0 -n $SOURCES -f 2000 -d 6 -w 3000
sleep 1
began=$(now_ms)
kill -STOP "$S2_SERVER" "${CHECK[s2]}"
check "frozen: out within 5 s" wait_for 5 has_event "10.0.0.12:3000 of stable is out: .*timeout" 2
detection=$(($(event_ms backend "12:3000 of stable is out: .*timeout") - began))
check_between "frozen: ms to the decision" $detection 400 2500
sleep 1
kill -CONT "$S2_SERVER" "${CHECK[s2]}"
check "thawed: back within 10 s" wait_for 10 has_event "10.0.0.12:3000 of stable is back: status 200" 3
finish_load
note "requests: $(of_load running .requests), lost: $(of_load running .failed) in $detection ms"
check_between "requests that were lost" "$(of_load running .failed)" 0 $((2 * detection + 400))
survey thawed
check_equal "clients that are not where they were" "$(count before thawed 'is != was')" 0

# ---- a reload ------------------------------------------------------------------------------------------------------

echo 503 >"$WORK/s2"
check "503: out within 5 s" wait_for 5 has_event "10.0.0.12:3000 of stable is out: status 503" 2
sed -i 's/rise: 2}/rise: 2, status: 200-599}/' "$CONFIG"
check_match "503 is well from now on" "$(serin reload)" "^~ health.status of shop: 200-399 -> 200-599"
check "back within 5 s" wait_for 5 has_event "10.0.0.12:3000 of stable is back: status 503" 1
sed -i 's/status: 200-599/status: 200/' "$CONFIG"
check_match "and no longer" "$(serin reload)" "^~ health.status of shop: 200-599 -> 200"
check "out within 5 s" wait_for 5 has_event "10.0.0.12:3000 of stable is out: status 503, expected 200" 3
stop_agent
start_agent
check_equal "it is out after a restart, too" "$(api GET /v1/services/shop |
	jq -c '[.versions[].backends[] | select(.state != "up").address]')" '["10.0.0.12:3000"]'
sed -i '/health:/d' "$CONFIG"
echo 200 >"$WORK/s2"
serin reload >"$WORK/out"
check "without checks a trial connection brings it back" wait_for 10 has_event "10.0.0.12:3000 of stable is back: connected"
