/* SPDX-License-Identifier: BSD-2-Clause */
/* The controller: owns configuration, tables, weights and state, and is the only one who changes them. */
#ifndef SERIN_CONTROLLER_H
#define SERIN_CONTROLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "complaint.h"
#include "config.h"
#include "config_diff.h"
#include "counters.h"
#include "datapath.h"
#include "devices.h"
#include "discovery.h"
#include "events.h"
#include "exhaustion.h"
#include "flow_log.h"
#include "history.h"
#include "image.h"
#include "leaving.h"
#include "liveness.h"
#include "loop.h"
#include "neigh.h"
#include "outbox.h"
#include "nexthops.h"
#include "service.h"
#include "state.h"
#include "sweeper.h"
#include "weights.h"

struct controller_options {
	const char *pin_dir;
	const char *state_dir;
	struct events *events; /* where decisions go; read by the API */
};

/* Since this agent began. */
struct rollout_counts {
	uint64_t rollbacks[ROLLOUT_CAUSES];
	uint64_t trips[SERIN_GUARD_REASON_COUNT]; /* the kernel took a version out alone: its line, or its lease */
	uint64_t outcomes_lost; /* failures that an application has told of, and that did not count for want of room */
};

/* What has befallen a rollout, is told of once, and could not be made to hold. Strings are constants. */
struct rollout_owed {
	enum rollout_event_kind kind;
	enum rollout_cause cause;
	const char *by, *reason;
	uint64_t number;  /* of the rollout */
	int64_t again_ms; /* not tried before that; 0: nothing is owed */
};

/* For reading by those who show it; changes go through the functions below. */
struct controller {
	struct controller_options options;
	time_t started;
	struct config *config;
	struct datapath *datapath;
	int pin_lock; /* on the pin directory, or -1 */
	bool at_work; /* traffic ran by the tables when this agent started */
	struct neigh *neigh;
	struct nexthops nexthops;
	struct devices devices;
	struct image image;
	struct state state;
	char damaged[512];        /* where the state's file is kept that this agent could not read; "": it could */
	bool unsaved;             /* the state's file is older than `state`: saved again at every tick */
	struct service *services; /* in the order of the configuration */
	size_t service_count;
	struct counters counters;
	struct sweeper *sweeper;
	struct leaving *leaving;
	struct liveness *liveness;
	struct discovery *discovery;
	struct fetcher *fetcher;
	struct outbox *outbox;
	bool heard[SERIN_MAX_SERVICES];                           /* by id: its application tells of outcomes */
	struct trial *trials[SERIN_MAX_SERVICES];                 /* by service id; NULL: no rollout */
	struct rollout_counts rollout_counts[SERIN_MAX_SERVICES]; /* by service id */
	struct rollout_owed owed[SERIN_MAX_SERVICES];             /* by service id */
	struct loop_source *found;                                /* a while after lists of backends have changed */
	struct complaint unusable;         /* why the lists that were found are not at work; "": they are */
	bool forsaken[SERIN_MAX_SERVICES]; /* by id: its baseline has no live backend, and that has been said */
	struct exhaustion exhaustion;
	struct flow_log *flow_log;
	struct history *history[SERIN_MAX_SERVICES]; /* by service id; NULL: none yet */
	double tick_seconds;
	struct log_limit limit, save_limit, failure_limit;
};

/* Bring the kernel to the configuration, as far as attached programs; a restart continues where the last agent stopped.
 * Takes seconds at most. Options' strings stay the caller's and must outlive the controller; the configuration is the
 * controller's own when this has returned 0. */
int controller_open(const struct controller_options *options, struct config *config, struct controller **ret,
		    struct complaint *complaint);
/* Leaves links, maps and traffic as they are. NULL is fine. Returns NULL. */
struct controller *controller_close(struct controller *controller);

/* Persist the state once with the privileges that are left: root without CAP_DAC_OVERRIDE writes less than root, and that
 * is better seen at the start than at the first rollback. On failure what this start attached is taken away again. */
int controller_check_state(struct controller *controller, struct complaint *complaint);

/* Add the netlink socket, and a tick every second. Call it with the privileges that the agent will have: what cannot be
 * persisted with them fails now, with a log line that says so. */
int controller_add_to_loop(struct controller *controller, struct loop *loop);

/* Write the state's file; a failure is tried again at every tick. */
int controller_save(struct controller *controller, struct complaint *complaint);

