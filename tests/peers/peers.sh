# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# The peers: how each is started on the load balancer's host with 10 % for the canary, given another share, and stopped. All
# but the floor hide the client's address from the backends, as serin's nat does.

# shellcheck disable=SC2034 # tests/peers/run reads it
ALL_PEERS=(kernel nftables haproxy-tcp haproxy-http nginx-stream serin-xdp serin-tc serin-blind)
PEER_PID= # of the one that runs, when it is a process
PEER_LOG=

# PEER: what the tables call it
title_of() {
	case $1 in
	kernel) echo "kernel routing (floor)" ;;
	nftables) echo "nftables dnat" ;;
	haproxy-tcp) echo "HAProxy tcp" ;;
	haproxy-http) echo "HAProxy http" ;;
	nginx-stream) echo "nginx stream" ;;
	serin-xdp) echo "serin nat, XDP" ;;
	serin-tc) echo "serin nat, TC" ;;
	serin-blind) echo "serin nat, XDP, not observing" ;;
	*) return 1 ;;
	esac
}

# PEER: the command and the Debian package that it cannot do without; nothing where that is the kernel
needs_of() {
	case $1 in
	nftables) echo nft nftables ;;
	haproxy-*) echo haproxy haproxy ;;
	nginx-stream) echo /usr/lib/nginx/modules/ngx_stream_module.so libnginx-mod-stream ;;
	serin-*) echo "$SERIN" "serin itself, which make builds" ;;
	esac
}

is_there() { [ -e "$1" ] || command -v "$1" >/dev/null; }

# COMMAND...: the peer's process
launch() {
	nsenter --net="/run/netns/$RUN-lb" "$@" >>"$PEER_LOG" 2>&1 &
	PEER_PID=$!
}

end_process() {
	[ -n "$PEER_PID" ] || return 0
	kill "$PEER_PID" 2>/dev/null || true
	wait "$PEER_PID" 2>/dev/null || true
	PEER_PID=
}

# PEER: it is up when it answers the client; $WORK/peer is its directory
start_peer() {
	PEER_LOG=$WORK/$1.log
	rm -rf "$WORK/peer"
	mkdir -m 755 "$WORK/peer"
	case $1 in
	kernel) start_kernel ;;
	nftables) start_nftables ;;
	haproxy-*) start_haproxy "${1#*-}" ;;
	nginx-stream) start_nginx ;;
	serin-*) start_serin "${1#*-}" ;;
	esac
	wait_for 30 answers || die "$1 does not answer within 30 s: $(tail -n 5 "$PEER_LOG")"
}

answers() { on client curl -sf -o /dev/null --max-time 1 "http://$VIP/"; }

# PEER
stop_peer() {
	case $1 in
	kernel) stop_kernel ;;
	nftables) on lb nft delete table ip peers ;;
	esac
	end_process
	case $1 in serin-*) detach_serin ;; esac
}

# PEER SHARE: so many percent of the clients to the canary from now on
weigh_peer() {
	case $1 in
	kernel) weigh_kernel "$2" ;;
	nftables) weigh_nftables "$2" ;;
	haproxy-*) weigh_haproxy "$2" ;;
	nginx-stream) weigh_nginx "$2" ;;
	serin-*) weigh_serin "$2" ;;
	esac
}

# ---- kernel routing: the backends own the service's address, and its route has three next hops --------------------------

start_kernel() {
	ip -n "$RUN-lb" address delete "$VIP/32" dev lo
	weigh_kernel 10
}

stop_kernel() {
	ip -n "$RUN-lb" route delete "$VIP/32"
	ip -n "$RUN-lb" address add "$VIP/32" dev lo
}

weigh_kernel() {
	local hops=(nexthop via 10.0.0.11 weight $((100 - $1)) nexthop via 10.0.0.12 weight $((100 - $1)))
	[ "$1" = 0 ] || hops+=(nexthop via 10.0.0.21 weight $((2 * $1)))
	ip -n "$RUN-lb" route replace "$VIP/32" "${hops[@]}"
}

# ---- nftables ----------------------------------------------------------------------------------------------------------

start_nftables() {
	weigh_nftables 10
	on lb sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_time_wait=1 # see reuse_ports
}

weigh_nftables() {
	local half=$((($1 + 100) / 2)) canary=
	[ "$1" = 0 ] || canary="0-$(($1 - 1)) : 10.0.0.21, "
	sed "s/map {.*}/map { $canary$1-$((half - 1)) : 10.0.0.11, $half-99 : 10.0.0.12 }/" \
		"$PEERS_DIR/nftables.nft" >"$WORK/peer/nftables.nft"
	on lb nft -f "$WORK/peer/nftables.nft"
}

# ---- HAProxy -----------------------------------------------------------------------------------------------------------

# MODE
start_haproxy() {
	sed "s/^\tmode tcp/\tmode $1/" "$PEERS_DIR/haproxy.cfg" >"$WORK/peer/haproxy.cfg"
	launch haproxy -db -C "$WORK/peer" -f haproxy.cfg
}

weigh_haproxy() {
	haproxy_says "set weight shop/canary-1 $1; set weight shop/stable-1 $(((100 - $1) / 2));" \
		"set weight shop/stable-2 $(((100 - $1) / 2))"
}

# COMMANDS: to its runtime API
haproxy_says() {
	/usr/bin/python3 - "$WORK/peer/haproxy.sock" "$*" <<-'PYTHON'
		import socket, sys
		api = socket.socket(socket.AF_UNIX)
		api.connect(sys.argv[1])
		api.sendall((sys.argv[2] + "\n").encode())
		answer = b"".join(iter(lambda: api.recv(4096), b"")).decode().strip()
		sys.exit(answer or 0)
	PYTHON
}

# ---- nginx stream ------------------------------------------------------------------------------------------------------

start_nginx() {
	write_nginx 10
	launch nginx -p "$WORK/peer" -e error.log -c nginx.conf
}

write_nginx() {
	local line="$1% canary;"
	[ "$1" != 0 ] || line=
	sed "s/10% canary;/$line/" "$PEERS_DIR/nginx-stream.conf" >"$WORK/peer/nginx.conf"
}

weigh_nginx() {
	write_nginx "$1"
	kill -HUP "$PEER_PID"
}

# ---- serin -------------------------------------------------------------------------------------------------------------

# xdp, tc, or blind
start_serin() {
	local door=$1 environment=()
	if [ "$1" = blind ]; then door=xdp environment=(env "LD_PRELOAD=$PEERS_TOOLS/blind.so"); fi
	sed "s/^attach: .*/attach: $door/" "$PEERS_DIR/serin.yaml" >"$WORK/peer/serin.yaml"
	launch "${environment[@]}" "$SERIN" run -c "$WORK/peer/serin.yaml" --pin-dir "$PINS" --state-dir "$WORK/peer/state" \
		--socket "$WORK/peer/serin.sock"
	wait_for 60 curl -sf -o /dev/null --max-time 2 --unix-socket "$WORK/peer/serin.sock" http://localhost/readyz ||
		die "serin does not get ready within 60 s: $(tail -n 5 "$PEER_LOG")"
}

weigh_serin() { on lb "$SERIN" weight shop "canary=$1%" --socket "$WORK/peer/serin.sock" >/dev/null; }

detach_serin() { on lb "$SERIN" detach --pin-dir "$PINS" --socket "$WORK/peer/serin.sock" >>"$PEER_LOG" 2>&1; }
