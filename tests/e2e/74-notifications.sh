#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What a rollout tells a receiver of notifications, and what it remembers: the receiver is down for a while and gets all the
# same, once; the agent is killed at random moments (KILLS of them, 10 if not said), many of them while it writes, and goes on
# where it was, no step twice and none left out, each told once; the host is started anew; the state file is damaged.
# shellcheck source=tests/e2e/servers.sh
. "$(dirname "$0")/servers.sh"
[ -x /usr/bin/python3 ] || skip "python3 is missing (Debian package python3)"

KILLS=${KILLS:-10}
STEPS=$((KILLS > 20 ? 50 : 10)) # of a rollout
RISE=$((100 / STEPS))
TOLD=$WORK/told

start_receiver() {
	start lb /usr/bin/python3 "$REPO/tests/e2e/tools/webhook.py" 8080 "$TOLD"
	RECEIVER=${PIDS[-1]}
	wait_for 10 on lb bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080' || fail "the receiver does not listen"
}

stop_receiver() {
	kill "$RECEIVER"
	wait "$RECEIVER" 2>/dev/null || true
}

# SERVICE STEPS PORT: all that happens to it is told
write_rollout() {
	LISTEN="\"$VIP:$3/tcp\"" STABLE='"10.0.0.11:3000"' CANARY='"10.0.0.21:3000"' SERVICE="protocol: http
health: off
rollout: {version: canary, steps: $2, on_unproven: advance, extend: 1, judge: {latency: off}}
notify:
  - url: http://127.0.0.1:8080/$1
    on: [start, step, pause, resume, done, finish, rollback, abort]" write_service "$1" 0%
}

# SERVICE JSON
rollout() { api POST "/v1/services/$1/rollout" "$2" | jq -r '.rollout.state // .error // .'; }
of_rollout() { api GET "/v1/services/$1" | jq -r ".rollout | $2"; }
# SERVICE STATE [PAUSE]
is_state() { [ "$(of_rollout "$1" '.state + " " + .pause')" = "$2 ${3:-none}" ]; }
weight_of_trial() { api GET "/v1/services/$1" | jq -r '.rollout.version as $trial | .versions[] | select(.name == $trial).weight'; }
baseline_of() { api GET "/v1/services/$1" | jq -r .baseline; }

is_lost() { [ "$(baseline_of "$1" 2>/dev/null)" = null ]; }

# SERVICE: "start 1, step 2, ...", of every notification in its order, however often it came
told() {
	jq -rs --arg path "/$1" '[.[] | select(.path == $path).body] | reduce .[] as $one ([];
		if any(.[]; .key == $one.key) then . else . + [$one] end) |
		map("\(.kind) \(.step)") | join(", ")' "$TOLD"
}
is_told() { [ "$(told "$1")" = "$2" ]; }
# JQ over a list of all that came
of_told() { jq -rs "$1" "$TOLD"; }
told_twice() { of_told 'group_by(.body.key) | map(select(length > 1) | length - 1) | add // 0'; }

two_arm
# Each fails half of its requests while it is told to.
serve s1 11 stable-1 -e 50 -o "$WORK/stable-1.trouble"
serve c1 21 canary-1 -e 50 -o "$WORK/canary-1.trouble"
write_top
write_rollout shop '[{weight: 10%, for: 1s}, {weight: 25%, for: 1s}, {weight: 50%, pause: manual}, {weight: 100%}]' 80
write_rollout ladder "{start: $RISE%, step: $RISE%, every: 1s}" 81
start_receiver
start_agent

# ---- what is told -----------------------------------------------------------------------------------------------------

