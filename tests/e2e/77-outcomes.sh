#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# An application whose answers say nothing, inside TLS or because all of them are 200, tells the agent itself how its clients'
# requests went. That makes a start without --blind possible, what fails with both versions is no evidence, a version that
# fails more is rolled back for it, and one that fails less is shown to be healthy; whoever was not drawn for a version counts
# for nothing there, nor does anybody twice.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x /usr/bin/python3 ] || skip "python3 is missing (Debian package python3)"

CLIENTS=800
declare -A SERVERS # of each version: its host and address

# HOST LAST-BYTE VERSION
serve() {
	start "$1" /usr/bin/python3 "$REPO/tests/e2e/tools/application.py" "$3-1" "$3" shop "10.0.0.$2" 3000 "$SOCKET" \
		"$WORK/$3.percent" 2>>"$WORK/refused"
	wait_for 10 on "$1" bash -c "exec 3<>/dev/tcp/10.0.0.$2/3000" || fail "the server on $1 does not answer"
	SERVERS[$3]="$1 10.0.0.$2"
}
# HOST ADDRESS PERCENT: it goes by that, and has reported all that went by another
goes_by() { [ "$(on "$1" curl -sf "http://$2:3000/percent")" = "$3" ]; }
# VERSION PERCENT: so many of its clients fail when this is over
fails() {
	local server
	echo "$2" >"$WORK/$1.new"
	mv "$WORK/$1.new" "$WORK/$1.percent"
	read -ra server <<<"${SERVERS[$1]:-}"
	[ ${#server[@]} -eq 0 ] || wait_for 10 goes_by "${server[@]}" "$2" || fail "$1 does not fail as it was told"
}

of_rollout() { api GET /v1/services/shop | jq -r ".rollout.$1"; }
is_state() { [ "$(of_rollout state)" = "$1" ]; }
found() { [ "$(api GET /v1/services/shop/why | jq -r .arithmetic.finding)" = "$1" ]; }
# ROLE: clients of whom the judge has seen a failure; by CHECK, outcomes if not said
clients_failed() {
	api GET /v1/services/shop/why |
		jq -r ".arithmetic.checks.${2:-outcomes}.rollout.streams | [.[].$1] | add"
}
saw_failures() { [ "$(clients_failed trial)" -ge "$1" ] && [ "$(clients_failed baseline)" -ge "$2" ]; }
is_heard() { [ "$(opened)" -ge 100 ]; }
opened() { api GET /v1/services/shop | jq '[.versions[].opened] | add'; }
outcome() { api POST /v1/services/shop/outcomes "$1" | jq -c '.taken // .error.code'; }
# VERSION: the first client whom the draw has given to it, and who has never been there; other addresses than the load's
client_of() {
	local byte
	for byte in {1..99}; do
		serin explain shop "10.66.0.$byte" -o json | jq -er "select(.version == \"$1\") | .address" && return
	done
}

two_arm
fails stable 0
fails canary 0
serve s1 11 stable
serve c1 21 canary
FORWARD=gateway STABLE='"10.0.0.11:3000"' CANARY='"10.0.0.21:3000"' SERVICE='protocol: tcp
health: off
rollout: {steps: [{weight: 20%, for: 10m}, {weight: 100%}], judge: {latency: off, health: {objective: 5%}}}' write_config 0%
start_agent
check_match "nothing is seen of answers: a start wants more" "$(serin rollout shop start 2>&1 || true)" \
	'^serin: protocol tcp: .*, expected outcomes, .*--blind to start all the same$'

# ---- both fail alike -------------------------------------------------------------------------------------------------

fails stable 10
fails canary 10
start_load traffic -t $VIP:80 -s 10.64.0.1 -n $CLIENTS -f 200 -d 120
check "the application is heard" wait_for 10 is_heard
check_match "now it needs no --blind" "$(serin rollout shop start --release r1)" '^shop: canary \(r1\) progressing'
check "failed clients of both" wait_for 20 saw_failures 3 15
sleep 3
check_equal "nothing is held against the version on trial" "$(of_rollout state)" progressing
check_equal "in packets nothing has failed" "$(clients_failed trial errors) $(clients_failed baseline errors)" "0 0"
check_between "clients of the version on trial, no more than were drawn" "$(clients_failed trial)" 3 40

# ---- who does not count ----------------------------------------------------------------------------------------------

stranger=$(client_of stable)
before=$(clients_failed trial)
many=$(jq -nc "[range(500) | {version: \"canary\", client: \"$stranger\", failed: true}]")
check_equal "a client of the other version: taken" "$(outcome "$many")" 500
own=$(client_of canary)
many=$(jq -nc "[range(500) | {version: \"canary\", client: \"$own\", failed: true}]")
check_equal "one of its own, 500 times: taken" "$(outcome "$many")" 500
seen_one_more() { [ "$(clients_failed trial)" -gt "$before" ]; }
check "the judge has seen it" wait_for 5 seen_one_more
check_between "clients of the version on trial that failed since" $(($(clients_failed trial) - before)) 1 3
check_equal "and goes on" "$(of_rollout state)" progressing

# ---- a version that fails, in the application's eyes alone -----------------------------------------------------------

fails canary 60
check "it is rolled back" wait_for 20 is_state rolled_back
check_equal "because of" "$(of_rollout cause)" outcomes
check_equal "by" "$(of_rollout by)" agent
check_match "in words" "$(serin status shop)" '^rollout  canary \(r1\) rolled back by the agent: outcomes: '
check_equal "counted" "$(metric serin_rollbacks_total 'reason="outcomes"')" 1
check_equal "no packet has shown it" "$(metric serin_connection_failures_total)" 0
fails canary 0
before=$(api GET /v1/services/shop | jq '.versions[] | select(.name == "canary").opened')
sleep 1
check_equal "new connections of it since then" \
	"$(($(api GET /v1/services/shop | jq '.versions[] | select(.name == "canary").opened') - before))" 0

# ---- a baseline that is worse ----------------------------------------------------------------------------------------

fails stable 60
check_match "once more" "$(serin rollout shop retry --release r2)" '^shop: canary \(r2\) progressing'
check "it is healthy" wait_for 20 found healthy
check_equal "the application shows it by what fails with the baseline" \
	"$(api GET /v1/services/shop/why | jq '.arithmetic.checks.outcomes | .rollout.health.reached or .epoch.health.reached')" true
check_equal "and goes on" "$(of_rollout state)" progressing
check_equal "its failed clients" "$(clients_failed trial)" 0
check_between "the baseline's" "$(clients_failed baseline)" 20 $CLIENTS

kill "$LOAD_PID"
finish_load
check_unharmed traffic 1000
check_equal "batches that the agent did not take" "$(cat "$WORK/refused")" ""
