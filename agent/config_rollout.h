/* SPDX-License-Identifier: BSD-2-Clause */
/* What the configuration says about rollouts: schedule, judge, plain checks, and who is notified. Part of config.h. */
#ifndef SERIN_CONFIG_ROLLOUT_H
#define SERIN_CONFIG_ROLLOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "config_place.h"

#define CONFIG_MAX_STEPS 100       /* of one rollout */
#define CONFIG_MAX_PLAIN_CHECKS 16 /* of one rollout */
#define CONFIG_PLAIN_CHECK_LEN 32  /* a check's name and NUL */
#define CONFIG_MAX_NOTIFY 8        /* of one service */

/* What a step waits for when its time is over. */
enum config_pause { CONFIG_PAUSE_NONE, CONFIG_PAUSE_TIMED, CONFIG_PAUSE_MANUAL };

/* One share of the version on trial, and what must be over before the next one. */
struct config_step {
	unsigned int weight;     /* basis points, 1 to 10000, each above the one before */
	unsigned int for_ms;     /* to be judged for at least so long; 0: not waited for */
	enum config_pause pause; /* behind that */
	unsigned int pause_ms;   /* of CONFIG_PAUSE_TIMED */
};

/* What becomes of a step whose time, extensions included, is over without evidence of health. */
enum config_unproven { CONFIG_UNPROVEN_HOLD, CONFIG_UNPROVEN_ADVANCE, CONFIG_UNPROVEN_ROLLBACK };

/* What a rollout does, as the file has it; steps are never empty, in either form of the file. */
struct config_schedule {
	struct config_step steps[CONFIG_MAX_STEPS];
	size_t step_count;
	/* Basis points that the baseline keeps while anything is judged, 1 to 5000, default 500. */
	unsigned int holdback;
	enum config_unproven on_unproven; /* default hold */
	unsigned int extend;              /* a step's longest time in multiples of for_ms, 1 to 100, default 3 */
	unsigned int deadline; /* ms that a step may be worked on (pauses do not count), then rollback; 0: any time */
	bool reset; /* open connections end with a rollback: on_rollback of the rollout, else of the service */
};

/* The judge's settings. Ratios are those of trial to baseline. */
struct config_judge {
	unsigned int false_alarm; /* basis points: a version that is no worse is rolled back; 1 to 5000, default 100 */
	unsigned int false_pass;  /* basis points: a version that is not healthy is called so; the same */
	unsigned int settle;      /* ms that what a burst of failures says has to stand, 0 to 10000, default 100 */
	bool errors, latency, outcomes; /* which processes may roll back; default all */
	double errors_tolerate;         /* r0 of errors, 1 to 10, default 1 */
	double outcomes_tolerate;       /* the same of outcomes */
	unsigned int latency_tolerate;  /* basis points that answers may take longer, 0 to 10000, default 2000 */
	unsigned int warmup;            /* ms after a version's first traffic without latencies, default 60000 */
	double health_ratio;            /* r1: healthy is what is proven not to be so many times as bad, default 2 */
	unsigned int objective;         /* basis points of clients that may fail: healthy is also what is proven to be
	                                 * below it, default 100; 0: no such objective */
};

extern const struct config_judge config_judge_defaults;

enum config_plain_kind { CONFIG_PLAIN_ERRORS, CONFIG_PLAIN_LATENCY, CONFIG_PLAIN_PROMETHEUS };
enum config_plain_action { CONFIG_PLAIN_HOLD, CONFIG_PLAIN_ROLLBACK };

/* A bound that may be missing. */
struct config_bound {
	bool is_set;
	double value;
};

/* A rule over a window, outside the promise of false_alarm. At least one bound is set. */
struct config_plain_check {
	char name[CONFIG_PLAIN_CHECK_LEN]; /* "errors", "p50" ... "p99.9", else a Prometheus check's own */
	enum config_plain_kind kind;
	double quantile; /* latency: 0.5 to 0.999 */
	/* Fails above or below these. Values: errors, requests failed out of all, 0 to 1; latency, seconds; prometheus, as
	 * the query gives them. increase: trial less baseline (errors alone); ratio: trial by baseline. */
	struct config_bound max, min, max_increase, max_ratio, min_ratio;
	unsigned int window;             /* ms, 1 s to 1 h, default 60000; prometheus: from one query to the next */
	unsigned int min_requests;       /* of either version in a window, 1 to 1000000, default 100; prometheus: 0 */
	unsigned int in_a_row;           /* `for`: windows in a row that must fail, 1 to 100, default 1 */
	enum config_plain_action action; /* default hold */
	char *url;                       /* prometheus: "http://..." without a slash at its end; else NULL */
	char *query;                     /* prometheus: $version and $service are to be filled in; else NULL */
	struct config_place place;
};

struct config_rollout {
	int version; /* index into versions; -1: not said, whichever is not the baseline */
	struct config_schedule schedule;
	struct config_judge judge;
	struct config_plain_check *checks;
	size_t check_count;
	struct config_place place;
};

/* What there is to be notified of. */
enum config_notice {
	CONFIG_NOTICE_START,    /* a rollout begins, for the first time or again */
	CONFIG_NOTICE_STEP,     /* it goes to another step */
	CONFIG_NOTICE_PAUSE,    /* it waits for somebody or something */
	CONFIG_NOTICE_RESUME,   /* it does so no more */
	CONFIG_NOTICE_DONE,     /* completed */
	CONFIG_NOTICE_FINISH,   /* the version is the baseline now */
	CONFIG_NOTICE_ROLLBACK, /* rolled back */
	CONFIG_NOTICE_ABORT,    /* given up by somebody */
	CONFIG_NOTICES,
};

/* Somebody who is told by HTTP POST. */
struct config_notify {
	char *url;       /* may hold a secret: not to be shown */
	unsigned int on; /* bits of 1 << enum config_notice; default rollback, pause, done */
	struct config_place place;
};

struct config_service;

/* A rollout section once more, sharing nothing: a rollout that runs keeps the one that it began with. NULL for NULL, or
 * out of memory. */
struct config_rollout *config_rollout_copy(const struct config_rollout *rollout);
/* NULL is fine. Returns NULL. */
struct config_rollout *config_rollout_free(struct config_rollout *rollout);

/* The version that a rollout is of while `baseline` (index) is the baseline: the one named in the file, of two versions
 * the other where that is the baseline by now. Index, or -ENOENT where somebody has to name one. */
int config_rollout_version(const struct config_service *service, size_t baseline);

/* "5% for 15m", "50% until promoted", "50% for 15m and a pause of 1h". */
#define CONFIG_STEP_TEXT_LEN 80
const char *config_step_format(const struct config_step *step, char *buffer);

/* "errors more than 3% above the baseline's , over 1m from 100 requests on". */
#define CONFIG_PLAIN_TEXT_LEN 256
const char *config_plain_format(const struct config_plain_check *check, char *buffer);

/* As in the file: "hold", "rollback", "pause". */
const char *config_unproven_name(enum config_unproven unproven);
const char *config_plain_action_name(enum config_plain_action action);
const char *config_notice_name(enum config_notice notice);

#endif
