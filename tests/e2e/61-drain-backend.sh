#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A backend is taken out by hand: its connections live on, its clients go elsewhere, nobody else moves, and it stays out
# over restarts and reloads until it is put back. The last one that takes a version's clients cannot be taken out.
# shellcheck source=tests/e2e/servers.sh
. "$(dirname "$0")/servers.sh"

SOURCES=2000

backends() { api GET /v1/services/shop | jq -c "[.versions[].backends[] | select($1).address]"; }
generation() { api GET /v1/services/shop | jq .generation; }

two_arm
start_servers
CANARY='"10.0.0.21:3000", "10.0.0.22:3000"' write_config 30%
start_agent
survey before
before=$(generation)

# ---- out -----------------------------------------------------------------------------------------------------------

start_load kept -t $VIP:80 -s 10.64.0.0 -n 200 -k 200 -i 50 -d 600
check_match "what it says" "$(serin backend shop 10.0.0.12:3000 drain --reason 'new disks')" \
	"^shop: 10\.0\.0\.12:3000 gets no new connections; those that are open stay until they end$"
check_equal "drained backends" "$(backends .drained)" '["10.0.0.12:3000"]'
check_match "status" "$(serin status shop)" "^ *10\.0\.0\.12:3000 +stable +drained "
check_match "an event says so" "$(serin events)" \
	"backend .*shop: backend 10\.0\.0\.12:3000 is drained: no new connections, those that are open live on"
check_match "with who and why" "$(api GET /v1/events | jq -c '.events[-1]')" '"by":"uid 0".*"reason":"new disks"'
check_equal "the generation" "$(generation)" "$before"
survey drained
check_equal "clients of the others that moved" "$(count before drained 'was != "stable-2" && is != was')" 0
check_equal "its clients that the other version got" "$(count before drained 'was == "stable-2" && is != "stable-1"')" 0
check_match "again changes nothing" "$(serin backend shop 10.0.0.12:3000 drain)" "^shop: 10\.0\.0\.12:3000 gets no"
check_equal "events" "$(api GET /v1/events | jq '[.events[] | select(.kind == "backend")] | length')" 1

# ---- it stays out --------------------------------------------------------------------------------------------------

stop_agent
start_agent
check_equal "drained after a restart" "$(backends .drained)" '["10.0.0.12:3000"]'
kill_agent
start_agent
sed -i 's/affinity: source/affinity: {ipv4: 32, ipv6: 56}/' "$CONFIG"
check_match "a reload" "$(serin reload)" "^~ affinity of shop"
check_equal "drained after a reload" "$(backends .drained)" '["10.0.0.12:3000"]'
survey later
check_equal "clients that moved meanwhile" "$(count drained later 'is != was')" 0

# ---- what is refused -----------------------------------------------------------------------------------------------

# WHAT-IT-SAYS ARGUMENT...
check_refused() {
	local code=0 said
	said=$(serin backend "${@:2}" 2>&1) || code=$?
	check_match "'serin backend ${*:2}' is refused" "$code $said" "^[12] serin: $1"
}
check_refused "10\.0\.0\.11:3000 is the last backend of version stable that takes clients, expected a share of 0% first" \
	shop 10.0.0.11:3000 drain
check_refused "service shop has no backend 10\.0\.0\.13:3000" shop 10.0.0.13:3000 drain
check_refused "'10\.0\.0\.11' is no backend's address, expected such as 10\.0\.0\.11:3000" shop 10.0.0.11 drain
check_refused "'down' is no state of a backend, expected drain or ready" shop 10.0.0.11:3000 down
check_refused ".*shap" shap 10.0.0.11:3000 drain
check "one of two canaries" serin backend shop 10.0.0.21:3000 drain
check_refused "10\.0\.0\.22:3000 is the last backend of version canary" shop 10.0.0.22:3000 drain
check "no share for the canary" serin weight shop canary=0%
check "then it may be" serin backend shop 10.0.0.22:3000 drain
code=0
said=$(serin weight shop canary=5% 2>&1) || code=$?
check_match "no share for a version that takes nobody" "$code $said" \
	"^1 serin: no backend of version canary takes clients, expected one that has a weight and is not drained"
check_equal "what is drained" "$(backends .drained)" '["10.0.0.12:3000","10.0.0.21:3000","10.0.0.22:3000"]'

# ---- back ----------------------------------------------------------------------------------------------------------

for address in 12 21 22; do
	check_match "back" "$(serin backend shop 10.0.0.$address:3000 ready)" "takes clients$"
done
check_equal "drained backends" "$(backends .drained)" '[]'
check "the share as before" serin weight shop canary=30%
survey back
check_equal "clients that are not where they were" "$(count before back 'is != was')" 0
kill "$LOAD_PID"
finish_load
check_unharmed kept 1000
check_no_drops
