#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What is lost on the way is sent again. It makes no failure and no sample: a SYN that is lost gives no handshake time,
# a request that is lost no response time. Data that the backend sends again are counted, each once.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/faults.sh
. "$REPO/tests/e2e/faults.sh"

# SERVICE VERSION handshake|response: samples
samples() { metric "serin_$3_seconds_count" "service=\"$1\".*version=\"$2\""; }

# SERVICE VERSION: the backend's repeated segments
retransmits() { api GET "/v1/services/$1" | jq ".versions[] | select(.name == \"$2\").retransmits"; }

two_arm
start_backend s1 stable-1 10.0.0.11:3000
write_top "answer_timeout: 2s"
port=80 byte=31
for loss in syn request deaf:700; do
	name=${loss%:*}
	add_bad_wire "$name-wire" "far-$name" $byte $loss
	start_backend "far-$name" "canary-$name" "10.0.0.$byte:3000"
	write_faulty "$name" $port http "10.0.0.$byte:3000"
	port=$((port + 1)) byte=$((byte + 1))
done
start_agent

OPTIONS="-n 40 -p 40"
declare -A EXTRA # what has been sent again though it was not lost on the wire, since the machine was busy
# WHAT SERVICE VERSION handshake|response SAMPLES: so many, or fewer by those
check_samples() { check_between "$1" "$(samples "$2" "$3" "$4")" $(($5 - EXTRA[$2])) "$5"; }

for name in syn request; do
	again=$(sent_again client s1 far-$name)
	ask $name $name-lost '/*3'
	agree $name $name-lost
	end_wire $name-wire
	canary=$(of_count $name-lost .versions.canary.connections)
	check_equal "$name: as the wire wrote down" "$(of_count $name-wire .lost_$name)" "$canary"
	EXTRA[$name]=$(($(sent_again client s1 far-$name) - again - canary))
	note "$name: segments sent again for another reason: ${EXTRA[$name]}"
	check_samples "$name: response samples of stable" $name stable response "$(of_count $name-lost .versions.stable.begun)"
	check_samples "$name: handshake samples of stable" $name stable handshake \
		"$(of_count $name-lost .versions.stable.established)"
done
check_equal "handshake samples where the SYN was lost" "$(samples syn canary handshake)" 0
check_samples "response samples there" syn canary response "$(of_count syn-lost .versions.canary.begun)"
check_samples "response samples where the request was lost" request canary response \
	"$(of_count request-lost '.versions.canary | .begun - .connections')"
check_samples "handshake samples there" request canary handshake "$(of_count request-lost .versions.canary.established)"

# Data alone: the answers to SYNs that were sent again are none.
stable_again() { on s1 nstat -asz --json TcpRetransSegs TcpExtTCPSynRetrans | jq '.kernel | .TcpRetransSegs - .TcpExtTCPSynRetrans'; }
again=$(stable_again)
ask deaf deaf-to-acks / sleep:1000 '/*3'
agree deaf deaf-to-acks
end_wire deaf-wire
check_between "data that the backend sent again" "$(of_count deaf-wire .retransmits)" 5 200
check_equal "retransmits of the canary" "$(retransmits deaf canary)" "$(of_count deaf-wire .retransmits)"
check_equal "retransmits of stable" "$(retransmits deaf stable)" $(($(stable_again) - again))
for name in syn request deaf; do
	still_agrees $name
done
