/* SPDX-License-Identifier: BSD-2-Clause */
/* Guards, as the agent sees and sets them: a version on trial is armed, its lines are moved, its lease is put off; and what
 * the kernel has made of it is read. bpf/guard.h says what a guard does by itself.
 *
 * Everything here lies in arrays that are mapped: a call takes no system call and cannot fail, but for arguments. What the
 * agent writes the kernel never writes, and the other way round.
 *
 * What survives this process, and is there for the next agent: all of it, as long as the maps do, that is until `serin
 * detach` or a reboot. A guard stays armed, with the lines that hold, its lease runs on and runs out, one that has tripped
 * stays so, and all counts go on, since they are cumulative. An agent that starts anew reads what is armed
 * (datapath_guard_read) before it changes anything: lines are about the cumulative counts, so they still mean the same.
 *
 * Nothing is armed by itself: without an arming every new connection goes where it was drawn. A place whose version is given
 * another name is disarmed, and begins with counts of zero. */
#ifndef SERIN_DATAPATH_GUARD_H
#define SERIN_DATAPATH_GUARD_H

#include "datapath.h"

/* Both lines, and the epoch that the second one is for: it does not count while the plan names another one. */
struct guard_lines {
	struct serin_line line[SERIN_LINES]; /* by enum serin_line_kind */
	uint32_t epoch;
	uint64_t settle_ns; /* a burst of incidents decides nothing before a line has been crossed for so long */
};
#define GUARD_NO_LINE ((struct serin_line){ SERIN_LINE_OFF, SERIN_LINE_OFF })

struct guard_state {
	uint64_t arm;      /* number of this arming; 0: not armed */
	uint64_t lease_ns; /* CLOCK_MONOTONIC; 0: none */
	bool closed;
	struct guard_lines lines; /* that hold */
	bool tripped;
	enum serin_line_kind line; /* tripped: over which */
	uint64_t tripped_ns;       /* and when, CLOCK_MONOTONIC */
};

/* `service` and `version` are ids, of the image and the plan. Arguments out of range, or a negative slope: -EINVAL. */

/* Arm a guard that is not armed, or arm it anew: open, with these lines and this lease (0: none). What had tripped has not any
 * more. *ret_arm: the arming's number, never used before at this place; NULL is fine. */
int datapath_guard_arm(struct datapath *datapath, unsigned int service, unsigned int version,
		       const struct guard_lines *lines, uint64_t lease_ns, uint64_t *ret_arm);
int datapath_guard_disarm(struct datapath *datapath, unsigned int service, unsigned int version);

/* Of a guard that is armed; -ENOENT: it is not. New lines hold in one step, both of them; the line of a larger share is to
 * hold before the plan, that of a smaller one after it. */
int datapath_guard_line(struct datapath *datapath, unsigned int service, unsigned int version,
			const struct guard_lines *lines);
int datapath_guard_lease(struct datapath *datapath, unsigned int service, unsigned int version, uint64_t lease_ns);
int datapath_guard_close(struct datapath *datapath, unsigned int service, unsigned int version, bool closed);

int datapath_guard_read(const struct datapath *datapath, unsigned int service, unsigned int version,
			struct guard_state *ret);

/* Why a version on trial gets no new connection at this moment: enum serin_guard_reason, or SERIN_GUARD_REASON_COUNT: it
 * does, as far as its guard is concerned. As the program decides it. */
enum serin_guard_reason datapath_guard_refusal(const struct datapath *datapath, unsigned int service,
					       unsigned int version);

/* New connections that were turned away so far, by enum serin_guard_reason. */
int datapath_guard_turned_away(struct datapath *datapath, unsigned int service, unsigned int version,
			       struct serin_turned_away *ret);

/* Cumulative. Read one after the other, so that two counts may be some packets apart. */
int datapath_guard_incidents(const struct datapath *datapath, unsigned int service, unsigned int version,
			     struct serin_incidents *ret);
int datapath_guard_slow(const struct datapath *datapath, unsigned int service, unsigned int version,
			struct serin_slow *ret);

/* Registers, for served_estimate() with the seed of the plan. */
int datapath_guard_served(const struct datapath *datapath, unsigned int service, unsigned int version,
			  struct serin_served *ret);

/* From when on turns of that service are slow; NULL: never. */
int datapath_guard_slow_limits(struct datapath *datapath, unsigned int service, const struct serin_slow_limits *limits);

#endif