/* NULL when there is none of that name. */
struct service *controller_find_service(const struct controller *controller, const char *name);

/* 0, or -EAGAIN and the reason why clients should not be sent here yet. */
int controller_ready(const struct controller *controller, struct complaint *complaint);

/* Counters as of now, for whoever shows them. */
void controller_refresh(struct controller *controller);

/* What was measured of a service is forgotten: its weights are others. */
void controller_restart_window(struct controller *controller, struct service *service);

/* controller_history.c: once a second; what there is of a service, or NULL. */
void controller_keep_history(struct controller *controller);
const struct history *controller_history(const struct controller *controller, const struct service *service);
void controller_free_history(struct controller *controller);

/* Who wants a change, and on what grounds. */
struct controller_request {
	const char *by;
	const char *reason;  /* NULL: none given */
	bool has_generation; /* refuse with -ESTALE unless the service is at `generation` */
	uint32_t generation;
	enum leaving_mode flows; /* a rollback's: what becomes of the connections of versions on trial */
};

/* Build the plan, persist, swap, log. All or nothing: 0, or a complaint and -ESTALE, -ENOENT (no such version), -EINVAL
 * (shares that do not fit), -ENODATA (the baseline is lost), or what persisting or swapping gave. A rollback does not wait for persisting. */
int controller_set_weights(struct controller *controller, struct service *service,
			   const struct controller_request *request, const struct weights_wish *wishes, size_t count,
			   struct complaint *complaint);
int controller_rollback(struct controller *controller, struct service *service,
			const struct controller_request *request, struct complaint *complaint);

/* Say which version is the baseline of a service that has lost it: it gets everybody. 0, or a complaint and -ESTALE, -ENOENT
 * (no such version), -EBUSY (it is known), or what persisting or swapping gave. */
int controller_set_baseline(struct controller *controller, struct service *service,
			    const struct controller_request *request, const char *version, struct complaint *complaint);
/* Whether it is known: 0, or -ENODATA and a complaint that says what to do. */
int controller_check_baseline(const struct service *service, struct complaint *complaint);

/* Take a backend out of the rings of its versions, or put it back: its flows live on, no other client moves, the generation
 * stays, and so does the wish over restarts. `text`: as backend_parse takes it. 0, or a complaint and -EINVAL (no address,
 * or the last one that takes the clients of a version with a share), -ENOENT (none of this service), or what persisting or
 * writing gave; then nothing is changed. */
int controller_drain_backend(struct controller *controller, struct service *service,
			     const struct controller_request *request, const char *text, bool drain,
			     struct complaint *complaint);

/* controller_backends.c: whether shares may be raised to `wanted`: -EINVAL and a complaint where nobody takes the clients. */
int controller_check_takers(const struct controller *controller, const struct service *service,
			    const struct state_service *wanted, struct complaint *complaint);
/* The flags of all backends in an image that was just built, as the state says. */
void controller_mark_drained(const struct state *state, struct image *image);
/* And whose places others have, once it is known who is out. */
void controller_mark_replaced(struct image *image);

/* The backends that have been found are others: a reload of everything but the file. */
int controller_apply_found(struct controller *controller, struct complaint *complaint);

/* The rings of the service of that id as its backends' health asks for; a version on trial that has nobody left gets a share
 * of 0 %. 0, or a negative errno: to be tried again. */
int controller_backends_changed(struct controller *controller, unsigned int id);

/* Whether the baseline has a live backend, and a word about it when that has changed. */
void controller_watch_baseline(struct controller *controller, const struct service *service);

/* controller_change.c: one version on trial to 0 %, as by a rollback. */
int controller_withdraw(struct controller *controller, struct service *service, size_t version,
			const struct controller_request *request, struct complaint *complaint);

/* Read the configuration's file again and bring the kernel to it, whole or not at all: 0 and what has changed, to be freed
 * with config_diff_free; nothing in it: the file says what runs. With `check` nothing is changed, and that is what would
 * be. Else a complaint and nothing changed: -ECANCELED when the kernel refused a change half-way and everything is as it
 * was again, and -EUCLEAN when even going back failed. Other flows than those of removed backends do not notice. Logs
 * what it did. */
int controller_reload(struct controller *controller, const struct controller_request *request, bool check,
		      struct config_diff *ret, struct complaint *complaint);

#endif