check_equal "begun" "$(rollout shop '{"action": "start", "release": "r1 <b>", "reason": "tested"}')" progressing
check "it comes to a pause" wait_for 10 is_state shop paused manual
check_equal "promoted" "$(rollout shop '{"action": "promote"}')" completed
check_equal "finished" "$(rollout shop '{"action": "finish"}')" idle
start client "$TOOLS/load" -t $VIP:80 -s 10.64.0.0 -n 2000 -f 300 -d 100 >"$WORK/load.json"
load=${PIDS[-1]}
kill -USR1 "${SERVER[stable-1]}"
check_equal "the next one begun" "$(rollout shop '{"action": "start", "release": "r2"}')" progressing
check "it is rolled back" wait_for 15 is_state shop rolled_back
kill -USR2 "${SERVER[stable-1]}"
kill "$load"
wait_for 5 is_told shop "start 1, step 2, pause 3, done 4, finish 4, start 1, rollback 1" || true
check_equal "told" "$(told shop)" "start 1, step 2, pause 3, done 4, finish 4, start 1, rollback 1"
check_equal "no notification came twice" "$(told_twice)" 0
check_equal "keys in the header as in the body, and JSON" \
	"$(of_told 'all(.[]; .headers["idempotency-key"] == .body.key and .headers["content-type"] == "application/json")')" true
check_equal "of the start" "$(of_told '.[0].body | [.service, .version, .release, .from, .to, .reason, .who] | join("|")')" \
	"shop|canary|r1 <b>|idle|progressing|tested|uid 0"
check_equal "for chats" "$(of_told '.[0].body.text')" \
	"shop: canary (r1 &lt;b&gt;) rollout started, idle → progressing: tested (by uid 0)"
check_equal "of the rollback" "$(of_told '.[-1].body | [.version, .release, .from, .to] | join("|")')" \
	"stable|r2|progressing|rolled_back"
check_match "its reason" "$(of_told '.[-1].body.text')" '^shop: stable \(r2\) rolled back, .*: errors: more clients meet errors, [0-9]+ against [0-9]+ of the baseline'
check_equal "its figures: evidence enough, and the share" \
	"$(of_told '.[-1].body.figures | [.errors >= 1, .weight] | map(tostring) | join(" ")')" "true 0"

# ---- a receiver that is down ------------------------------------------------------------------------------------------

stop_receiver
: >"$TOLD"
check_equal "tried again" "$(rollout shop '{"action": "retry"}')" progressing
check_equal "given up" "$(rollout shop '{"action": "abort"}')" aborted
check "both wait" wait_for 5 grep -q 'fate=late' "$AGENT_LOG"
check_equal "in the file" "$(jq '.pending | length' "$STATE/outbox.json")" 2
start_receiver
wait_for 10 is_told shop "start 1, abort 1" || true
check_equal "told when it is back, in order" "$(told shop)" "start 1, abort 1"
check "nothing waits any more" wait_for 5 jq -e '.pending == []' "$STATE/outbox.json"
check_equal "none came twice" "$(told_twice)" 0

# ---- a receiver that the file does not name any more ------------------------------------------------------------------

waiting() { jq '.pending | length' "$STATE/outbox.json"; }
count_dropped() { grep -c 'fate=dropped' "$AGENT_LOG" || true; }
# HOW: two wait; then the file names another receiver
strand() {
	check_equal "tried again, before $1" "$(rollout shop '{"action": "retry"}')" progressing
	check_equal "given up, before $1" "$(rollout shop '{"action": "abort"}')" aborted
	check_equal "so many wait, before $1" "$(waiting) $(metric serin_notifications_waiting)" "2 2"
	sed -i "s|:8080/$2$|:8080/$3|" "$CONFIG"
}
stop_receiver
: >"$TOLD"
strand "a reload" shop elsewhere
check "reload" serin reload
check_equal "waiting after the reload" "$(waiting)" 0
check_equal "each was said to be dropped" "$(count_dropped)" 2
check_equal "and counted" "$(metric serin_notifications_total 'fate="dropped"') $(metric serin_notifications_waiting)" "2 0"
strand "a restart" elsewhere shop
stop_agent
start_agent
check_equal "waiting after the restart" "$(waiting)" 0
check_equal "each was said to be dropped" "$(count_dropped)" 4
start_receiver
check_equal "one for whom the file names" "$(rollout shop '{"action": "retry"}')" progressing
check_equal "given up" "$(rollout shop '{"action": "abort"}')" aborted
wait_for 5 is_told shop "start 1, abort 1" || true
check_equal "is told, and of no more than that" "$(told shop)" "start 1, abort 1"
check_equal "nobody else is" "$(told elsewhere)" ""

