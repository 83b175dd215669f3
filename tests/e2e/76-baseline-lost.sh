#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The state file is damaged and the host is started anew: nobody knows any more which version is the baseline, and the
# configuration names the one that was replaced. Nobody is served, over restarts and reloads too, and everything says so,
# until somebody says which one it is.
# shellcheck disable=SC2016 # messages have backquotes
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

answers() { curl -s --max-time 5 -o "$WORK/body" -w '%{http_code}' --unix-socket "$SOCKET" "$@"; }
# WHAT STATUS CODE PATH [CURL-ARGUMENTS...]
refused() {
	local what=$1 status=$2 code=$3 path=$4
	shift 4
	check_equal "$what: status" "$(answers "$@" "http://localhost$path")" "$status"
	check_equal "$what: code" "$(jq -r .error.code "$WORK/body")" "$code"
}
listens() { [ "$(answers http://localhost/healthz)" = 200 ]; }
launch() {
	launch_agent
	wait_for 30 listens || fail "the agent does not come up: $(tail -n 3 "$AGENT_LOG")"
}
of_service() { api GET "/v1/services/$1" | jq -cr "$2"; }
is_ready() { [ "$(answers http://localhost/readyz)" = 200 ]; }
opened() { of_service "$1" '[.versions[].opened] | add'; }
# WHAT: nobody gets through to a backend of either service
nobody_is_served() {
	local before
	before=$(opened shop)
	check_equal "$1: connections that are answered" "$(for i in 1 2 3; do
		on client curl -s -o /dev/null --max-time 0.5 "http://$VIP/" && echo "$i"
	done)" ""
	check_equal "$1: connections of backends" "$(opened shop)" "$before"
	check_equal "$1: baselines" "$(api GET /v1/services | jq -c '[.services[] | .baseline]')" '[null,null]'
	check_equal "$1: ready" "$(answers http://localhost/readyz)" 503
}

two_arm
start_servers
write_top
SERVICE='rollout: {steps: [{weight: 50%, pause: manual}, {weight: 100%}], judge: {latency: off}}' write_service shop 0%
LISTEN="\"$VIP:81/tcp\"" write_service tea 25%
start_agent
refused "a baseline that is known" 409 baseline_known /v1/services/shop/baseline --data '{"version": "canary"}'
check_match "in words" "$(serin baseline shop canary 2>&1 || true)" \
	'^serin: the baseline of shop is known to be stable, expected a rollout to change it \(`serin rollout shop finish`\)$'
serin rollout shop start --blind >"$WORK/out"
for action in promote promote finish; do serin rollout shop $action >"$WORK/out" 2>&1 || true; done
check_equal "the roles have changed" "$(of_service shop .baseline)" canary

# ---- lost ------------------------------------------------------------------------------------------------------------

stop_agent KILL
check "the kernel forgets all" "$SERIN" detach --pin-dir "$PINS" --socket "$SOCKET"
truncate -s 300 "$STATE/state.json"
cp "$STATE/state.json" "$WORK/damaged"
launch
check_match "the file is named" "$(cat "$AGENT_LOG")" \
	'level=error msg="the state file is damaged, and no plan runs .*`serin baseline SERVICE VERSION`" error="[^"]*/state.json: line [0-9]+'
check "and kept as it was" cmp "$WORK/damaged" "$STATE"/state.json.damaged-*
check_match "the way out is named" "$(cat "$AGENT_LOG")" \
	'level=error msg="nobody is served" service=shop error=".*`serin baseline shop VERSION` says so, of stable, canary"'
nobody_is_served "after the start"
check_match "why it is not ready" "$(jq -r .reason "$WORK/body")" '^service shop serves nobody: .*`serin baseline shop VERSION`'
check_equal "dropped" "$([ "$(metric serin_drops_total no_backend)" -ge 3 ] && echo yes)" yes
check_equal "shares" "$(of_service tea '[.versions[] | "\(.role) \(.weight)"]')" '["unknown 0","unknown 0"]'
check_equal "healthz" "$(api GET /healthz | jq -c '.canary.shop | [.baseline, .version]')" '[null,null]'
check_match "status" "$(serin status shop)" '^baseline unknown: nobody is served until `serin baseline shop VERSION`$'
check_match "and why" "$(serin status shop)" '^set at the start by the agent at .*: the state file was damaged, it is kept as '
check_match "an event" "$(serin events shop)" 'failed .*service shop serves nobody'
for change in "weight shop canary=5%" "rollback shop" "rollout shop start --blind" "explain shop 10.64.0.1"; do
	# shellcheck disable=SC2086 # several words
	check_match "serin $change" "$(serin $change 2>&1 || true)" '^serin: service shop serves nobody: .*`serin baseline shop VERSION`'
done
refused "weights" 409 baseline_unknown /v1/services/shop/weights -X PUT --data '{"weights": {"canary": "5%"}}'

kill_agent
launch
nobody_is_served "after another start"
sed -i 's/weight: 25%/weight: 30%/' "$CONFIG"
check "a reload" serin reload
nobody_is_served "after a reload"
stop_agent KILL
truncate -s 200 "$STATE/state.json"
launch
nobody_is_served "damaged again, with the plans of an agent that did not know either"
check_equal "kept, too" "$(find "$STATE" -name 'state.json.damaged-*' | wc -l)" 2

# ---- told ------------------------------------------------------------------------------------------------------------

generation=$(of_service shop .generation)
refused "no version of it" 404 unknown_version /v1/services/shop/baseline --data '{"version": "canari"}'
refused "no service" 404 unknown_service /v1/services/shp/baseline --data '{"version": "canary"}'
refused "stale" 409 generation_mismatch /v1/services/shop/baseline -H 'If-Match: "4000"' --data '{"version": "canary"}'
code=0
serin baseline shop >"$WORK/out" 2>&1 || code=$?
check_equal "wrong usage" $code 2
check_equal "still nobody" "$(of_service shop .baseline)" null
check_equal "told" "$(serin baseline shop canary --reason "as before")" "shop: stable 0%, canary 100%"
check_equal "in the file" "$(jq -c '.services.shop | [.baseline, .weights.canary, .changed.what]' "$STATE/state.json")" \
	'["canary",10000,"baseline"]'
check_equal "who and why" "$(of_service shop '.changed | "\(.by): \(.reason)"')" "uid 0: as before"
check_equal "a generation more" "$(of_service shop .generation)" $((generation + 1))
check_match "an event" "$(serin events shop)" 'weight .*shop: the baseline is canary: now stable 0%, canary 100%, before nobody was served'
load served -t $VIP:80 -s 10.64.0.1 -n 200 -N 200
check_equal "percent of connections to it" "$(share_of served canary)" 100
check_unharmed served 200
check_equal "the other one still waits" "$(of_service tea .baseline), $(answers http://localhost/readyz)" "null, 503"
refused "said twice" 409 baseline_known /v1/services/shop/baseline --data '{"version": "canary"}'
check_equal "the other one" "$(serin baseline tea stable)" "tea: stable 100%, canary 0%"
check "ready" wait_for 10 is_ready

# As after any other change
kill_agent
start_agent
check_equal "kept over a restart" "$(of_service shop .baseline) $(of_service tea .baseline)" "canary stable"
check_equal "weights may be set" "$(serin weight shop stable=20%)" "shop: stable 20%, canary 80%"
load after -t $VIP:80 -s 10.64.0.1 -n 1000 -N 1000
check_between "percent of connections to the version on trial" "$(share_of after stable)" 13 27
