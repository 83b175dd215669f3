# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# The measurements, each of a peer that runs. Each adds one line of JSON to $RAW; report.py makes the tables of them.

CONNECTIONS=128      # at a time
SOURCES=10.64.0.0    # the clients' first address: every connection has the next one
MANY=4096            # of them, for new connections
UDP_FLOWS=60000
PACED=(-t "$VIP:80" -s "$SOURCES" -k "$CONNECTIONS")

# MEASURE PEER ROUND JSON
record() { printf '{"measure": "%s", "peer": "%s", "round": %d, "figures": %s}\n' "$@" >>"$RAW"; }

# PEER ROUND: requests a second over connections that stay, as many as two processors can do
measure_keep_alive() { run_wrk keep_alive "$1" "$2"; }

# PEER ROUND: the same with a connection for every request
measure_new_connections() { run_wrk new_connections "$1" "$2" -H "Connection: close"; }

# MEASURE PEER ROUND [OPTIONS OF WRK]: also which part of the processors was busy: where it is not all of it, something waits
run_wrk() {
	local measure=$1 peer=$2 round=$3 busy
	shift 3
	watch_busy
	on client env "LD_PRELOAD=$PEERS_TOOLS/sources.so" "PEERS_SOURCES=$SOURCES/$MANY" wrk -t 2 -c $CONNECTIONS \
		-d "${TIME}s" "$@" "http://$VIP/" >"$WORK/wrk"
	busy=$(busy)
	record "$measure" "$peer" "$round" "$(awk -v busy="$busy" '
		/^Requests\/sec:/ { rate = $2 }
		/Socket errors:/ { gsub(/[^0-9]+/, " "); for (i = 1; i <= NF; i++) failed += $i }
		/Non-2xx/ { failed += $NF }
		END { printf "{\"per_s\": %s, \"failed\": %d, \"busy\": %s}", rate, failed, busy }' "$WORK/wrk")"
}

# PEER ROUND: how long answers take at $RATE requests a second
measure_latency() { record latency "$1" "$2" "$(on client "$PEERS_TOOLS/paced" "${PACED[@]}" -f "$RATE" -d "$TIME")"; }

# PEER ROUND: what a request costs the load balancer at $RATE requests a second, in two ways.
#
# Direct: softirq.c tells the polls of the load balancer's two devices, which hold all that happens to a packet from its arrival
# there until it is in the queue of the wire's far end, and the processes in its namespace, from what client, switch and
# backends do in the same kernel. Not in it: timers and work queues of the kernel, and interrupts, whoever they hit.
# All: how long the machine's processors were busy, for each request. Less the floor's in the same round it is what the load
# balancer adds to client, wires and backends: coarse, but nothing had to be attributed.
measure_cpu() {
	local processes said busy
	mapfile -t processes < <(ip netns pids "$RUN-lb" | sed 's/^/-p/')
	watch_busy
	said=$(on lb "$PEERS_TOOLS/softirq" "${processes[@]}" -i front -i back \
		nsenter --net="/run/netns/$RUN-client" "$PEERS_TOOLS/paced" "${PACED[@]}" -f "$RATE" -d "$TIME")
	busy=$(busy)
	record cpu "$1" "$2" "$(jq -sc --argjson busy "$busy" --argjson cpus "$(nproc)" '
		add | .answered as $n | (.ran_ns - .softirqs_meanwhile_ns) as $processes_ns |
		{answered, failed, packets, polls, softirqs_us: (.devices_ns / 1000 / $n), processes_us: ($processes_ns / 1000 / $n),
			direct_us: ((.devices_ns + $processes_ns) / 1000 / $n), busy: $busy, all_us: ($busy * $cpus * 1e6 / .rate)}' <<<"$said")"
}

# PEER ROUND: small UDP packets of many flows from the client's side, counted and dropped at the far end of the load balancer's
# wire to the backends, before the switch. Only what forwards in the kernel takes part: the proxies here are none for UDP.
measure_packets() {
	local said try
	case $1 in haproxy-* | nginx-*) return ;; esac
	for try in 1 2 3; do # it gives up where others on the machine make it lose packets
		if said=$(on client "$PEERS_TOOLS/pps" --ingress eth0 --dst-mac "$(mac_of lb front)" --vip "$VIP:9000" \
			--flows $UDP_FLOWS --sink "$RUN-switch/lb" --seconds "$TIME" 2>"$WORK/pps"); then
			record packets "$1" "$2" "$said"
			return
		fi
	done
	echo " (no packets/s after $try tries: $(cat "$WORK/pps"))"
}
