/* SPDX-License-Identifier: BSD-2-Clause */
/* The start of the agent: from a configuration to attached programs. Used by controller.c. */
#ifndef SERIN_STARTUP_H
#define SERIN_STARTUP_H

#include "controller.h"

/* `controller` has its options and configuration, the rest zero. What has been opened when it fails is the caller's to
 * close. */
int startup_run(struct controller *controller, struct complaint *complaint);

/* After a start that failed: when it has made the tables, take all that it has put into the kernel out again; tables
 * that were there before keep what they have. */
void startup_withdraw(struct controller *controller);

/* startup_checks.c: what can be seen without opening anything. */
int startup_check_host(const struct config *config, struct complaint *complaint);
/* What works, but perhaps not as its owner thinks. */
void startup_warn_of_surprises(const struct config *config);
int startup_check_forwarding(const struct config *config, struct complaint *complaint);
/* Before controller->image replaces `running`: everything about it that this host or its tables would refuse. */
int startup_check_tables(const struct controller *controller, const struct image *running, struct complaint *complaint);
/* The same without the interfaces. */
int startup_check_image(const struct controller *controller, const struct image *running, struct complaint *complaint);
bool startup_uses_nat(const struct config *config);

/* An image_source_fn, whose context is a struct neigh. */
int startup_source_of_host(void *neigh, const struct serin_addr *to, struct serin_addr *ret,
			   struct complaint *complaint);

/* The kernel's settings as controller->config has them. */
int startup_apply_settings(const struct controller *controller, struct complaint *complaint);

/* startup_services.c: the services' weights, from the strongest source that has any; -ENOMEM. `running` is what the
 * kernel's tables hold. Puts the baselines into controller->image. */
int startup_choose_weights(struct controller *controller, const struct image *running, struct complaint *complaint);

/* startup_rules.c: the numbers of the services' sets of rules. A set that runs and is as wanted keeps its number, so that
 * a start which changes nothing writes nothing. */
struct startup_rules {
	struct placed_entry *running; /* the caller frees */
	size_t count;
	bool fresh[SERIN_MAX_SERVICES]; /* has to be written; by index into controller->services */
};

int startup_choose_rules(struct controller *controller, struct startup_rules *ret, struct complaint *complaint);
int startup_write_rules(struct controller *controller, const struct startup_rules *rules, struct complaint *complaint);
/* After the plans: whatever none of them names. */
void startup_drop_rules(struct controller *controller, const struct startup_rules *rules);

/* Build every plan and put the services into controller->state; ret_differs: which plans are not the running ones. */
int startup_make_plans(struct controller *controller, bool ret_differs[SERIN_MAX_SERVICES],
		       struct complaint *complaint);
/* Set those. The state must have been saved. */
int startup_set_plans(struct controller *controller, const bool differs[SERIN_MAX_SERVICES],
		      struct complaint *complaint);

#endif
