#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Decisions are kept as events: what was done, by whom, why. Read through the API, waited for, and printed by
# `serin events`, also over a restart of the agent. Whoever waits keeps nobody out.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# QUERY FILTER
events() { api GET "/v1/events$1" | jq -r "$2"; }
newest() { events '?limit=1' '.events[0].id'; }
of_newest() { events '?limit=1' ".events[0]$1"; }
# PATH: the status
status_of() { curl -s --max-time 5 -o "$WORK/body" -w '%{http_code}' --unix-socket "$SOCKET" "http://localhost$1"; }
now_ms() { date +%s%3N; }

two_arm
start_servers
write_config 10%
start_agent

check_equal "the first ones are" "$(events '' '[.events[].kind] | join(" ")')" "interface interface start"
first=$(newest)
serin weight shop canary=25% --reason "looks good" >"$WORK/out"
check_equal "kind" "$(of_newest .kind)" weight
check_equal "service" "$(of_newest .service)" shop
check_equal "by" "$(of_newest .by)" "uid 0"
check_equal "reason" "$(of_newest .reason)" "looks good"
check_equal "text" "$(of_newest .text)" "shop set: now stable 75%, canary 25%, before stable 90%, canary 10%"
check_equal "figures" "$(of_newest '.figures | [.from, .to, .generation] | map(tostring) | join("; ")')" \
	"stable 90%, canary 10%; stable 75%, canary 25%; 2"
check_equal "its id is the next one" "$(newest)" $((first + 1))
check_match "time" "$(of_newest .time)" "^$(date -u +%Y-%m-%d)T[0-9:]{8}\.[0-9]{3}Z$"
check_match "the log has it too" "$(cat "$AGENT_LOG")" 'msg=weights service=shop from=.* by="uid 0" reason="looks good"'
check_equal "after the last one" "$(events "?after=$(newest)" '.events | length')" 0
check_equal "of the service" "$(events '?service=shop' '[.events[].kind] | join(" ")')" weight
check_equal "no such service" "$(status_of /v1/events?service=shoes)" 404
for query in after=x after=-1 wait=61 wait=1s limit=0 limit=1001 since=1; do
	check_equal "?$query is refused" "$(status_of "/v1/events?$query")" 400
done

# ---- waiting -------------------------------------------------------------------------------------------------------

last=$(newest)
began=$(now_ms)
check_equal "nothing comes" "$(events "?after=$last&wait=2" '.events | length')" 0
check_between "it took so many ms" $(($(now_ms) - began)) 1900 4000
api GET "/v1/events?after=$last&wait=30&service=shop" >"$WORK/waited" &
waiter=$!
sleep 0.5
began=$(now_ms)
serin rollback shop --reason "p95 is up" >"$WORK/out"
wait $waiter
check_between "whoever waits hears at once (ms)" $(($(now_ms) - began)) 0 900
check_equal "what" "$(jq -r '[.events[] | .kind + ": " + .reason] | join(" ")' "$WORK/waited")" "rollback: p95 is up"

# More than may wait: the others are answered at once, and everybody else is served.
waiters=()
last=$(newest)
: >"$WORK/many"
answered() { [ "$(grep -c newest "$WORK/many")" = 32 ]; }
for _ in {1..40}; do
	curl -s --max-time 30 --unix-socket "$SOCKET" "http://localhost/v1/events?after=$last&wait=20" >>"$WORK/many" &
	waiters+=($!)
done
check "40 wait: 32 of them are answered at once" wait_for 10 answered
check_equal "somebody else, too" "$(status_of /healthz)" 200
# Some that hung up meanwhile
kill "${waiters[@]:0:30}" 2>/dev/null || true
check_equal "40 wait, some are gone: a change is made" "$(serin weight shop canary=1% -o json | jq -r .generation)" 4
for pid in "${waiters[@]}"; do wait "$pid" 2>/dev/null || true; done
check_equal "and answered again" "$(status_of /healthz)" 200

# ---- the command ---------------------------------------------------------------------------------------------------

serin events >"$WORK/text"
check_match "a line" "$(cat "$WORK/text")" \
	'T[0-9:.]*Z  rollback   shop rolled back: now stable 100%, canary 0%, before .*, by uid 0: p95 is up$'
check_equal "as many lines as events" "$(wc -l <"$WORK/text")" "$(events '' '.events | length')"
check_equal "--limit" "$(serin events --limit 2 | wc -l)" 2
check_equal "of a service, as JSON" "$(serin events shop -o json | jq -r '[.events[].kind] | join(" ")')" \
	"weight rollback weight"
if serin events shoes >"$WORK/out" 2>&1; then fail "no such service, and no complaint"; else ok "no such service: refused"; fi
check_match "it says which" "$(cat "$WORK/out")" "no service and no event of one is named 'shoes'"

start lb "$SERIN" events -f --limit 1 -o json --socket "$SOCKET" >"$WORK/followed" 2>"$WORK/complaints"
follower=${PIDS[-1]}
check "following" wait_for 5 grep -q weight "$WORK/followed"
serin weight shop canary=2% >"$WORK/out"
check "the next one comes" wait_for 5 grep -q 'canary 2%' "$WORK/followed"
stop_agent
check "the agent's end comes too" wait_for 5 grep -q '"kind":"stop"' "$WORK/followed"
check "it says that it waits" wait_for 5 grep -q 'waiting for one' "$WORK/complaints"
start_agent
check "the next agent's events follow" wait_for 10 grep -q '"kind":"start"' "$WORK/followed"
sed -i 's/canary: {/canary: {weight: 3%, /; s/, weight: 10%}/}/' "$CONFIG"
serin reload >"$WORK/out"
serin weight shop canary=4% >"$WORK/out"
check "and all that come" wait_for 5 grep -q 'canary 4%' "$WORK/followed"
check_match "the reload among them" "$(cat "$WORK/followed")" '"kind":"reload".*configuration reloaded, 2 changes: '
check_equal "ids that do not grow" "$(jq -s '[.[].id] | [., .[1:]] | transpose[:-1] | map(select(.[0] >= .[1])) | length' \
	"$WORK/followed")" 0
check_equal "complaints while the agent was away" "$(grep -c 'waiting for one' "$WORK/complaints")" 1
kill -INT "$follower"
code=0
wait "$follower" || code=$?
check_equal "exit code after Ctrl-C" $code 0

# ---- many ----------------------------------------------------------------------------------------------------------

for i in {1..300}; do
	printf 'next\nurl = "http://localhost/v1/services/shop/weights"\nrequest = PUT\nunix-socket = "%s"\n' "$SOCKET"
	printf 'header = "Content-Type: application/json"\ndata = "{\\"weights\\": {\\"canary\\": \\"%s%%\\"}}"\n' $((i % 50))
done | sed 1d >"$WORK/curlrc"
before=$(grep -c 'msg=weights' "$AGENT_LOG")
curl -s -K "$WORK/curlrc" >/dev/null
check_equal "every change is an event" "$(events '?service=shop' '[.events[] | select(.kind == "weight")] | length >= 300')" true
check_between "lines of the log" $(($(grep -c 'msg=weights' "$AGENT_LOG") - before)) 100 299
stop_agent
