/* SPDX-License-Identifier: BSD-2-Clause */
/* A rollout as a state machine: (state, event) -> (state, actions). Pure: time comes with the events, and whoever carries
 * out the actions saves the state before anything else. */
#ifndef SERIN_ROLLOUT_H
#define SERIN_ROLLOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <serin/abi.h>
#include "complaint.h"
#include "config_rollout.h"

#define ROLLOUT_RELEASE_LEN 65 /* 64 bytes and NUL */
#define ROLLOUT_REASON_LEN 257 /* 256 bytes and NUL, like a state_change's */
#define ROLLOUT_BY_LEN 32
#define ROLLOUT_MAX_ACTIONS 8
#define ROLLOUT_EPOCH_MS 300000u /* the G process begins anew at least so often */
#define ROLLOUT_MAX_GAP_MS 10000 /* two events further apart count as this: nobody was watching, or a clock was set */

enum rollout_state {
	ROLLOUT_IDLE,        /* none, or the last one was finished */
	ROLLOUT_PROGRESSING, /* a step runs */
	ROLLOUT_PAUSED,      /* a step runs and does not end by its time; see enum rollout_pause */
	ROLLOUT_COMPLETED,   /* all steps passed; nothing is judged any more */
	ROLLOUT_ROLLED_BACK, /* latched: this release is not started again but by `retry` */
	ROLLOUT_ABORTED,     /* somebody gave it up */
	ROLLOUT_STATES,
};

/* Why a step does not end by its time, and what ends the pause. */
enum rollout_pause {
	ROLLOUT_NOT_PAUSED,
	ROLLOUT_PAUSE_USER,   /* somebody's wish, over any other pause: resume; promote */
	ROLLOUT_PAUSE_MANUAL, /* the step's own, `pause: manual`: promote */
	ROLLOUT_PAUSE_TIMED,  /* the step's own, `pause: 1h`: its time; promote */
	ROLLOUT_PAUSE_HOLD, /* a check fails or health is unproven: health and checks that pass; resume (the step gets its
	                       * time once more); promote */
	ROLLOUT_PAUSE_REBOOT, /* the host was started anew and everything is the baseline's: resume */
	ROLLOUT_PAUSES,
};

/* Why it is as it is. Labels of serin_rollbacks_total where it was rolled back. */
enum rollout_cause {
	ROLLOUT_BY_NOTHING,
	ROLLOUT_BY_ERRORS, /* the judge's three, found by the agent or by the kernel's guard */
	ROLLOUT_BY_LATENCY,
	ROLLOUT_BY_OUTCOMES,
	ROLLOUT_BY_CHECK,      /* a plain check */
	ROLLOUT_BY_UNPROVEN,   /* the step's time is over without evidence of health */
	ROLLOUT_BY_DEADLINE,   /* of a step */
	ROLLOUT_BY_NO_BACKEND, /* none of the version on trial lives */
	ROLLOUT_BY_BACKENDS,   /* they are others than before */
	ROLLOUT_BY_REBOOT,
	ROLLOUT_BY_USER,
	ROLLOUT_CAUSES,
};

/* What the version may have of a service besides what its steps say. */
struct rollout_limits {
	unsigned int capacity; /* of the version, basis points */
	unsigned int others;   /* share of the versions on trial that this rollout is not about */
};

/* Plain data: copied by assignment, and written whole by rollout_json.h. */
struct rollout {
	enum rollout_state state;
	enum rollout_pause pause; /* ROLLOUT_NOT_PAUSED but in ROLLOUT_PAUSED */
	enum rollout_pause under; /* what somebody's pause lies over */
	char version[SERIN_VERSION_NAME_LEN];
	char release[ROLLOUT_RELEASE_LEN]; /* "": not said */
	bool blind;                        /* begun although nothing shows how answers are */
	uint64_t number;                   /* seeds the draw of clients: moves with every start, retry and restart */
	struct config_schedule schedule;   /* as it was when it began */
	size_t step;
	unsigned int weight;  /* that the version is to have, basis points; somebody may set another during a pause */
	uint64_t judged_ms;   /* of the step: that count towards its time */
	uint64_t worked_ms;   /* of the step: that count towards its deadline */
	uint64_t waited_ms;   /* of its timed pause */
	uint64_t epoch_ms;    /* since the epoch began */
	bool waited;          /* its pause is over */
	bool extended;        /* its time was over, and health is awaited */
	int64_t now;          /* of the last event, ms since 1970 */
	int64_t began, since; /* when the rollout began; when the state, the pause or the step last changed */
	enum rollout_cause cause;
	char reason[ROLLOUT_REASON_LEN];
	char by[ROLLOUT_BY_LEN];
	uint32_t notices;           /* told so far in this rollout */
	enum config_notice noticed; /* the last of them */
};

