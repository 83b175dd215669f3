#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The same canary with an agent that is stopped (SIGSTOP) and with one that was killed: the kernel takes it out alone. When
# the agent is back it finds out, rolls back, and says why and by whom, once, also when its lease has long been over.
# RUNS=20 KILLS=20 for more of them.
# Beside: nobody
# shellcheck source=tests/e2e/guard.sh
. "$(dirname "$0")/guard.sh"

RUNS=${RUNS:-5}
KILLS=${KILLS:-3}
NOTICES=0
LEASE_S=3

freeze() { kill -STOP "$AGENT_PID"; }
thaw() { kill -CONT "$AGENT_PID"; }

# What is said of the evidence: it was enough.
is_proven() { of_rollout reason | sed -n 's/.*evidence \([^ ]*\) of \([^ ;]*\);.*/\1 \2/p' | awk '{ ok = $1 >= $2 } END { exit !ok }'; }

# WHAT TAKE-AWAY BRING-BACK [SECONDS]: a canary that goes bad in between, and so much longer without an agent
lose_agent() {
	sleep 0.7
	$2
	sleep 0.2
	break_servers canary-1
	wait_for 4 has_tripped || fail "$1: the kernel has not decided: $(bpftool map dump pinned "$PINS/trips" | head -n 20)"
	sleep 0.5
	mend_servers canary-1
	measure "$1"
	sleep "${4:-0}"
	$3
	NOTICES=$((NOTICES + 1))
	wait_for 5 is_state rolled_back || fail "$1: the agent is back and does not roll back"
	[ "$(of_rollout by), $(of_rollout cause)" = "kernel, errors" ] || fail "$1: rolled back by $(of_rollout by)"
	is_proven || fail "$1: the reason: $(of_rollout reason)"
	[ "$(weight_of canary)" = 0 ] || fail "$1: the canary has $(weight_of canary)"
	wait_for 5 has_notices '.kind == "rollback" and .who == "kernel" and (.reason | test("guard has tripped"))' $NOTICES ||
		fail "$1: nobody was notified: $(tail -n 1 "$WORK/hook.log")"
}

open_stage "lease: ${LEASE_S}s"
begin_traffic

rollout start >"$WORK/rollout"
for run in $(seq "$RUNS"); do
	lose_agent "stopped, run $run" freeze thaw
	rollout retry >"$WORK/rollout"
done
check_measured "a stopped agent"
check_equal "rollbacks" "$(rollbacks)" "$RUNS"
for run in $(seq "$KILLS"); do
	lose_agent "killed, run $run" kill_agent start_agent $((run == 1 ? LEASE_S : 0))
	check_equal "killed, run $run: rollbacks by the new agent" "$(rollbacks)" 1
	[ "$run" = "$KILLS" ] || rollout retry >"$WORK/rollout"
done
check_measured "no agent"
sleep 0.5
check_equal "notifications" "$(notices true)" "$((RUNS + KILLS))"
check_equal "keys of notifications" "$(jq -r .body.key "$WORK/hook.log" | sort -u | wc -l)" "$((RUNS + KILLS))"
check_match "why" "$(of_rollout reason)" "errors: .*the kernel's guard has tripped"
end_traffic
check_equal "failed requests at the clients" "$(of_load traffic .failed)" $FAILED
