/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge of one version on trial: is it worse than the baseline, is it as good, or is that not known yet? Pure.
 * The method is that of e-processes on clients: whom the draw gave to the trial version among those that met an
 * incident. */
#ifndef SERIN_JUDGE_H
#define SERIN_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "complaint.h"
#include "evidence.h"

/* What can find a regression: name and words. */
#define JUDGE_CHECK_LIST(X)                             \
	X(ERRORS, "errors", "more clients meet errors") \
	X(LATENCY, "latency", "more clients wait long") \
	X(OUTCOMES, "outcomes", "more clients report failures")

enum judge_check {
#define JUDGE_ENUM(id, name, words) JUDGE_##id,
	JUDGE_CHECK_LIST(JUDGE_ENUM)
#undef JUDGE_ENUM
		JUDGE_CHECKS
};

/* What is counted, each client once per process: incidents, slow answers by quantile, and failures that the application
 * reports. Latency judges by the mean of its three. */
#define JUDGE_STREAM_LIST(X)               \
	X(FAILED, ERRORS, "failed")        \
	X(SLOW_P90, LATENCY, "slow_p90")   \
	X(SLOW_P99, LATENCY, "slow_p99")   \
	X(SLOW_P999, LATENCY, "slow_p999") \
	X(REPORTED, OUTCOMES, "reported")

enum judge_stream {
#define JUDGE_ENUM(id, check, name) JUDGE_##id,
	JUDGE_STREAM_LIST(JUDGE_ENUM)
#undef JUDGE_ENUM
		JUDGE_STREAMS
};

/* R counts a client once per rollout and carries its evidence over changes of weight; G counts it once per epoch, and
 * begins again with each. */
enum judge_process { JUDGE_R, JUDGE_G, JUDGE_PROCESSES };

struct judge_settings {
	double false_alarm;  /* of all versions on trial together, ever: above 0, below 1 */
	double false_health; /* the chance of ever calling a version well that is `worse` times as bad: likewise */
	unsigned int trials; /* versions on trial at a time, who share false_alarm; 1 at least */
	bool checks[JUDGE_CHECKS];      /* those that count; they share false_alarm, too. One at least */
	double tolerate;                /* of errors and outcomes: a ratio up to this is no regression; 1 at least */
	double worse;                   /* a version is well when it is shown not to be so many times as bad; above 1 */
	double objective[JUDGE_CHECKS]; /* or when fewer than this share of its clients fail; below 1. 0: none */
};

extern const struct judge_settings judge_defaults; /* false_alarm 1 %, errors and latency, worse than 2 */

/* What one tick brought. */
struct judge_sample {
	/* w_trial / (w_trial + w_baseline) as assigned; the larger one of a tick within which it moved. */
	double share;
	struct evidence_counts counts[JUDGE_STREAMS][JUDGE_PROCESSES];
	uint64_t clients[JUDGE_CHECKS]; /* of the trial version, new in this rollout: so many at least */
	int64_t at_ms; /* on any clock that does not go back; above 0. A sample that is 1 s after the last one, or the
			* first, says nothing of latency: its slow clients are not those of one moment */
	uint32_t settle_ms; /* see struct judge_burst; 0: evidence counts at once */
};

/* What befalls both versions does not begin at both in the same millisecond: a threshold that is reached in a burst, with the
 * third of the trial version's clients within `settle_ms`, has to be reached for as long, as in bpf/guard.h. An e-process may
 * be looked at later, too: the promise stays what it is. */
struct judge_burst {
	int64_t met_ms[2]; /* ticks that brought the trial version's last client, and the one before; 0: none */
	int64_t crossed_ms[JUDGE_PROCESSES]; /* since when the threshold is reached; 0: it is not */
};

struct judge {
	struct judge_settings settings;
	uint32_t epoch; /* j, the number of the present G; 1 at first */
	double share;   /* the last that was a share */
	struct evidence worse[JUDGE_STREAMS][JUDGE_PROCESSES], better[JUDGE_STREAMS][JUDGE_PROCESSES];
	uint64_t before[JUDGE_STREAMS]; /* clients that R had counted when the epoch began */
	double fresh[JUDGE_STREAMS]; /* of an epoch's clients, the share that R counted too; of the last with enough */
	uint64_t clients[JUDGE_CHECKS];
	struct judge_burst burst[JUDGE_CHECKS]; /* not persisted */
	int64_t told_ms;                        /* the last tick's at_ms; not persisted */
	bool returned;                          /* judge_returned(): R learns nothing any more */
	bool regression;                        /* found once, it stays */
	enum judge_check check;                 /* by which it was found */
	enum judge_process process;
	double ln_found; /* ln E and the threshold of that moment */
	double ln_required;
};

