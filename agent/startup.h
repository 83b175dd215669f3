/* SPDX-License-Identifier: BSD-2-Clause */
/* The start of the agent: from a configuration to attached programs. Used by controller.c. */
#ifndef SERIN_STARTUP_H
#define SERIN_STARTUP_H

#include "controller.h"

/* `controller` has its options and configuration, the rest zero. What has been opened when it fails is the caller's to
 * close. */
int startup_run(struct controller *controller, struct complaint *complaint);

/* startup_services.c: the services' weights, from the strongest source that has any; -ENOMEM. `running` is what the
 * kernel's tables hold. Puts the baselines into controller->image. */
int startup_choose_weights(struct controller *controller, const struct image *running, struct complaint *complaint);

/* Build every plan, and set those that differ from the running ones. Weights must have been persisted. */
int startup_set_plans(struct controller *controller, struct complaint *complaint);

#endif
