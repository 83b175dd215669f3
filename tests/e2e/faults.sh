# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Backends that go wrong when they are asked to (tools/faults.py), a client that counts for itself (tools/count.py), and
# what serin says beside what these two say: counts have to be the same, every one of them.

TOOLS_SOURCE=$REPO/tests/e2e/tools
[ -x /usr/bin/python3 ] || skip "python3 is missing (Debian package python3)"

ROUND=0
declare -A TARGET_OF=() RESULTS_OF=() WIRE_PIDS=()

# HOST NAME [healthy] [greeting] ADDRESS:PORT...: what it did is in $WORK/NAME.log
start_backend() {
	local host=$1 name=$2 place=${*: -1}
	shift 2
	start "$host" /usr/bin/python3 "$TOOLS_SOURCE/faults.py" "$name" "$WORK/$name.log" "$@"
	wait_for 10 on "$host" bash -c "exec 3<>/dev/tcp/$(tr -d '[]' <<<"${place%:*}")/${place##*:}" ||
		fail "$name does not listen"
}

# NAME DID: how often a backend did that
did() { grep -c "\"did\": \"$2\"" "$WORK/$1.log" || true; }

# NAME PORT PROTOCOL CANARY [STABLE]: half of the clients each; from the environment what write_service takes, and MORE,
# lines of it
write_faulty() {
	local vip=$VIP net=10.0.0.11:3000
	if [ "${FAMILY:-4}" = 6 ]; then vip="[$VIP6]" net="[2001:db8:2::11]:3000"; fi
	TARGET_OF[$1]=$vip:$2
	LISTEN="\"$vip:$2/tcp\"" SERVICE="protocol: $3"$'\nhealth: off'"${MORE:+$'\n'$MORE}" CANARY="\"$4\"" STABLE="\"${5:-$net}\"" \
		write_service "$1" 50%
}

# NAME OPTIONS AND STEPS...: see tools/count.py; its counts are in $WORK/NAME.json
count() {
	local name=$1
	shift
	on client /usr/bin/python3 "$TOOLS_SOURCE/count.py" "$@" >"$WORK/$name.json" || fail "$name: the client failed"
}

of_count() { jq -r "$2" "$WORK/$1.json"; }

# SERVICE: what is compared later begins here
mark() { api GET "/v1/services/$1" >"$WORK/$1.mark"; }

# SERVICE NAME STEPS...: three connections each from 40 clients that nobody has met before, or as OPTIONS and CLIENTS
# (the first address) say
ask() {
	local service=$1 name=$2
	shift 2
	ROUND=$((ROUND + 1))
	mark "$service"
	RESULTS_OF[$service]+=" $WORK/$name.json"
	# shellcheck disable=SC2086 # as many words as there are options
	count "$name" -t "${TARGET_OF[$service]}" -s "${CLIENTS:-10.64.$ROUND.0}" ${OPTIONS:--n 40 -c 3} "$@"
}

# JQ [OPTIONS]: what cannot be read is equal to nothing
figures() {
	jq -r -L "$TOOLS_SOURCE" "include \"figures\"; $1" "${@:2}" 2>"$WORK/jq.err" ||
		echo "$BASHPID: $(tail -n 1 "$WORK/jq.err")"
}

# WIRE'S NAME HOST LAST-BYTE WORDS...: a new backend's host behind a wire that is not faithful, see tools/wire.py
add_bad_wire() {
	local name=$1 host=$2 byte=$3
	shift 3
	add_host "$host"
	start switch /usr/bin/python3 "$TOOLS_SOURCE/wire.py" "$WORK/$name.json" "$RUN-switch" "$host" "$RUN-$host" eth0 "$@"
	WIRE_PIDS[$name]=${PIDS[-1]}
	wait_for 10 ip -n "$RUN-$host" link show dev eth0 || fail "wire $name is not there"
	ip -n "$RUN-switch" link set "$host" master br0 up
	ip -n "$RUN-$host" link set eth0 up
	add_addresses "$host" eth0 "10.0.0.$byte/24"
	ip -n "$RUN-$host" route add default via 10.0.0.1
	know lb back "10.0.0.$byte" "$host" eth0
	know "$host" eth0 10.0.0.1 lb back
}

# WIRE'S NAME: takes it away; what it has done is in $WORK/NAME.json
end_wire() {
	kill "${WIRE_PIDS[$1]}"
	wait "${WIRE_PIDS[$1]}" || fail "wire $1 failed"
}

# SERVICE VERSION: what serin has counted since the mark
said() {
	api GET "/v1/services/$1" | figures ". as \$now | \$mark[0] | said(\$version) as \$before |
		\$now | said(\$version) | minus(\$before) | words" --slurpfile mark "$WORK/$1.mark" --arg version "$2"
}

# SERVICE VERSION JQ: of its window
of_window() { api GET "/v1/services/$1" | jq -r ".versions[] | select(.name == \"$2\").window | $3"; }

is_http() { jq '[.versions[].http] | any' "$WORK/$1.mark"; }

# SERVICE NAME VERSION [JQ]: what the client has, by way of JQ
counted() {
	figures "counted(\$version; \$http) | ${4:-.} | words" --arg version "$3" --argjson http "$(is_http "$1")" \
		"$WORK/$2.json"
}

says() { [ "$(said "$1" "$2")" = "$3" ]; }

# SERVICE NAME [JQ]: serin has counted the same as the client, JQ on top, of either version. The last turns may be open
# for as long as the answer timeout.
agree() {
	local version wanted
	for version in stable canary; do
		wanted=$(counted "$1" "$2" $version "${3:-.}")
		wait_for 3 says "$1" $version "$wanted" || true
		check_equal "$2, $version" "$(said "$1" $version)" "$wanted"
	done
}

# SERVICE: nothing has been added since, nor been counted twice
still_agrees() {
	# shellcheck disable=SC2086 # as many words as there are files
	check_equal "failures of $1 in the end" \
		"$(api GET "/v1/services/$1" | figures said_failures)" \
		"$(figures counted_failures_of_all -s ${RESULTS_OF[$1]})"
}
