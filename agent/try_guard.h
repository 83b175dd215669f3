/* SPDX-License-Identifier: BSD-2-Clause */
/* A second process that takes filters off interfaces when the first one was killed. Only kernels before 6.6 need it. */
#ifndef SERIN_TRY_GUARD_H
#define SERIN_TRY_GUARD_H

#include <sys/types.h>

#include "complaint.h"
#include "datapath.h"

struct try_guard {
	pid_t pid;
	int fd; /* its end is what the guard waits for; -1: there is none */
};

#define TRY_GUARD_NONE ((struct try_guard){ .fd = -1 })

/* After attaching, since only what is known by then is taken off. */
int try_guard_start(struct try_guard *ret, struct datapath *datapath, struct complaint *complaint);
/* After datapath_close. */
void try_guard_end(struct try_guard *guard);

#endif
