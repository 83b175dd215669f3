/* SPDX-License-Identifier: BSD-2-Clause */
/* One service at work: what is configured, what is set, the plan that the kernel has, what was measured. Pure. */
#ifndef SERIN_SERVICE_H
#define SERIN_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include <serin/abi.h>
#include "complaint.h"
#include "config.h"
#include "image.h"
#include "state.h"
#include "window.h"

struct service {
	const struct config_service *config;
	unsigned int id;                        /* in the image */
	uint8_t version_id[SERIN_MAX_VERSIONS]; /* in image and plan, by index into config->versions */
	uint32_t rules;                         /* the set in the kernel that the next plan names; 0: none */
	struct state_service now;               /* versions in the order of config->versions */
	struct serin_plan *plan;                /* as the kernel has it */
	bool redrawn;                           /* at a start or reload: by another seed than the plan before it */
	double former_share;                    /* and what that gave the version on trial, of its and the baseline's */
	struct window window;
	struct window_sample newest; /* by version id, like every sample of the window */
};

/* Find the ids of a configured service and its versions. 0, or -ENOENT when the image was not built for it. */
int service_bind(struct service *service, const struct config_service *config, const struct image *image);

/* "baseline" or "trial", or "unknown" where the baseline is lost, by index into config->versions. */
const char *service_role(const struct service *service, size_t version);

/* Its share in basis points: none where the baseline is lost. */
unsigned int service_weight(const struct service *service, size_t version);

/* Clients count once in each epoch: of a new generation, or of the same one after a while. */
uint32_t service_epoch(const struct state_service *state);
void service_next_epoch(struct state_service *state);

/* Build the plan that `wanted` (like service->now) asks for; where the baseline is lost, its rings are empty. `ret` is
 * untouched on errors. */
int service_build_plan(const struct service *service, const struct image *image, const struct state_service *wanted,
		       struct serin_plan *ret, struct complaint *complaint);

/* Whether two plans send every client to the same backend: all but generation and epoch is equal. */
bool service_same_plan(const struct serin_plan *a, const struct serin_plan *b);

/* Whether a plan has no backend for its baseline. */
bool service_is_empty_plan(const struct serin_plan *plan);

/* What a plan read back from the kernel says, in names. False when the names do not fit the plan. */
bool service_read_plan(const struct serin_service *names, const struct serin_plan *plan, struct state_service *ret);

#endif
