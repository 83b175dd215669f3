# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What every way of attaching and forwarding must do: split, count, explain, carry bulk, and leave other ports alone.

# TARGET FIRST_SOURCE: 400 sources once each, and a few that stay. The canary's share is set to 25 %.
check_split() {
	load split -t "$1" -s "$2" -n 400 -N 400 -c 100 -o "$WORK/split.record"
	check_unharmed split 400
	check_between "share of the canary among 400 sources" "$(share_of split canary)" 15 35
	check_equal "connections that the kernel counted" \
		"$(api GET /v1/services/shop | jq '[.versions[].opened] | add')" 400
	check_equal "connections counted as established" \
		"$(api GET /v1/services/shop | jq '[.versions[].established] | add')" 400
	load stay -t "$1" -s "$2" -n 50 -k 50 -i 50 -f 100 -x -d 2
	check_unharmed stay 500
}

# What `serin explain` says about the first sources is what they met.
check_explained() {
	local source name said wrong=0
	while read -r source name; do
		said=$(serin explain shop "$source" -o json | jq -r '.version + " " + .backend')
		case "$name $said" in
		"stable-1 stable "*11*:3000 | "stable-2 stable "*12*:3000 | "canary-1 canary "*21*:3000) ;;
		*) wrong=$((wrong + 1)) && note "$source met $name, explained as $said" ;;
		esac
	done < <(sed -n '1,25p' "$WORK/split.record")
	check_equal "answers of serin explain that were wrong, of 25" $wrong 0
}

# TARGET: both ways, more than a window's worth, in frames as long as the wire takes.
check_bulk() {
	check_equal "bytes of a long answer" \
		"$(fetch -o "$WORK/bulk" -w '%{http_code} ' "http://$1/700000" && tail -n +2 "$WORK/bulk" | wc -c)" "200 700000"
	head -c 700000 /dev/zero >"$WORK/upload"
	check_match "bytes of a long request" \
		"$(fetch -H Expect: --data-binary "@$WORK/upload" "http://$1/")" "^(stable|canary)-. .* 700000$"
}

# TARGET-HOST: a port of the VIP that is no service is the host's, which refuses
check_other_port() {
	local status=0
	on client curl -s -o /dev/null --max-time 3 "http://$1:81/" || status=$?
	check_equal "another port of the VIP is refused by the host (curl's status)" $status 7
}

# HOST FIRST_SOURCE SEEN-REGEXP: all of it. SEEN is the client's address as a backend sees it.
check_basics() {
	check_split "$1:80" "$2"
	check_explained
	check_match "the backend sees $3" "$(fetch "http://$1/")" "^(stable|canary)-. $3 0$"
	check_bulk "$1:80"
	check_other_port "$1"
	check_no_drops
}