const char *judge_check_name(enum judge_check check);
const char *judge_check_words(enum judge_check check);
const char *judge_stream_name(enum judge_stream stream);
enum judge_check judge_stream_check(enum judge_stream stream);

/* 0, or -EINVAL with a complaint. */
int judge_settings_check(const struct judge_settings *settings, struct complaint *complaint);

/* A rollout begins, or is tried again, for which a new permutation is drawn. The settings have been checked. */
void judge_begin(struct judge *judge, const struct judge_settings *settings);

/* A new epoch: with every change of weight, and every five minutes. Evidence of the epoch that ends is gone but for
 * R's, so tick and look before. */
void judge_epoch(struct judge *judge);

/* Another version on trial has lost clients to the baseline. Those that it had failed are not counted by R a second time,
 * so that the baseline seems to fail fewer than it does, and a version that is no worse is found to be: what R knows by
 * now stays, and from now on only G learns, for which all clients are new with each epoch. */
void judge_returned(struct judge *judge);

/* True when it has found a regression, in this tick or before. */
bool judge_tick(struct judge *judge, const struct judge_sample *sample);

struct evidence_against judge_against(const struct judge_settings *settings, enum judge_stream stream);

/* What health has to refute now. A version that is so many times as bad has also used up more of the clients that R
 * still counts: among those that are left, its incidents are fewer. So R's null is `worse` times the share to the
 * power of `worse` - 1 that is left of the baseline's, for which the share of new ones among the epoch's clients
 * stands. Null 0: nothing can be learnt of R. */
struct evidence_against judge_against_health(const struct judge *judge, enum judge_stream stream,
					     enum judge_process process);

/* ln E of a check, and what it has to reach. */
double judge_ln_worse(const struct judge *judge, enum judge_check check, enum judge_process process);
double judge_ln_better(const struct judge *judge, enum judge_check check, enum judge_process process);
double judge_ln_required(const struct judge *judge, enum judge_process process);

/* Either the split or the objective shows health, of a version that is neither; so each may spend half of false_health:
 * whoever is as bad as that in both respects is called well by the one or the other in at most all of it. With no
 * objective its half is not spent. */
double judge_ln_required_better(const struct judge *judge, enum judge_process process);
double judge_ln_required_objective(const struct judge *judge);

enum judge_finding { JUDGE_UNPROVEN, JUDGE_HEALTHY, JUDGE_REGRESSION };

/* "unproven", "healthy", "regression". */
const char *judge_finding_name(enum judge_finding finding);

struct judge_figure {
	double ln, required; /* ln E, and ln of what it has to reach */
};

struct judge_verdict {
	enum judge_finding finding;
	bool pending; /* a regression may be found within settle_ms, with nobody new: until then there is no health */
	enum judge_check check; /* of a regression */
	enum judge_process process;
	/* Of the checks that count; zero of the others. */
	struct judge_figure worse[JUDGE_CHECKS][JUDGE_PROCESSES], better[JUDGE_CHECKS][JUDGE_PROCESSES];
	struct judge_figure objective[JUDGE_CHECKS]; /* errors and outcomes, when there is one */
	bool well[JUDGE_CHECKS];                     /* health is shown */
	/* ln E over what it has to reach, of the process that is nearest to that: 1 is enough; 0 at least. */
	double ratio[JUDGE_CHECKS];
	/* What is missing. */
	double detectable;       /* a ratio of errors that would have been seen by now, most likely; INFINITY: none */
	uint64_t more_incidents; /* clients of the baseline that meet one, and none of the trial version, show health */
	uint64_t more_clients;   /* clients of the trial version without one do. UINT64_MAX: no number does */
};

void judge_verdict(const struct judge *judge, struct judge_verdict *ret);

/* All of it but what is missing, which takes the longest. */
void judge_find(const struct judge *judge, struct judge_verdict *ret);

#endif
