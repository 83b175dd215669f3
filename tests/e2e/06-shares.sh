#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Shares, counted with real connections from 50 000 different sources. 5 % must be 5 %; raising it to 15 % must move
# clients to the canary only, lowering it to 5 % must bring back just those.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

SOURCES=${SERIN_E2E_SOURCES:-50000}

# NAME: one connection from every source
survey() {
	load "$1" -t $VIP:80 -s 10.64.0.0 -n "$SOURCES" -N "$SOURCES" -c 128 -w 10000 -o "$WORK/$1.record"
	check_unharmed "$1" "$SOURCES"
	sort "$WORK/$1.record" >"$WORK/$1"
}

# BEFORE AFTER FROM TO: sources that met one version before, another after
moved() {
	join "$WORK/$1" "$WORK/$2" | awk -v from="$3" -v to="$4" '
		{ sub(/-.*/, "", $2); sub(/-.*/, "", $3) } $2 == from && $3 == to { n++ } END { print n + 0 }'
}

two_arm
start_servers
write_config 5%
start_agent
survey five
# Five standard errors of 50 000 draws of 5 %: 0.49 points. A right split fails once in two million runs.
check_between "share of the canary in percent" "$(share_of five canary)" 4.5 5.5
check_between "as the agent measures it" \
	"$(api GET /v1/services/shop | jq '.versions[] | select(.name == "canary").measured * 100')" 4.5 5.5

check "5 % becomes 15 %" serin weight shop canary=15%
survey fifteen
check_between "share of the canary in percent" "$(share_of fifteen canary)" 14.1 15.9
check_equal "clients moved from canary to stable" "$(moved five fifteen canary stable)" 0
check_between "clients moved from stable to canary" "$(moved five fifteen stable canary)" \
	$((SOURCES * 9 / 100)) $((SOURCES * 11 / 100))

check "15 % becomes 5 %" serin weight shop canary=5%
survey again
check_equal "clients moved from stable to canary" "$(moved fifteen again stable canary)" 0
check_equal "clients that are not where they were at 5 %" "$(join "$WORK/five" "$WORK/again" | awk '$2 != $3' | wc -l)" 0
