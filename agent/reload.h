/* SPDX-License-Identifier: BSD-2-Clause */
/* A reload on its way: what the steps of controller_reload hand to one another. */
#ifndef SERIN_RELOAD_H
#define SERIN_RELOAD_H

#include "controller.h"
#include "image.h"
#include "startup.h"

struct reload {
	struct controller *controller; /* as it runs */
	/* As it is to run: configuration, services, image and state are its own, the kernel's side is the other's. */
	struct controller *next;
	struct config_diff diff;
	struct image *running;            /* what the tables hold */
	struct image *both;               /* the step between: what comes has come, what goes is still there */
	struct image *back;               /* should a step fail */
	bool differs[SERIN_MAX_SERVICES]; /* by index into next->services: the plan is another one */
	bool moved[SERIN_MAX_SERVICES]; /* the weights are others: what was measured under the old ones is forgotten */
	struct startup_rules rules;     /* which sets have to be written */
	const struct controller_request *request;
};

/* reload_prepare.c: everything that can fail before anything is changed. */
int reload_prepare(struct reload *reload, struct complaint *complaint);
/* And what is arranged beforehand without harm, should the reload fail all the same: ports reserved, next hops resolved,
 * hooks for `forward: local`. */
int reload_arrange(struct reload *reload, struct complaint *complaint);

/* reload_rules.c: the number of a service's set, when its versions have theirs. */
int reload_choose_rules(struct reload *reload, size_t index, struct complaint *complaint);
/* Delete the sets of `of` that `except` does not name. */
void reload_drop_rules(const struct controller *of, const struct controller *except);

/* reload_apply.c: save the state, change the tables; back to all as it was when a step fails (-ECANCELED; -EUCLEAN when
 * that failed too). */
int reload_apply(struct reload *reload, struct complaint *complaint);

#endif
