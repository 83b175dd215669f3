# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# The measurements, each of a peer that runs. Each adds one line of JSON to $RAW; report.py makes the tables of them.

CONNECTIONS=128      # at a time
SOURCES=10.64.0.0    # the clients' first address: every connection has the next one
MANY=4096            # of them, for new connections
UDP_FLOWS=60000

# MEASURE PEER ROUND JSON
record() { printf '{"measure": "%s", "peer": "%s", "round": %d, "figures": %s}\n' "$@" >>"$RAW"; }

# PEER ROUND: requests a second over connections that stay, as many as two processors can do
measure_keep_alive() { run_wrk keep_alive "$1" "$2"; }

# PEER ROUND: the same with a connection for every request
measure_new_connections() { run_wrk new_connections "$1" "$2" -H "Connection: close"; }

# MEASURE PEER ROUND [OPTIONS OF WRK]: also which part of the processors was busy: where it is not all of it, something waits
run_wrk() {
	local measure=$1 peer=$2 round=$3 idle begin busy
	shift 3
	idle=$(idle_us) begin=$(now_us)
	on client env "LD_PRELOAD=$PEERS_TOOLS/sources.so" "PEERS_SOURCES=$SOURCES/$MANY" wrk -t 2 -c $CONNECTIONS \
		-d "${TIME}s" "$@" "http://$VIP/" >"$WORK/wrk"
	busy=$(awk -v idle=$(($(idle_us) - idle)) -v time=$(($(now_us) - begin)) -v cpus="$(nproc)" \
		'BEGIN { printf "%.3f", 1 - idle / (time * cpus) }')
	record "$measure" "$peer" "$round" "$(awk -v busy="$busy" '
		/^Requests\/sec:/ { rate = $2 }
		/Socket errors:/ { gsub(/[^0-9]+/, " "); for (i = 1; i <= NF; i++) failed += $i }
		/Non-2xx/ { failed += $NF }
		END { printf "{\"per_s\": %s, \"failed\": %d, \"busy\": %s}", rate, failed, busy }' "$WORK/wrk")"
}

# PEER ROUND: how long answers take at $RATE requests a second
measure_latency() { record latency "$1" "$2" "$(paced)"; }

paced() { on client "$PEERS_TOOLS/paced" -t "$VIP:80" -s $SOURCES -k $CONNECTIONS -f "$RATE" -d "$TIME"; }

# PEER ROUND: what a request costs the load balancer, at $RATE requests a second, in two ways.
#
# Direct: what the kernel threads of its devices (see thread_napi) and the processes in its namespace ran. It holds nothing of
# the client, the switch or the backends, but for what an interrupt happens to do in one of those threads, and it holds the
# price of waking a thread, some two microseconds for each burst of packets, which softirqs would not pay: the floor has it
# as well. Timers and work queues of the kernel are not in it.
# Added: how long all processors were busy, for each request; less the floor's in the same round, that is what the
# load balancer adds to client, wires and backends. Coarser, but without any attribution.
measure_cpu() {
	local threads processes kernel user idle begin paced
	napi_threads >"$WORK/threads"
	thread_napi 1
	mapfile -t threads < <(new_threads "$WORK/threads")
	mapfile -t processes < <(ip netns pids "$RUN-lb")
	[ ${#threads[@]} -eq 2 ] || die "the kernel has ${#threads[@]} threads for the devices of the load balancer, not 2"
	kernel=$(ran_ns "${threads[@]}") user=$(ran_ns "${processes[@]}") idle=$(idle_us) begin=$(now_us)
	paced=$(paced)
	kernel=$(($(ran_ns "${threads[@]}") - kernel)) user=$(($(ran_ns "${processes[@]}") - user))
	idle=$(($(idle_us) - idle)) begin=$(($(now_us) - begin))
	thread_napi 0
	record cpu "$1" "$2" "$(jq -c --argjson kernel $kernel --argjson user $user --argjson idle $idle \
		--argjson time $begin --argjson cpus "$(nproc)" '
		.answered as $n | {answered: $n, failed, kernel_us: ($kernel / 1000 / $n), processes_us: ($user / 1000 / $n),
			direct_us: (($kernel + $user) / 1000 / $n), all_us: (($time * $cpus - $idle) / $n)}' <<<"$paced")"
}

# PEER ROUND: small UDP packets of many flows from the client's side, counted where the backends would take them. Only what
# forwards in the kernel takes part: the proxies here are none for UDP.
measure_packets() {
	local said
	case $1 in haproxy-* | nginx-*) return ;; esac
	[ -x "$PEERS_TOOLS/pps" ] || return 0
	said=$(on lb "$PEERS_TOOLS/pps" --lb-ingress front --dst-mac "$(mac_of lb front)" --vip "$VIP:9000" \
		--flows $UDP_FLOWS --sink "$RUN-s1/eth0" --sink "$RUN-s2/eth0" --sink "$RUN-c1/eth0" --seconds "$TIME")
	record packets "$1" "$2" "$said"
}