enum rollout_event_kind {
	ROLLOUT_START,
	ROLLOUT_RETRY, /* the release that was rolled back or aborted, from the first step on */
	ROLLOUT_PAUSE,
	ROLLOUT_RESUME,
	ROLLOUT_PROMOTE, /* the next step now */
	ROLLOUT_ABORT,
	ROLLOUT_FINISH, /* the completed version becomes the baseline */
	ROLLOUT_ROLLBACK,
	ROLLOUT_BACKENDS,  /* those of the version on trial are others: what was learned is about others, too */
	ROLLOUT_RESTARTED, /* the agent was: once, before the first tick */
	ROLLOUT_REBOOTED,  /* the same, and the host was */
	ROLLOUT_TICK,
	ROLLOUT_EVENTS,
};

enum rollout_health { ROLLOUT_UNPROVEN, ROLLOUT_HEALTHY, ROLLOUT_REGRESSION };

/* Of all plain checks together: the worst. A service without checks passes. */
enum rollout_checks {
	ROLLOUT_CHECKS_PASS,
	ROLLOUT_CHECKS_NO_DATA,
	ROLLOUT_CHECKS_PENDING, /* one has not looked in this step as yet: no step ends before it has */
	ROLLOUT_CHECKS_HOLD,
	ROLLOUT_CHECKS_ROLLBACK,
};

struct rollout_verdict {
	enum rollout_health health;
	enum rollout_cause cause; /* of ROLLOUT_REGRESSION: errors, latency or outcomes */
	const char *reason;       /* the figures in words; NULL: none */
	enum rollout_checks checks;
	const char *checks_reason; /* "cpu: 1.8 times the baseline's, at most 1.5"; NULL: none */
	bool pending;   /* a regression may be found in a moment: until then nothing goes on, and the epoch stays */
	bool suspended; /* the baseline has no live backend: nothing is rolled back to it, and nothing advances */
};

struct rollout_event {
	enum rollout_event_kind kind;
	int64_t now;        /* ms since 1970 */
	const char *by;     /* "uid 0", "token", "agent", "kernel" */
	const char *reason; /* NULL: none given */
	struct rollout_limits limits;
	/* start: */
	const char *version, *release; /* release: NULL or "" when not said; of a retry, too: NULL means the same */
	bool blind;
	const char *unseen; /* what is not seen of the version's answers, so that it takes `blind`; NULL: nothing */
	/* start and retry: as the configuration has it now; NULL: it has none */
	const struct config_schedule *schedule;
	/* rollback: */
	enum rollout_cause cause;
	/* rollback and abort: whether open connections are reset; NULL: as the schedule says (rollback), no (abort) */
	const bool *reset;
	/* finish: the share that the version has, which somebody may have set since */
	unsigned int share;
	/* tick: */
	struct rollout_verdict verdict;
};

enum rollout_action_kind {
	/* First of every list: write the state, with all weights and roles of this list in it, before the kernel, the
	 * judge or anybody else learns of them. */
	ROLLOUT_SAVE,
	ROLLOUT_DRAW,   /* clients are drawn anew by rollout->number; the judge begins with nothing */
	ROLLOUT_WEIGHT, /* `version` gets `weight`, the baseline what is left; a new epoch, too */
	ROLLOUT_EPOCH,  /* the same plan with another epoch */
	ROLLOUT_RESET,  /* open connections of `version` are reset */
	ROLLOUT_ROLES,  /* `version` is the baseline and has what the others leave; the baseline has nothing any more */
	ROLLOUT_NOTIFY, /* `notice` number `notices` of rollout `number`: the key of a notification */
};

struct rollout_action {
	enum rollout_action_kind kind;
	unsigned int weight;
	enum config_notice notice;
};

struct rollout_actions {
	struct rollout_action item[ROLLOUT_MAX_ACTIONS];
	size_t count;
};

/* 0, *rollout moved and *ret filled (perhaps with nothing); or with both untouched and a complaint that says why not and
 * what to do instead: -EBUSY where the state does not allow it, -EINVAL where the event lacks something. Ticks and what
 * happens by itself never fail. */
int rollout_apply(struct rollout *rollout, const struct rollout_event *event, struct rollout_actions *ret,
		  struct complaint *complaint);

/* Whether the judge looks on, and the kernel holds lines and a lease: progressing and paused. */
bool rollout_is_judged(const struct rollout *rollout);

/* What a step gives, as far as limits allow: while it is judged, and when it was the last and has passed. */
unsigned int rollout_judged_share(const struct config_schedule *schedule, size_t step, struct rollout_limits limits);
unsigned int rollout_last_share(const struct config_schedule *schedule, struct rollout_limits limits);

/* ms until the step's time, its extension or its timed pause is over; 0: it is over, or no time ends it. */
uint64_t rollout_remaining(const struct rollout *rollout);

/* "rolled_back", "hold", "no_backend", "promote". */
const char *rollout_state_name(enum rollout_state state);
const char *rollout_pause_name(enum rollout_pause pause);
const char *rollout_cause_name(enum rollout_cause cause);
const char *rollout_event_name(enum rollout_event_kind kind);

#endif
