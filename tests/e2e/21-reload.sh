#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The configuration changes under load, and `serin reload` (or SIGHUP) applies it: backends, versions, services and
# weights come and go, what is wrong with a file is said with its place and changes nothing, and 50 reloads in a row cost
# nobody a request. Connections to what was removed live on. A reload that the kernel stops half-way is taken back.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

C1='"10.0.0.21:3000"' C2='"10.0.0.22:3000"'

# SHARE [MORE LINES AT THE TOP]: CANARY and FORWARD as for write_config; API=yes adds a second service on port 81
configure() {
	write_config "$@"
	[ -z "${API:-}" ] || cat >>"$CONFIG" <<-YAML
		  - name: api
		    listen: ["$VIP:81/tcp"]
		    versions: {one: {backends: ["10.0.0.12:3000"]}}
	YAML
}

generation() { api GET /v1/services/shop | jq .generation; }

# YAML: rules for the service shop
rule() { sed -i "/^    affinity:/a\\    rules: [$1]" "$CONFIG"; }
rules_in_kernel() { bpftool -j map dump pinned "$PINS/rules" | jq length; }

# WHAT REGEXP...: it is applied, and says every one of these
reload() {
	local what=$1 status=0 said
	shift
	said=$(serin reload 2>&1) || status=$?
	check_equal "$what: exit code" $status 0
	for line; do check_match "$what: says $line" "$said" "$line"; done
}