# ---- an agent that is killed ------------------------------------------------------------------------------------------

start client /usr/bin/python3 "$REPO/tests/e2e/tools/statewatch.py" "$STATE/state.json" ladder >"$WORK/states"
start client "$TOOLS/load" -t $VIP:81 -s 10.64.0.0 -n 2000 -f 200 -d 3600 >"$WORK/load.json"
: >"$TOLD"
number=0 expected=() began=$SECONDS

kill_somewhen() {
	/usr/bin/python3 "$REPO/tests/e2e/tools/killer.py" "$AGENT_PID" "$STATE" >>"$WORK/kills"
	stop_agent KILL
}

climb() {
	number=$((number + 1))
	check_equal "release $number begun" "$(rollout ladder "{\"action\": \"start\", \"release\": \"v$number\"}")" progressing
	expected+=("start 1")
	# Where the baseline keeps 5 %, a step to more than 95 % is not judged: it is the end.
	for step in $(seq 2 $((STEPS - (100 - RISE >= 95)))); do expected+=("step $step"); done
	expected+=("done $STEPS" "finish $STEPS")
}
climb
whole=0 back=0
for _ in $(seq 1 "$KILLS"); do
	if is_state ladder completed; then
		check_equal "finished" "$(rollout ladder '{"action": "finish"}')" idle
		climb
	fi
	kill_somewhen
	jq -e '.services.ladder.trial.rollout.state' "$STATE/state.json" >/dev/null && whole=$((whole + 1))
	start_agent
	[[ $(of_rollout ladder .state) =~ progressing|completed ]] && back=$((back + 1))
done
note "$KILLS kills in $((SECONDS - began)) s: $(sort "$WORK/kills" | uniq -c | tr -s ' \n' ' ')at step $(of_rollout ladder .step)"
check_equal "after how many of $KILLS the state was whole" $whole "$KILLS"
check_equal "and the rollout went on" $back "$KILLS"
check "it completes" wait_for $((STEPS + 10)) is_state ladder completed
check_equal "finished" "$(rollout ladder '{"action": "finish"}')" idle
all=$(printf ', %s' "${expected[@]}")
wait_for 5 is_told ladder "${all:2}" || true
check_equal "each step was told, once, in order" "$(told ladder)" "${all:2}"
note "posted twice under one key, since the agent was killed before it knew: $(told_twice)"
check_equal "states that were not whole" "$(jq -rs 'map(select(.torn)) | length' "$WORK/states")" 0
check_equal "steps in the state that are not the next one" "$(jq -rs '[.[] | select(.state == "progressing")] |
	[range(1; length) as $i | [.[$i - 1], .[$i]] | select(.[0].number == .[1].number) |
		select(.[1].step - .[0].step != 0 and .[1].step - .[0].step != 1)] | length' "$WORK/states")" 0
check_between "the shortest step, seconds" "$(jq -rs '[.[] | select(.state == "progressing")] |
	[group_by([.number, .step])[] | first] | sort_by(.at) |
	[range(1; length) as $i | select(.[$i].number == .[$i - 1].number) | .[$i].at - .[$i - 1].at] | min' "$WORK/states")" 0.9 3

# ---- and killed while it is about to roll back ------------------------------------------------------------------------

# A whole number of rollouts has been finished: the roles have changed as often.
baseline=$(baseline_of ladder)
trial=$(jq -nr --arg is "$baseline" '"stable", "canary" | select(. != $is)')
kill -USR1 "${SERVER[$trial-1]}"
: >"$TOLD"
expected=()
for action in '"start", "release": "bad"' '"retry"'; do
	check_equal "a bad one" "$(rollout ladder "{\"action\": $action}")" progressing
	kill_somewhen
	start_agent
	check "it is rolled back" wait_for 10 is_state ladder rolled_back
	check_equal "because of" "$(of_rollout ladder .cause)" errors
	expected+=("start" "rollback")
