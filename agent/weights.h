/* SPDX-License-Identifier: BSD-2-Clause */
/* The arithmetic of shares: what a service starts with, and what a request for change makes of it. Pure. */
#ifndef SERIN_WEIGHTS_H
#define SERIN_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "complaint.h"
#include "config.h"
#include "state.h"

/* Where the weights that a service starts with come from, the strongest first. */
enum weights_source { WEIGHTS_STATE, WEIGHTS_PLAN, WEIGHTS_CONFIG };

/* "state file", "running plan", "configuration". */
const char *weights_source_name(enum weights_source source);

/* The weights, baseline, generation, rollout and last change that `service` starts with: from the state file's
 * `stored`, else from the running plan's `pinned` (a state_service too, read back from the kernel), else from the
 * configuration; both may be NULL. What nobody has set since the configuration did is the configuration's again, with
 * the generation and rollout of `stored`. A plan of a later generation than `stored` is stronger than it: a rollback
 * that could not be persisted. A version that the source does not know gets the configuration's weight if the
 * baseline has that much left, else nothing; the share of a version that is gone falls to the baseline. */
enum weights_source weights_start(const struct config_service *service, const struct state_service *stored,
				  const struct state_service *pinned, int64_t now, struct state_service *ret);

/* Whether the shares are as a configuration wanted them, at a start or a reload: then they follow it. */
bool weights_are_by_file(const struct state_service *service);

/* The same versions with the same shares, in whatever order, and the same baseline. */
bool weights_are_same(const struct state_service *a, const struct state_service *b);

/* Whether `now` may go over into what the changed configuration says: not where the running baseline is gone and still
 * has a share, since nobody has said who is to get it. 0, or -EINVAL and a complaint. */
int weights_check_baseline(const struct state_service *now, const struct config_service *service,
			   struct complaint *complaint);

/* One wish of a request. */
struct weights_wish {
	const char *version;
	unsigned int weight; /* basis points, at most SERIN_SLOTS */
};

/* Apply wishes to `versions` of `service` (weights only): versions on trial that are not named keep theirs, the
 * baseline takes the rest; where the baseline is named too, all must add up to 100 %. 0; -ENOENT for a name that is no
 * version; -EINVAL for sums that do not fit and for a version named twice; then `service` is untouched. */
int weights_change(struct state_service *service, const struct weights_wish *wishes, size_t count,
		   struct complaint *complaint);

/* Every version on trial to 0. */
void weights_rollback(struct state_service *service);

/* "stable 95%, canary 5%", cut where the room ends. Returns `buffer`. */
const char *weights_format(const struct state_service *service, char *buffer, size_t size);

#endif