# WHAT REGEXP [SED-EXPRESSION on the good file]: refused with that, and nothing is changed
refused() {
	local before after status=0 said
	before=$(api GET /v1/services | jq -c '[.services[] | {name, generation, listen, w: [.versions[].weight]}]')
	if [ $# -gt 2 ]; then
		cp "$CONFIG" "$WORK/good.yaml"
		sed -i -E "$3" "$CONFIG"
	fi
	said=$(serin reload 2>&1) || status=$?
	[ $# -le 2 ] || cp "$WORK/good.yaml" "$CONFIG"
	check_equal "$1: exit code" $status 1
	check_match "$1: says where, what and what was expected" "$said" "^serin: $CONFIG:$2"
	after=$(api GET /v1/services | jq -c '[.services[] | {name, generation, listen, w: [.versions[].weight]}]')
	check_equal "$1: services afterwards" "$after" "$before"
}

# NAME: 300 new clients, once each
survey() {
	load "$1" -t "$VIP:80" -s 10.64.100.0 -n 300 -N 300 -c 50
	check_unharmed "$1" 300
}

connections_to() { of_load "$1" ".backends[\"$2\"].connections // 0"; }

two_arm
start_servers
CANARY=$C1 configure 40%
start_agent
start_load busy -t $VIP:80 -s 10.64.0.0 -n 20000 -k 200 -i 100 -f 100 -d 150
BUSY=$LOAD_PID

reload "the same file" "^nothing to do"

CANARY="$C1, $C2" configure 40%
first=$(generation)
said=$(serin reload --dry-run)
check_match "dry run: says what would be changed" "$said" "^\+ backend 10.0.0.22:3000 of shop/canary$"
check_equal "dry run: generation" "$(generation)" "$first"
reload "a backend more" "^\+ backend 10.0.0.22:3000 of shop/canary$" "^applied$"
check_equal "a backend more: generation" "$(generation)" $((first + 1))
survey more
check_between "connections to the new backend" "$(connections_to more canary-2)" 30 100

CANARY=$C2 configure 40%
reload "a backend less" "^- backend 10.0.0.21:3000 of shop/canary \(draining\)$"
survey less
check_equal "connections to the removed backend" "$(connections_to less canary-1)" 0
check_equal "the removed backend is leaving" "$(api GET /v1/services/shop |
	jq -c '[.versions[].backends[] | select(.address == "10.0.0.21:3000").leaving]')" "[true]"

CANARY=$C2 configure 20% "timeouts: {closed: 20s}"
reload "a weight and a timeout" "^~ weight of shop/canary: 40% -> 20%$" "^~ timeouts.closed: 10s -> 20s$"
check_equal "weight of the canary" "$(weight_of canary)" 2000

# A service comes and goes; connections to it outlive it.
CANARY=$C2 API=yes configure 10%
sed -i "s/$VIP:81/203.0.113.77:81/" "$CONFIG"
check_match "an address that nobody here has is noted" "$(serin reload --dry-run)" \
	"^= 203.0.113.77 of api is none of this host's addresses: "
CANARY=$C2 API=yes configure 10%
reload "a service more" "^\+ service api: forward nat, affinity source$" "^\+ listener $VIP:81/tcp of api$"
check_match "the new service answers" "$(fetch "http://$VIP:81/")" "^stable-2 "
start_load outlived -t $VIP:81 -s 10.64.50.0 -n 100 -k 100 -i 50 -d 6
CANARY=$C2 configure 10%
reload "a service less" "^- service api$"
status=0
on client curl -s -o /dev/null --max-time 3 "http://$VIP:81/" || status=$?
check_equal "its port is the host's again (curl's status)" $status 7
finish_load
check_unharmed outlived 5000
check_equal "services" "$(api GET /v1/services | jq -c '[.services[].name]')" '["shop"]'

# A version goes: its share falls to the baseline.
CANARY=$C2 configure 10%
sed -i '/^      canary:/d' "$CONFIG"
reload "a version less" "^- version canary of shop$" "^- backend 10.0.0.22:3000 of shop/canary \(draining\)$"
survey baseline
check_equal "share of the canary" "$(share_of baseline canary)" 0
CANARY="$C1, $C2" configure 40%
reload "the version again" "^\+ version canary of shop: weight 40%$"
check_equal "weight of the canary" "$(weight_of canary)" 4000

# Clients that are placed. The rules of before leave the kernel with the plan that asked them.
rule "{from: 10.64.100.0/23, version: canary}, {from: 10.7.0.0/16, version: stable}"
reload "rules" "^~ rules of shop: 0 -> 2$"
survey placed
check_equal "share of the canary" "$(share_of placed canary)" 100
CANARY="$C1, $C2" configure 40%
rule "{from: 10.64.100.0/23, version: stable}, {from: 10.7.0.0/16, version: stable}"
reload "other rules" "^~ rules of shop: 2, others than before$"
survey replaced
check_equal "share of the canary" "$(share_of replaced canary)" 0
check_equal "rules in the kernel" "$(rules_in_kernel)" 2
refused "a rule for nobody" "9:.*canarx.*, expected " 's/10.7.0.0.16, version: stable/10.7.0.0\/16, version: canarx/'
check_equal "rules in the kernel" "$(rules_in_kernel)" 2
CANARY="$C1, $C2" configure 40%
reload "no rules" "^~ rules of shop: 2 -> 0$"
check_equal "rules in the kernel" "$(rules_in_kernel)" 0

# Nothing of this is applied.
refused "not YAML" "7:5: " 's/listen: \[/listen: [[/'
refused "unknown key" "2:1: unknown key 'htpp' .*, expected " 's/^http:/htpp:/'
refused "no such version" "9:15: baseline 'stabel' is no version .*, expected " 's/baseline: stable/baseline: stabel/'
refused "flows" "3:8: flows changes from 262144 to 1024, .*expected 262144 " '2s/$/\nflows: 1024/'
now=${ATTACH:-auto} other=xdp
[ "$now" != xdp ] || other=tc
refused "attach" "3:9: attach changes from $now to $other, .*expected $now " "/^attach:/d;2s/\$/\nattach: $other/"
refused "interfaces" "1:14: interfaces: back is gone, .*expected front, back " 's/, back\]/]/'
refused "http" "2:16: http.listen changes from off to 127.0.0.1:9477, .*expected off " \
	's/http: off/http: {listen: "127.0.0.1:9477"}/'
refused "SNAT ports" "3:15: snat.ports changes from 1024-32767 to 1024-2048, .*expected 1024-32767 " \
	'2s/$/\nsnat: {ports: 1024-2048}/'
refused "SNAT addresses" "3:19: snat.addresses changes from those that the host would use to 10.0.0.1, .*expected " \
	'2s/$/\nsnat: {addresses: [10.0.0.1]}/'
refused "forward" "7:14: forward of service shop is gateway, was nat .*, expected nat" 's/forward: nat/forward: gateway/'
sed -E -e '/^      stable:/d' -e 's/baseline: stable/baseline: canary/' -e 's/, weight: 40%//' -i "$CONFIG"
status=0
said=$(serin reload 2>&1) || status=$?
check_equal "the baseline is gone: exit code" $status 1
check_match "the baseline is gone: says why" "$said" "service shop has no version stable any more, .*60%.*, expected "
mv "$CONFIG" "$CONFIG.away"
status=0
said=$(serin reload 2>&1) || status=$?
check_equal "no file: exit code" $status 1
check_match "no file: says so" "$said" "$CONFIG: No such file"
check_equal "weight of the canary" "$(weight_of canary)" 4000

CANARY="$C1, $C2" configure 45%
chown 65534 "$CONFIG"
chmod 600 "$CONFIG"
refused "a file that the agent may not read" " Permission denied, expected a file that can be read"
rm "$CONFIG"
check_match "the API wants true or false" "$(api POST /v1/reload '{"check": 1}')" '"check.* is neither true nor false'
check_match "the API knows its keys" "$(api POST /v1/reload '{"chekc": true}')" 'unknown key .*chekc'

CANARY=$C1 configure 30%
kill -HUP "$AGENT_PID"
check "SIGHUP reloads" wait_for 5 grep -q 'msg=reloaded by=SIGHUP changes=2 ' "$AGENT_LOG"
check_equal "weight of the canary" "$(weight_of canary)" 3000

# 50 in a row.
applied=0
start=$(date +%s%3N)
for i in $(seq 1 50); do
	case $((i % 4)) in
	0) CANARY="$C1, $C2" API=yes configure 30% ;;
	1) CANARY=$C2 API=yes configure 20% ;;
	2) CANARY="$C1, {address: $C2, weight: 2}" configure 20% ;;
	3) CANARY=$C1 configure 50% ;;
	esac
	said=$(serin reload 2>&1) && grep -q '^applied$' <<<"$said" && applied=$((applied + 1))
