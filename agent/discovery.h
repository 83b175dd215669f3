/* SPDX-License-Identifier: BSD-2-Clause */
/* Backends that are found elsewhere than in the configuration: every version's name or file, asked for and watched, and what
 * it has given put into configurations. */
#ifndef SERIN_DISCOVERY_H
#define SERIN_DISCOVERY_H

#include <stddef.h>

#include "complaint.h"
#include "config.h"
#include "discovered.h"
#include "loop.h"

struct discovery;

/* Which servers are asked: those of this file, which stays the caller's. NULL, as at first: /etc/resolv.conf. */
void discovery_setup(const char *path);

/* `changed` is called from the loop when a list that is followed has become another one. */
int discovery_open(struct loop *loop, void (*changed)(void *context), void *context, struct discovery **ret,
		   struct complaint *complaint);
/* NULL is fine. Returns NULL. */
struct discovery *discovery_close(struct discovery *discovery);

/* Follow what this configuration names, and nothing else; what was followed before and is named again goes on with what it
 * has given. -ENOMEM and a complaint: everything is followed as before. */
int discovery_follow(struct discovery *discovery, const struct config *config, struct complaint *complaint);

/* Put what has been found into a configuration: for what is named in it and not followed, or has given nothing yet, ask now
 * and wait for `patience_ms` at most (0: do not ask); then take the backends of the same version of `before`. Without
 * `before` what has given nothing is left empty: the tables may know more. `discovery` may be NULL. 0; or a complaint that
 * begins with "FILE:LINE:COLUMN: " and -EINVAL (nothing was found) or what config_set_backends gave. */
int discovery_fill(struct discovery *discovery, struct config *config, const struct config *before, int patience_ms,
		   struct complaint *complaint);

/* What is known of a version's source: NULL when it is not followed. */
const struct discovered *discovery_of(const struct discovery *discovery, const struct config_service *service,
				      const struct config_version *version);

#endif
