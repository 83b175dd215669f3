#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A canary that has 5 % of the clients begins to fail half of its requests: how long it still gets new connections. The kernel
# decides with the packet that crosses its line, and the agent finds that out and does the rest. RUNS=20 for more of them.
# Beside: nobody
# shellcheck source=tests/e2e/guard.sh
. "$(dirname "$0")/guard.sh"

RUNS=${RUNS:-5}

open_stage
begin_traffic
rollout start >"$WORK/rollout"
for run in $(seq "$RUNS"); do
	sleep 0.7
	break_servers canary-1
	wait_for 5 is_state rolled_back || fail "run $run: it is not rolled back: $(api GET /v1/services/shop/why)"
	sleep 0.5
	mend_servers canary-1
	has_tripped || fail "run $run: the kernel has not decided"
	measure "run $run"
	[ "$(of_rollout cause)" = errors ] || fail "run $run: the cause is $(of_rollout cause)"
	wait_for 5 has_notices '.kind == "rollback"' "$run" || fail "run $run: nobody was notified"
	[ "$run" = "$RUNS" ] || rollout retry >"$WORK/rollout"
done
check_measured "a live agent"
check_equal "rollbacks" "$(rollbacks)" "$RUNS"
check_equal "notifications" "$(notices true)" "$RUNS"
check_equal "by whom" "$(of_rollout by)" kernel
check_match "why" "$(of_rollout reason)" "errors: .*the kernel's guard has tripped"
end_traffic
check_equal "failed requests at the clients" "$(of_load traffic .failed)" $FAILED
note "$(tail -n 1 "$WORK/hook.log")"
