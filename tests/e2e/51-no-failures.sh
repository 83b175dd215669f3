#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What looks like a failure and is none: connections that end while they are idle, by either side and in either way,
# clients that close, abort or half-close while an answer is owed, that say nothing or say it slowly, and a first SYN
# that is lost. Everything is counted, nothing as a failure.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/faults.sh
. "$REPO/tests/e2e/faults.sh"

# Answers that come when nobody reads any more; and those of stable, which does not take its time
UNREAD='.answered = .requests | .class_2xx = .requests'
AT_ONCE="if \$version == \"stable\" then $UNREAD else . end"

two_arm
add_bad_wire lossy far 31 syn
start_backend s1 stable-1 healthy 10.0.0.11:3000
start_backend c1 canary-1 10.0.0.21:3000
start_backend far canary-2 10.0.0.31:3000
write_top "answer_timeout: 2s"
write_faulty shop 80 http 10.0.0.21:3000
write_faulty late 81 http 10.0.0.31:3000
start_agent
OPTIONS="-n 40 -p 80"

ask shop idle-reset /idle-reset/1100 hold:3000
agree shop idle-reset
check_between "idle-reset: the client saw them" "$(of_count idle-reset .idle_resets)" 5 35
ask shop idle-fin /idle-fin/1100 hold:3000
agree shop idle-fin
check_between "idle-fin: the client saw them" "$(of_count idle-fin .idle_fins)" 5 35
ask shop last /last hold:100
agree shop last
ask shop closes-early / /delay/300! sleep:20
agree shop closes-early "$UNREAD"
ask shop aborts-early / /delay/300! sleep:20 abort
agree shop aborts-early "$AT_ONCE"
ask shop half-closes / /delay/200! shut read
agree shop half-closes
ask shop says-nothing / sleep:3000 /
agree shop says-nothing
ask shop asks-slowly slow:/delay/0001
agree shop asks-slowly
ask shop gives-up / /hang! sleep:500
agree shop gives-up "$AT_ONCE"

ask late late-syn '/*3'
agree late late-syn
end_wire lossy
check_between "SYNs that were lost" "$(of_count lossy .lost_syn)" 5 35

sleep 3
still_agrees shop
still_agrees late
check_no_drops