done
note "50 reloads took $(($(date +%s%3N) - start)) ms"
check_equal "reloads that were applied, of 50" $applied 50

CANARY=$C1 configure 40%
serin reload >/dev/null
serin weight shop canary=50% >/dev/null
CANARY=$C1 configure 10%
reload "a weight that was set by hand" "^~ weight of shop/canary: 40% -> 10%$" \
	"^= weights of shop stay as set \(weights by uid 0\): stable 50%, canary 50%$"
check_equal "weight of the canary" "$(weight_of canary)" 5000

# The kernel refuses a change half-way: a frozen map takes no more of them.
bpftool map freeze pinned "$PINS/listeners"
before=$(api GET /v1/services/shop | jq -c '[.versions[].weight]')
CANARY=$C2 API=yes configure 20%
rule "{from: 10.64.0.0/16, version: canary}"
status=0
said=$(serin reload 2>&1) || status=$?
check_equal "stopped half-way: exit code" $status 1
check_match "stopped half-way: says so" "$said" "cannot write the listeners .*; the changes made before it were taken back$"
check_equal "stopped half-way: weights" "$(api GET /v1/services/shop | jq -c '[.versions[].weight]')" "$before"
survey back
check_equal "stopped half-way: rules in the kernel" "$(rules_in_kernel)" 0
check_equal "stopped half-way: connections to what was not added" "$(connections_to back canary-2)" 0
check_between "stopped half-way: share of the canary" "$(share_of back canary)" 38 62

kill "$BUSY"
LOAD_PID=$BUSY
finish_load
check_unharmed busy 20000
