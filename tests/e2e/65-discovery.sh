#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Backends by name and from a file: they come and go under load without a failed request; a name that stops resolving and a
# file with garbage keep the last list and say so, over a restart of the agent too.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

command -v dnsmasq >/dev/null || skip "dnsmasq is missing (Debian package dnsmasq-base)"
NAME=canary.shop.internal
echo "nameserver 127.0.0.1" >"$WORK/resolv.conf"
AGENT_OPTIONS="--resolv-conf $WORK/resolv.conf"

# ADDRESS...: what the name stands for from now on
records() {
	for address; do echo "$address $NAME"; done >"$WORK/hosts"
	[ -z "${DNS:-}" ] || kill -HUP "$DNS"
}
start_dns() {
	start lb dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --addn-hosts="$WORK/hosts" --port=53 \
		--listen-address=127.0.0.1 --bind-interfaces --local-ttl=1 --user=root --pid-file= --log-facility="$WORK/dns.log"
	DNS=${PIDS[-1]}
	sleep 0.3
}
# JSON: the file from now on, by rename
list() { echo "$1" >"$WORK/list.new" && mv "$WORK/list.new" "$WORK/stable.json"; }
backends() {
	api GET /v1/services/shop | jq -c "[.versions[] | select(.name == \"$1\").backends[] | select(.leaving | not).address] | sort"
}
has_backends() { [ "$(backends "$1")" = "$2" ]; }
has_event() {
	[ "$(api GET /v1/events | jq --arg text "$1" '[.events[] | select(.text | test($text))] | length')" -ge "${2:-1}" ]
}

source_of() { api GET /v1/services/shop | jq -r ".versions[] | select(.name == \"$1\").source | $2"; }
says() { serin status shop >"$WORK/status" && grep -Eq "$1" "$WORK/status"; }

two_arm
start_servers
records 10.0.0.21
start_dns
list '["10.0.0.11:3000"]'
write_top
cat >>"$CONFIG" <<YAML
  - name: shop
    listen: "$VIP:80/tcp"
    drain_timeout: 1s
    baseline: stable
    versions:
      stable: {file: $WORK/stable.json}
      canary: {dns: {name: $NAME, port: 3000, every: 1s}, weight: 50%}
YAML
start_agent
check_equal "stable at first" "$(backends stable)" '["10.0.0.11:3000"]'
check_equal "canary at first" "$(backends canary)" '["10.0.0.21:3000"]'

check_equal "where stable comes from" "$(source_of stable '[.kind, .name, .addresses, .ok] | join(" ")')" "file $WORK/stable.json 1 true"
check_equal "and canary" "$(source_of canary '[.kind, .name, .addresses, .ok] | join(" ")')" "dns $NAME 1 true"
check_between "the answer's age" "$(source_of canary .age_seconds)" 0 3
check "status says it" says "^canary from $NAME: 1 address, asked [0-9] s ago\$"
check "of the file, too" says "^stable from $WORK/stable.json: 1 address, read [0-9]+ s ago\$"

# ---- under load ----------------------------------------------------------------------------------------------------

start_load running -t $VIP:80 -s 10.64.0.0 -n 500 -f 500 -d 60
records 10.0.0.21 10.0.0.22
check "a second address" wait_for 5 has_backends canary '["10.0.0.21:3000","10.0.0.22:3000"]'
list '[{"address": "10.0.0.11:3000", "weight": 2}, "10.0.0.12:3000"]'
check "a second line" wait_for 5 has_backends stable '["10.0.0.11:3000","10.0.0.12:3000"]'
records 10.0.0.22
check "the first one has gone" wait_for 5 has_backends canary '["10.0.0.22:3000"]'
check "an event says so" has_event '\+ backend 10.0.0.22:3000 of shop/canary'

records
check "no address: the last one is kept, and that is said" wait_for 5 has_event "$NAME.*keeps the last 1 address"
check_equal "canary" "$(backends canary)" '["10.0.0.22:3000"]'
check_equal "and in the API" "$(source_of canary '[.addresses, .ok] | join(" ")')" "1 false"
check "and in the status" says "^canary from $NAME: .* for [0-9]+ s: keeps the last 1 address\$"
list '["10.0.0.11:3000", "10.0.0.12:3000"'
check "garbage in the file: kept, and said" wait_for 5 has_event "stable.json:[12]:[0-9]+: "
check_equal "stable" "$(backends stable)" '["10.0.0.11:3000","10.0.0.12:3000"]'
check "the status says where it is wrong" says "^stable from $WORK/stable.json:[12]:[0-9]+: .*: keeps the last 2 addresses\$"
list '["10.0.0.11:3000", "10.0.0.22:3000"]'
check "a backend of the other version in the file: kept, and said" wait_for 5 says \
	"^stable from $WORK/stable.json: .*10.0.0.22:3000.* version 'canary', .*: keeps the 2 backends from before\$"
check_equal "in the API" "$(source_of stable .ok)" false
sleep 6 # it is tried again, and said once
check_equal "events about it" "$(api GET /v1/events | jq '[.events[] | select(.kind == "failed")] | length')" 1
check_equal "stable is as it was" "$(backends stable)" '["10.0.0.11:3000","10.0.0.12:3000"]'
list '["10.0.0.11:3000", "10.0.0.12:3000"]'
check "good again" wait_for 8 says "^stable from $WORK/stable.json: 2 addresses, read [0-9]+ s ago\$"
for i in {1..100}; do
	if [ $((i % 2)) = 0 ]; then list '["10.0.0.11:3000", "10.0.0.12:3000"]'; else list '["10.0.0.12:3000"]'; fi
	sleep 0.02
done
check "after 100 replacements the last one holds" wait_for 5 has_backends stable '["10.0.0.11:3000","10.0.0.12:3000"]'
kill -KILL "$DNS"
wait "$DNS" 2>/dev/null || true
DNS=
check "a dead server: kept, and said" wait_for 15 has_event "$NAME.*(timeout|refused|no answer)"
stop_agent
start_agent
check_equal "canary after a restart without DNS" "$(backends canary)" '["10.0.0.22:3000"]'
check "it says that these are kept" wait_for 15 says \
	"^canary from $NAME: no answer .* for [0-9]+ s: has given no addresses yet, the running 1 backend is kept\$"
check_equal "the API, too: no answer, none bad or good before" \
	"$(source_of canary '[.addresses, .age_seconds, .ok] | map(tostring) | join(" ")')" "0 null false"
records 10.0.0.21 10.0.0.22
start_dns
check "DNS is back" wait_for 20 has_backends canary '["10.0.0.21:3000","10.0.0.22:3000"]'
kill "$LOAD_PID"
finish_load
check_unharmed running 2000
check_no_drops