done
kill -USR2 "${SERVER[$trial-1]}"
all=$(printf ', %s' "${expected[@]}")
# At which step depends on how soon its clients are failed.
told_kinds() { told ladder | sed -E 's/, step [0-9]+//g; s/ [0-9]+//g'; }
is_told_kinds() { [ "$(told_kinds)" = "$1" ]; }
wait_for 5 is_told_kinds "${all:2}" || true
check_equal "each was told, once" "$(told_kinds)" "${all:2}"

# ---- a host that is started anew --------------------------------------------------------------------------------------

: >"$TOLD"
check_equal "a good one" "$(rollout ladder '{"action": "start", "release": "good"}')" progressing
check "it climbs" wait_for 10 is_told ladder "start 1, step 2"
stop_agent KILL
check "the kernel forgets all" "$SERIN" detach --pin-dir "$PINS" --socket "$SOCKET"
start_agent
check_equal "paused" "$(of_rollout ladder '.state + " " + .pause')" "paused reboot"
check_equal "the baseline is that of before, and has all" "$(baseline_of ladder) $(weight_of_trial ladder)" "$baseline 0"
number=$(of_rollout ladder .number) step=$(of_rollout ladder .step)
sleep 2.5
check_equal "and stays so" "$(of_rollout ladder '"\(.state) \(.pause) \(.step)"')" "paused reboot $step"
check_equal "resumed" "$(rollout ladder '{"action": "resume"}')" progressing
check_equal "at the same step" "$(of_rollout ladder '"\(.step) \(.weight)"')" "$step $((step * RISE * 100))"
check_equal "with clients that are drawn anew" "$(of_rollout ladder .number)" $((number + 1))
check "told" wait_for 5 is_told ladder "start 1, step 2, pause $step, resume $step"

# ---- a state file that is damaged -------------------------------------------------------------------------------------

kill -STOP "$AGENT_PID"
shares=$(jq -c '.services.ladder | [.weights, .baseline]' "$STATE/state.json")
number=$(jq .services.ladder.rollout "$STATE/state.json")
stop_agent KILL
truncate -s 700 "$STATE/state.json"
cp "$STATE/state.json" "$WORK/damaged"
start_agent
check_match "it is named" "$(tail -n 20 "$AGENT_LOG")" "level=error msg=\"the state file is damaged.*$STATE/state.json: line [0-9]+"
check "and set aside as it was" cmp "$WORK/damaged" "$STATE"/state.json.damaged-*
check_equal "shares and roles are those that run" \
	"$(api GET /v1/services/ladder | jq -c '[(.versions | map({key: .name, value: .weight}) | from_entries), .baseline]')" "$shares"
check_equal "no rollout is made up" "$(api GET /v1/services/ladder | jq -c .rollout)" null
check_equal "nor clients drawn anew" "$(jq .services.ladder.rollout "$STATE/state.json")" "$number"
sleep 5.5 # the lease is over
load untold -t $VIP:81 -s 10.64.0.0 -n 2000 -N 300
check_equal "of a rollout that nobody judges, nobody new gets the version: percent" "$(share_of untold "$trial")" 0
check "a share by hand" serin weight ladder "$trial=40%"
load by-hand -t $VIP:81 -s 10.64.0.0 -n 2000 -N 1000
check_between "has its clients, percent" "$(share_of by-hand "$trial")" 33 47
check_equal "the next rollout" "$(rollout ladder '{"action": "start", "release": "next"}')" progressing
check_equal "is a draw of its own" "$(of_rollout ladder .number)" $((number + 1))
stop_agent KILL
check "the kernel forgets all" "$SERIN" detach --pin-dir "$PINS" --socket "$SOCKET"
cp "$WORK/damaged" "$STATE/state.json"
launch_agent
says_so() { tail -n 20 "$AGENT_LOG" | grep -Eq "damaged, and no plan runs that shows which versions are baselines.*state.json: line [0-9]+"; }
check "without plans that run it says so" wait_for 10 says_so
check "and guesses at none" wait_for 10 is_lost ladder
check_equal "nobody is served" "$(curl -s --unix-socket "$SOCKET" http://localhost/readyz | jq -r .ready)" false
check_equal "until it is told" "$(serin baseline ladder "$baseline" | grep -o "$baseline 100%")" "$baseline 100%"
check_equal "which one it is" "$(baseline_of ladder)" "$baseline"
