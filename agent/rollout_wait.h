/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for a rollout's end, for a script. */
#ifndef SERIN_ROLLOUT_WAIT_H
#define SERIN_ROLLOUT_WAIT_H

#include <jansson.h>
#include "options.h"

/* From what the agent has just said of the service (the first argument) on: a line on the standard output for each step
 * and pause, until the rollout has ended. Goes on while an agent is being restarted. Returns an enum command_exit. */
int rollout_wait(const struct options *options, const json_t *service);

#endif
