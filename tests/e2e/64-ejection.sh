#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What becomes of an ejected backend's connections (left alone, drained, reset), how many may be ejected on passive evidence,
# and the slow start of one that comes back.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

SOURCES=2000
YAML_BACKENDS='"10.0.0.11:3000", "10.0.0.12:3000", "10.0.0.21:3000", "10.0.0.22:3000"'

flows_to() { serin flows shop -o json --limit 100000 | jq "[.flows[] | select(.backend == \"10.0.0.$1:3000\" and .state == \"established\")] | length"; }
has_flows() { [ "$(flows_to "$1")" = "$2" ]; }
state_of() { api GET /v1/services/shop | jq -r ".versions[].backends[] | select(.address == \"10.0.0.$1:3000\").state"; }
is_in_state() { [ "$(state_of "$1")" = "$2" ]; }
has_event() {
	[ "$(api GET "/v1/events?service=shop" | jq --arg text "$1" '[.events[] | select(.text | test($text))] | length')" -ge 1 ]
}

# NAME: connections that were idle stay open until they are ended
cat >"$WORK/idle.py" <<'PYTHON'
import socket, sys, time
sockets = []
for i in range(200):
    s = socket.socket()
    s.bind(("10.64.0.%d" % (i + 1), 0))
    s.settimeout(5)
    s.connect((sys.argv[1], 80))
    s.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
    s.recv(1000)
    sockets.append(s)
open(sys.argv[2], "w").close()
time.sleep(float(sys.argv[3]))
PYTHON
open_idle() {
	rm -f "$WORK/idle.ready"
	start client /usr/bin/python3 "$WORK/idle.py" $VIP "$WORK/idle.ready" 60
	IDLE=${PIDS[-1]}
	check "200 idle connections" wait_for 20 test -e "$WORK/idle.ready"
}
close_idle() {
	kill "$IDLE" 2>/dev/null || true
	wait "$IDLE" 2>/dev/null || true
}

# A server that takes no new connections after SIGUSR1, and keeps the ones that it has.
cat >"$WORK/deaf.py" <<'PYTHON'
import select, signal, socket, sys
listener = socket.create_server((sys.argv[1], 3000), backlog=1000)
signal.signal(signal.SIGUSR1, lambda *_: listener.close())
answer = b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n" + (sys.argv[2] + " 10.0.0.1 0").ljust(16).encode()
poll = select.epoll()
poll.register(listener.fileno(), select.EPOLLIN)
peers = {}
while True:
    for fd, _ in poll.poll():
        if fd not in peers:
            try:
                peer = listener.accept()[0]
            except OSError:
                continue
            peers[peer.fileno()] = peer
            poll.register(peer.fileno(), select.EPOLLIN)
            continue
        try:
            data = peers[fd].recv(4096)
        except OSError:
            data = b""
        if data:
            peers[fd].sendall(answer)
        else:
            poll.unregister(fd)
            peers.pop(fd).close()
PYTHON

declare -A SERVER
serve() {
	start "$1" /usr/bin/python3 "$WORK/deaf.py" "10.0.0.$2" "$3"
	SERVER[$2]=${PIDS[-1]}
	wait_for 5 on "$1" curl -sf -o /dev/null "http://10.0.0.$2:3000/" || fail "the server on $1 does not answer"
}
end_server() { kill -USR1 "${SERVER[$1]}"; }
bury() {
	kill -KILL "${SERVER[$1]}"
	wait "${SERVER[$1]}" 2>/dev/null || true
}

two_arm
serve s1 11 b-1
serve s2 12 b-2
serve c1 21 b-3
serve c2 22 b-4

# One version of four backends: the rest of the file, as lines of the service
write_four() {
	write_top
	cat >>"$CONFIG" <<-YAML
		  - name: shop
		    listen: "$VIP:80/tcp"
		    drain_timeout: 3s
		    $1
		    versions: {stable: {backends: [$YAML_BACKENDS]}}
	YAML
}

# ---- connections ---------------------------------------------------------------------------------------------------

for end in leave reset drain; do
	write_four "on_ejection: {flows: $end}"
	start_agent
	open_idle
	before=$(flows_to 12)
	check_between "$end: connections of one of four" "$before" 20 80
	end_server 12
	load knock -t $VIP:80 -s 10.64.0.0 -n $SOURCES -N $SOURCES -c 64 || true
	check "$end: it is out" wait_for 5 is_in_state 12 down
	case $end in
	leave) sleep 4 && check_equal "leave: its connections are still there" "$(flows_to 12)" "$before" ;;
	reset) check "reset: none is left after 2 s" wait_for 2 has_flows 12 0 ;;
	drain)
		sleep 1
		check_equal "drain: its connections live on at first" "$(flows_to 12)" "$before"
		check "drain: after drain_timeout none is left" wait_for 6 has_flows 12 0
		;;
	esac
	check_between "$end: the others' connections" "$(($(flows_to 11) + $(flows_to 21) + $(flows_to 22)))" $((200 - before)) 200
	close_idle
	bury 12
	serve s2 12 b-2
	check "$end: it is back" wait_for 15 is_in_state 12 up
	stop_agent
	serin detach >"$WORK/out"
done

# ---- how many ------------------------------------------------------------------------------------------------------

write_four "max_ejected: 50%"
start_agent
for byte in 11 12 21; do end_server $byte; done
for _ in 1 2 3; do load knock -t $VIP:80 -s 10.64.0.0 -n $SOURCES -N $SOURCES -c 64 || true; done
out() { api GET /v1/services/shop | jq '[.versions[].backends[] | select(.state != "up")] | length'; }
are_out() { [ "$(out)" = "$1" ]; }
wait_for 5 are_out 2 || true
sleep 0.5
check_equal "half of them are out, though three are dead" "$(out)" 2
for byte in 11 12 21; do bury $byte; done
serve s1 11 b-1
serve s2 12 b-2
serve c1 21 b-3
for byte in 11 12 21; do check "back" wait_for 15 is_in_state $byte up; done
stop_agent
serin detach >"$WORK/out"

# ---- slow start ----------------------------------------------------------------------------------------------------

write_four "slow_start: 8s"
start_agent
end_server 12
load knock -t $VIP:80 -s 10.64.0.0 -n $SOURCES -N $SOURCES -c 64 || true
check "it is out" wait_for 5 is_in_state 12 down
bury 12
serve s2 12 b-2
check "it is back" wait_for 15 is_in_state 12 up
load early -t $VIP:80 -s 10.64.0.0 -n $SOURCES -N $SOURCES -c 64
check_unharmed early $SOURCES
sleep 9
load late -t $VIP:80 -s 10.64.0.0 -n $SOURCES -N $SOURCES -c 64
check_unharmed late $SOURCES
check_between "its clients at first (a quarter is 500)" "$(of_load early '.backends["b-2"].connections // 0')" 20 350
check_between "its clients in the end" "$(of_load late '.backends["b-2"].connections')" 400 600
