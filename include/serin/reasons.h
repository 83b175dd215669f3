/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Why a packet of ours was not forwarded, and how a version fails. One line gives the enum, the metric label and the
 * text. */
#ifndef SERIN_REASONS_H
#define SERIN_REASONS_H

#define SERIN_DROP_REASONS(X)                                                                    \
	X(NO_FLOW, no_flow, "TCP segment of no known connection (answered by a RST)")            \
	X(RST_LIMITED, rst_limited, "TCP segment of no known connection, past the rate of RSTs") \
	X(NO_PLAN, no_plan, "the service has no plan yet")                                       \
	X(NO_BACKEND, no_backend, "the version has no backend")                                  \
	X(FLOW_TABLE_FULL, flow_table_full, "only established flows where the new one could go") \
	X(SNAT_EXHAUSTED, snat_exhausted, "every SNAT port that was tried is in use")            \
	X(CONTENDED, contended, "several CPUs fought over the same place too often")             \
	X(TUPLE_CLASH, tuple_clash, "the backend would see two clients as one")                  \
	X(NO_ROUTE, no_route, "no route, or one out of an interface that serin is not on")       \
	X(NO_NEIGHBOUR, no_neighbour, "the next hop's MAC address is not known")                 \
	X(TOO_BIG, too_big, "larger than the MTU of the way out (answered by \"too big\")")      \
	X(TTL_EXPIRED, ttl_expired, "TTL or hop limit used up (answered by \"time exceeded\")")  \
	X(FRAGMENT_EARLY, fragment_early, "fragment that came before its packet's first one")    \
	X(NEW_FLOW_LIMIT, new_flow_limit, "the service opens more flows than max_new_flows")     \
	X(RESETTING, resetting, "flow of a backend that is being emptied (answered by a RST)")   \
	X(ENCAPSULATION, encapsulation, "no room for an outer header, or no address for it")

enum serin_drop {
#define SERIN_DROP_ENUM(upper, label, text) SERIN_DROP_##upper,
	SERIN_DROP_REASONS(SERIN_DROP_ENUM)
#undef SERIN_DROP_ENUM
		SERIN_DROPS
};

/* How a backend, or the way to it, failed a client. bpf/turn.h says when. */
#define SERIN_FAILURE_REASONS(X)                                                              \
	X(REFUSED, refused, "RST to a SYN")                                                   \
	X(TIMEOUT, timeout, "SYN sent again, and nothing came")                               \
	X(RESET, reset, "RST while an answer was owed or half given")                         \
	X(UNANSWERED, unanswered, "nothing said within the answer timeout, or a FIN instead") \
	X(UNREACHABLE, unreachable, "ICMP: destination unreachable")

enum serin_failure {
#define SERIN_FAILURE_ENUM(upper, label, text) SERIN_FAILURE_##upper,
	SERIN_FAILURE_REASONS(SERIN_FAILURE_ENUM)
#undef SERIN_FAILURE_ENUM
		SERIN_FAILURES
};

/* Why a version on trial is given no new connection. bpf/guard.h says when. */
#define SERIN_GUARD_REASONS(X)                                                     \
	X(ERRORS, errors, "it has failed more clients than its error line allows") \
	X(LEASE, lease, "its lease is over, which the agent has not renewed")      \
	X(CLOSED, closed, "the agent has closed it")

enum serin_guard_reason {
#define SERIN_GUARD_ENUM(upper, label, text) SERIN_GUARD_##upper,
	SERIN_GUARD_REASONS(SERIN_GUARD_ENUM)
#undef SERIN_GUARD_ENUM
		SERIN_GUARD_REASON_COUNT
};

#endif
