/* SPDX-License-Identifier: BSD-2-Clause */
/* What must outlive the agent and the host: weights, generation, rollout and last change of every service, in one
 * JSON file that is replaced whole. */
#ifndef SERIN_STATE_H
#define SERIN_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <serin/abi.h>
#include "address.h"
#include "complaint.h"
#include "config.h"
#include "judge_meter.h"
#include "rollout.h"

#define STATE_FILE "state.json"
#define STATE_BY_LEN 32
#define STATE_REASON_LEN 257 /* 256 bytes and NUL */

/* What the last change was. Order of state_change_kind_names. */
enum state_change_kind {
	STATE_START,
	STATE_WEIGHTS,
	STATE_ROLLBACK,
	STATE_RELOAD,
	STATE_ROLLOUT,  /* a step of a rollout */
	STATE_BASELINE, /* somebody said which version it is */
	STATE_CHANGE_KINDS
};

struct state_change {
	char by[STATE_BY_LEN];         /* "uid 0", "token", "agent", "file" */
	char reason[STATE_REASON_LEN]; /* "": none given */
	int64_t at;                    /* seconds since 1970 */
	enum state_change_kind kind;
	bool reset; /* a rollback's: connections of versions on trial end with it */
};

struct state_version {
	char name[SERIN_VERSION_NAME_LEN];
	uint16_t weight; /* basis points; all of a service add up to SERIN_SLOTS */
};

/* A service's rollout, and its judge with the counts up to which it has been told. All zero: there has never been one. */
struct state_trial {
	struct rollout rollout;
	struct judge judge; /* settings.trials 0: none, plain checks alone */
	struct judge_meter told;
};

struct state_service {
	char name[SERIN_NAME_LEN];
	struct state_version versions[SERIN_MAX_VERSIONS];
	size_t version_count;
	size_t baseline; /* index into versions */
	bool lost;       /* nobody knows which one it is: no version gets anybody until somebody says */
	uint32_t generation;
	uint32_t epoch;   /* clients count once in each; moves with every generation, and in between; 0: generation's */
	uint64_t rollout; /* seed of the draw */
	struct state_change changed;
	struct state_trial trial;
};

/* A backend that was taken out by hand: as backend_format writes it, whatever its version. */
struct state_drain {
	char service[SERIN_NAME_LEN];
	char backend[ADDRESS_TEXT_LEN];
};

/* Interfaces that the programs were attached to, by device id; "" where there was none. */
struct state {
	struct state_service *services;
	size_t service_count;
	struct state_drain *drains;
	size_t drain_count;
	char devices[SERIN_MAX_DEVICES][CONFIG_INTERFACE_LEN];
};

/* "start", "weights", "rollback", "reload", "rollout", "baseline". */
const char *state_change_kind_name(enum state_change_kind kind);

/* Read DIRECTORY/state.json into *ret, which is then to be freed with state_free. -ENOENT: there is none; -EBADMSG and
 * a complaint: damaged; -EPROTO and a complaint: written by a newer serin. *ret is untouched on errors. */
int state_load(const char *directory, struct state *ret, struct complaint *complaint);

/* A damaged file gets the name state.json.damaged-TIME, so that nobody loses what is in it, and keeps the one it has until
 * the state is saved. ret_path has `size` bytes. */
int state_keep_aside(const char *directory, time_t now, char *ret_path, size_t size, struct complaint *complaint);

/* Replace the file, durably: when this has returned 0, neither a crash nor a power cut brings the old one back. Makes
 * the directory if it is not there. */
int state_save(const char *directory, const struct state *state, struct complaint *complaint);

/* A copy that has all of its own. 0, or -ENOMEM with *ret untouched. */
int state_copy(const struct state *from, struct state *ret);

/* Leaves it all zero. */
void state_free(struct state *state);

/* NULL when there is none of that name. */
struct state_service *state_find_service(const struct state *state, const char *name);
int state_find_version(const struct state_service *service, const char *name); /* index, or -ENOENT */

bool state_is_drained(const struct state *state, const char *service, const char *backend);
/* 0, or -ENOMEM with the state untouched. */
int state_set_drained(struct state *state, const char *service, const char *backend, bool drained);

/* Copy `service` over the one of its name, or add it. 0, or -ENOMEM with the state untouched. */
int state_put_service(struct state *state, const struct state_service *service);

#endif
