# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What breaks when the canary's share goes from 10 to 50 and to 0 % while clients are at it.

CLIENTS=2000

# PEER ROUND: connections that stay and connections of one request go on all the time; meanwhile every client is asked three
# times which version it gets. Half a second lies between a change and the next question: nginx needs a moment to reload.
measure_change() {
	local load share
	start client "$TOOLS/load" -t "$VIP:80" -s 10.64.0.0 -n $CLIENTS -k 200 -i 50 -f 500 -c 100 -w 3000 -d 60 \
		-R "$WORK/load.ready" >"$WORK/load.json"
	load=${PIDS[-1]}
	wait_for 15 test -e "$WORK/load.ready" || die "$1: not all of the clients were answered within 15 s"
	for share in 10 50 0; do
		[ $share = 10 ] || weigh_peer "$1" $share
		sleep 0.5
		survey $share
	done
	kill "$load"
	wait "$load"
	unset 'PIDS[-1]'
	rm "$WORK/load.ready"
	record change "$1" "$2" "$(jq -sc --argjson up "$(moves 10 50)" --argjson down "$(moves 50 0)" \
		--argjson shares "[$(canary_share 10), $(canary_share 50), $(canary_share 0)]" '
		{requests: (map(.requests) | add), failed: (map(.failed) | add), cut: (.[0].failed_keep_alive | add),
			moved: .[0].moved, up: $up, down: $down, shares: $shares}' "$WORK/load.json" "$WORK"/survey-*.json)"
}

# SHARE: the version of every client once, into $WORK/survey-SHARE
survey() {
	on client "$TOOLS/load" -t "$VIP:80" -s 10.64.0.0 -n $CLIENTS -N $CLIENTS -c 64 -w 3000 -o "$WORK/record" \
		>"$WORK/survey-$1.json"
	sed 's/-.*//' "$WORK/record" | sort >"$WORK/survey-$1"
}

canary_share() { awk '$2 == "canary" { n++ } END { printf "%.1f", 100 * n / NR }' "$WORK/survey-$1"; }

# BEFORE AFTER: clients that changed their version, and how many of them without need: the difference between the two counts
# of canary's clients is what had to move, whoever it is.
moves() {
	join "$WORK/survey-$1" "$WORK/survey-$2" | awk '
		$2 != $3 { moved++; net += $3 == "canary" ? 1 : -1 }
		END { printf "{\"moved\": %d, \"needless\": %d}", moved, moved - (net < 0 ? -net : net) }'
}
