/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of leaving.h share. */
#ifndef SERIN_LEAVING_PRIVATE_H
#define SERIN_LEAVING_PRIVATE_H

#include "leaving.h"
#include "leaving_rules.h"
#include "log.h"
#include "rst.h"

/* One pass over the flow table, in slices. */
struct leaving_walk {
	struct loop_source *timer;
	bool running;
	uint32_t position;
	int64_t began_ms;
	bool found_any;
	uint32_t pending[SERIN_MAX_BACKENDS]; /* flows that are still to end */
};

struct leaving {
	struct leaving_options options;
	struct flows flows;
	struct rst *rst;
	struct leaving_walk walk;
	struct leaving_backend backends[SERIN_MAX_BACKENDS];
	uint64_t ended;
	struct log_limit limit;
};

/* Begin to walk, unless it runs already: some backend is being reset. */
void leaving_walk_start(struct leaving *leaving);

/* Have the kernel's flag and the image say what the rules want. */
void leaving_set_flag(struct leaving *leaving, unsigned int id);

/* All flows of this backend that were to end have ended. */
void leaving_emptied(struct leaving *leaving, unsigned int id);

#endif
