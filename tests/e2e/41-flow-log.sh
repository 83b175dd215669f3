#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The flow log: with `flow_log: 1/1` a line for every connection that has ended, with the client's port and as many bytes as
# the counters say; with `off` none; and while the agent is dead none is lost.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

lines() { grep -c ' msg=flow ' "$AGENT_LOG" || true; }
has_lines() { [ "$(lines)" -ge "$1" ]; }
# KEY: its values, one a line
values() { grep ' msg=flow ' "$AGENT_LOG" | grep -Eo " $1=(\"[^\"]*\"|[^ ]*)" | cut -d= -f2; }

two_arm
start_servers
write_config 50% "flow_log: 1/1"
start_agent

# ---- twenty connections --------------------------------------------------------------------------------------------

: >"$WORK/ports"
for _ in $(seq 20); do
	fetch -o /dev/null -w '%{local_port} %{http_code}\n' "http://$VIP/" >>"$WORK/ports"
done
check_equal "requests that were answered" "$(grep -c ' 200$' "$WORK/ports")" 20
check "twenty lines within 5 s" wait_for 5 has_lines 20
check_equal "lines" "$(lines)" 20
check_equal "clients" "$(values client | sort)" "$(sed 's/^\([0-9]*\) .*/198.51.100.2:\1/' "$WORK/ports" | sort)"
check_equal "services" "$(values service | sort -u)" shop
check_equal "how they ended" "$(values ended | sort -u)" closed
check_equal "lines whose version is not their backend's" "$(grep ' msg=flow ' "$AGENT_LOG" |
	grep -Evc 'version=stable backend=10\.0\.0\.1[12]:3000 |version=canary backend=10\.0\.0\.21:3000 ' || true)" 0
check_equal "the longest, in seconds, is short" "$(values seconds | awk '$1 > 5' | wc -l)" 0
# What serin has counted of all of them, less the last acknowledgement of each: that comes when the connection is over.
sum() { values "$1" | awk '{ n += $1 } END { print n }'; }
check_between "bytes to the backends" "$(sum bytes_to_backend)" \
	$(($(metric serin_bytes_total 'direction="to_backend"') - 20 * 52)) "$(metric serin_bytes_total 'direction="to_backend"')"
check_between "bytes to the clients" "$(sum bytes_to_client)" \
	$(($(metric serin_bytes_total 'direction="to_client"') - 20 * 52)) "$(metric serin_bytes_total 'direction="to_client"')"

# ---- other ends ----------------------------------------------------------------------------------------------------

reset_one() {
	on client /usr/bin/python3 - "$VIP" <<-'PYTHON'
		import socket, struct, sys
		s = socket.create_connection((sys.argv[1], 80), 5)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		s.close()
	PYTHON
}
check "a connection that its client resets" reset_one
check "a line within 5 s" wait_for 5 has_lines 21
check_equal "it ended" "$(values ended | tail -n 1)" '"reset by client"'

# ---- while nobody reads --------------------------------------------------------------------------------------------

kill_agent
for _ in $(seq 5); do fetch -o /dev/null "http://$VIP/"; done
check_equal "lines without an agent" "$(lines)" 21
start_agent
check "the next agent writes them" wait_for 5 has_lines 26

# ---- reloads -------------------------------------------------------------------------------------------------------

write_config 50% "flow_log: off"
check_match "reload" "$(serin reload)" "^~ flow_log: 1/1 -> off$"
for _ in $(seq 5); do fetch -o /dev/null "http://$VIP/"; done
sleep 0.5
check_equal "lines when it is off" "$(lines)" 26
write_config 50% "flow_log: 1/0"
said=$(serin reload 2>&1 || true)
check_match "1/0 is refused" "$said" "serin.yaml:3:11: invalid flow_log '1/0', expected off or 1/N with N from 1 to 1000000"
