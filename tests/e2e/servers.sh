# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Servers that begin and end one by one, what becomes of their backends, and which of them each client met.
#
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# HOST LAST-BYTE NAME [OPTIONS OF HTTPD]: the process in SERVER[NAME]
declare -A SERVER
serve() {
	start "$1" "$TOOLS/httpd" "${@:4}" "10.0.0.$2:3000=$3"
	SERVER[$3]=${PIDS[-1]}
	wait_for 5 on "$1" curl -sf -o /dev/null "http://10.0.0.$2:3000/" || fail "the server on $1 does not answer"
}

end_server() {
	kill -KILL "${SERVER[$1]}"
	wait "${SERVER[$1]}" 2>/dev/null || true
}

# KIND TEXT: when the last such event of shop happened, in ms since 1970
event_ms() {
	api GET "/v1/events?service=shop" | jq -r --arg kind "$1" --arg text "$2" \
		'[.events[] | select(.kind == $kind and (.text | test($text)))][-1].time // empty' |
		xargs -r -I T date -d T +%s%3N
}
now_ms() { date +%s%3N; }

# Backends of shop that take no clients
out() { api GET /v1/services/shop | jq -c '[.versions[].backends[] | select(.state != "up").address]'; }

# NAME: the first backend of every one of $SOURCES clients into $WORK/NAME
survey() {
	load "$1" -t $VIP:80 -s 10.64.0.0 -n "$SOURCES" -N "$SOURCES" -c 64 -o "$WORK/$1.record"
	check_unharmed "$1" "$SOURCES"
	sort "$WORK/$1.record" >"$WORK/$1"
}

# BEFORE AFTER AWK-CONDITION on the backends that a source met in the two surveys, `was` and `is`
count() { join "$WORK/$1" "$WORK/$2" | awk "{ was = \$2; is = \$3 } $3 { n++ } END { print n + 0 }"; }
