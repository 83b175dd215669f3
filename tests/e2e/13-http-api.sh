#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The HTTP API over TCP. Reading is open; a change needs the token of the file, and without a token file there are no
# changes at all. What is wrong is refused with a code and changes nothing.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

TOKEN=0123456789abcdef0123456789abcdef
URL=http://127.0.0.1:9477

# CURL-ARGUMENTS...: the status, and the body in $WORK/body, its header in $WORK/header
ask() { on lb curl -sS --max-time 5 -o "$WORK/body" -D "$WORK/header" -w '%{http_code}' "$@"; }
error_code() { jq -r .error.code "$WORK/body"; }

# WHAT STATUS CODE CURL-ARGUMENTS...
refused() {
	local what=$1 status=$2 code=$3
	shift 3
	check_equal "$what: status" "$(ask "$@")" "$status"
	check_equal "$what: code" "$(error_code)" "$code"
}

put() { printf '%s\n' -X PUT -H "Content-Type: application/json" --data "$1" "$URL/v1/services/${2:-shop}/weights"; }

two_arm
start_servers
printf '%s\n' $TOKEN >"$WORK/token"
chmod 600 "$WORK/token"
HTTP="{listen: \"127.0.0.1:9477\", token_file: $WORK/token}" write_config 25%
start_agent
load some -t $VIP:80 -s 10.64.0.1 -n 100 -N 100

check_equal "GET /healthz" "$(ask $URL/healthz)" 200
check_equal "GET /readyz" "$(ask $URL/readyz)" 200
check_equal "GET /v1/services" "$(ask $URL/v1/services)" 200
check_equal "of versions alone" "$(ask "$URL/v1/services?backends=no")" 200
check_equal "they are without backends" "$(jq -c '[.services[].versions[] | has("backends")]' "$WORK/body")" '[false,false]'
refused "backends=maybe" 400 bad_request "$URL/v1/services?backends=maybe"
check_equal "GET /v1/services" "$(ask $URL/v1/services)" 200
check_equal "names of the services" "$(jq -r '[.services[].name] | join(" ")' "$WORK/body")" shop
check_equal "GET /v1/services/shop" "$(ask $URL/v1/services/shop)" 200
check_match "its generation is the ETag" "$(cat "$WORK/header")" '^(ETag|Etag|etag): "1"'
check_equal "GET /metrics" "$(ask $URL/metrics)" 200
check_equal "connections in the metrics" \
	"$(awk '/^serin_connections_total[{ ]/ { n += $2 } END { print n + 0 }' "$WORK/body")" 100

mapfile -t change < <(put '{"weights": {"canary": "40%"}}')
refused "a change without a token" 401 token_required "${change[@]}"
refused "with a wrong token" 401 token_required -H "Authorization: Bearer ${TOKEN}x" "${change[@]}"
check_equal "weight after that" "$(weight_of canary)" 2500
AUTH=(-H "Authorization: Bearer $TOKEN")
check_equal "with the token" "$(ask "${AUTH[@]}" "${change[@]}")" 200
check_equal "weight after that" "$(weight_of canary)" 4000
check_equal "who changed it" "$(jq -r .changed.by "$WORK/body")" token

mapfile -t change < <(put '{"weights": {"canary": "5x"}}')
refused "no share" 400 bad_request "${AUTH[@]}" "${change[@]}"
mapfile -t change < <(put '{"weights": {"canary": "60%", "stable": "60%"}}')
refused "more than all" 400 bad_request "${AUTH[@]}" "${change[@]}"
mapfile -t change < <(put '{"weights": ')
refused "no JSON" 400 bad_request "${AUTH[@]}" "${change[@]}"
mapfile -t change < <(put '{"wieghts": {"canary": "5%"}}')
refused "unknown key" 400 bad_request "${AUTH[@]}" "${change[@]}"
mapfile -t change < <(put '{"weights": {"canari": "5%"}}')
refused "unknown version" 404 unknown_version "${AUTH[@]}" "${change[@]}"
mapfile -t change < <(put '{"weights": {"canary": "5%"}}' shp)
refused "unknown service" 404 unknown_service "${AUTH[@]}" "${change[@]}"
post() { ask "${AUTH[@]}" -H "Content-Type: application/json" --data "$1" "$URL/v1/services/$2"; }
# ROUTE BODY CODE: whom it names there is not
names_nobody() {
	check_equal "$1: status" "$(post "$2" "shop/$1")" 404
	check_equal "$1: code" "$(error_code)" "$3"
	check_equal "$1 of no service: status" "$(post "$2" "shp/$1")" 404
	check_equal "$1 of no service: code" "$(error_code)" unknown_service
}
names_nobody rollout '{"action": "start", "version": "canari"}' unknown_version
names_nobody outcomes '[{"version": "canari", "client": "a", "failed": true}]' unknown_version
names_nobody backend '{"address": "10.0.0.99:3000", "state": "drain"}' unknown_backend
refused "connections of no version" 404 unknown_version "$URL/v1/services/shop/flows?version=canari"
for route in "" /flows /history /why "/explain?address=10.64.0.1"; do
	refused "GET $route of no service" 404 unknown_service "$URL/v1/services/shp$route"
done
refused "POST rollback of no service" 404 unknown_service "${AUTH[@]}" -X POST $URL/v1/services/shp/rollback
mapfile -t change < <(put '{"weights": {"canary": "5%"}}')
refused "stale If-Match" 409 generation_mismatch "${AUTH[@]}" -H 'If-Match: "1"' "${change[@]}"
refused "unknown path" 404 not_found $URL/v2
refused "wrong method" 405 method_not_allowed "${AUTH[@]}" -X DELETE $URL/v1/services/shop
check_match "wrong method: Allow" "$(cat "$WORK/header")" '^[Aa]llow: .*GET'
head -c 100000 /dev/zero | tr '\0' ' ' >"$WORK/large"
refused "too large" 413 too_large "${AUTH[@]}" -H Expect: -X PUT -H "Content-Type: application/json" \
	--data-binary "@$WORK/large" $URL/v1/services/shop/weights
check_equal "weight after all of that" "$(weight_of canary)" 4000
check_equal "fresh If-Match" "$(ask "${AUTH[@]}" -H 'If-Match: "2"' "${change[@]}")" 200
check_equal "weight after that" "$(weight_of canary)" 500

refused "rollback without a token" 401 token_required -X POST $URL/v1/services/shop/rollback
check_equal "rollback with the token" "$(ask "${AUTH[@]}" -X POST $URL/v1/services/shop/rollback)" 200
check_equal "weight after that" "$(weight_of canary)" 0
load none -t $VIP:80 -s 10.64.0.1 -n 200 -N 200
check_equal "percent of new connections to the canary" "$(share_of none canary)" 0

stop_agent
HTTP='{listen: "127.0.0.1:9477"}' write_config 25%
start_agent
check_equal "without a token file: GET" "$(ask $URL/v1/services)" 200
refused "without a token file: a change" 403 changes_disabled "${AUTH[@]}" "${change[@]}"
check_equal "weight after that, kept over the restart" "$(weight_of canary)" 0
