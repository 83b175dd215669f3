/* SPDX-License-Identifier: BSD-2-Clause */
/* When does a backend that is being emptied move on, and what becomes of each of its flows? Pure. Used by leaving.c. */
#ifndef SERIN_LEAVING_RULES_H
#define SERIN_LEAVING_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "flows.h"

/* How long a busy connection may go on after the idle ones have been reset: an answer that has not come by then is a
 * failure anyway. */
#define LEAVING_ANSWER_TIMEOUT_MS 10000

/* In stamps, about two seconds: nothing tells whether a UDP client waits for an answer. */
#define LEAVING_UDP_QUIET 8u

/* Rounds of the sweep that must find no flow of a backend before its id is given to another one: the second for what
 * the first one's counting may have missed. */
#define LEAVING_CLEAN_SWEEPS 2

/* In this order. */
enum leaving_phase {
	LEAVING_NOT,
	LEAVING_DRAINING,  /* flows end by themselves */
	LEAVING_RESETTING, /* idle ones are reset, busy ones when they fall idle */
	LEAVING_FORCING,   /* all are */
};

/* One backend. All zero: nothing is going on. */
struct leaving_backend {
	enum leaving_phase phase;
	bool for_good;      /* it is no longer configured: when it is empty its id is free */
	bool spares_placed; /* flows whose client was placed by a rule are left alone, since they would come back */
	int64_t until_ms;   /* when the phase is over; the last one has no end */
	int64_t since_ms;   /* when the backend got its last new flow, or a little later */
	uint64_t sweep;     /* number of the last round that was counted */
	unsigned int clean_sweeps;
	uint64_t ended_idle, ended_busy;
};

/* Phase by phase; true when it has changed. */
bool leaving_advance(struct leaving_backend *backend, int64_t now_ms);

/* Whether the kernel is to answer every packet of this backend with a RST, or have its client move (UDP). */
bool leaving_wants_flag(const struct leaving_backend *backend);

enum leaving_fate {
	LEAVING_ALONE, /* it does not count */
	LEAVING_WAIT,  /* later */
	LEAVING_END,   /* resets to both sides, and it is closed; UDP: just ended, the next packet opens another one */
	LEAVING_PRESS, /* resets now, and again until it is silent: the numbers of a moving connection may be late */
};

enum leaving_fate leaving_fate(const struct leaving_backend *backend, const struct flow *flow, uint8_t protocol,
			       uint32_t now);

/* A round of the sweep began at `began_ms` and found `named` flows. True when the id is free from now on. */
bool leaving_count_sweep(struct leaving_backend *backend, uint64_t number, int64_t began_ms, uint32_t named);

#endif
