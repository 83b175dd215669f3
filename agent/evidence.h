/* SPDX-License-Identifier: BSD-2-Clause */
/* One e-process: evidence from the clients that met an incident, valid at every moment it is looked at. Pure. */
#ifndef SERIN_EVIDENCE_H
#define SERIN_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#define EVIDENCE_MOST 8 /* alternatives of one process */

/* Clients, each counted once by the process that they feed. */
struct evidence_counts {
	uint64_t trial, baseline;
};

/* What is held against the null hypothesis "the trial version's clients meet an incident at most (`worse`) or at least
 * (`better`) `null` times as often as the baseline's": ratios that are so many times `null`. */
struct evidence_against {
	double null;
	unsigned int count;
	double times[EVIDENCE_MOST];
};

/* All zero is one that has seen nothing. */
struct evidence {
	double ln[EVIDENCE_MOST]; /* logarithm of the likelihood ratio of each alternative to the null */
	struct evidence_counts seen;
	double largest; /* evidence_add_joint(): the most at once, of the baseline, over its share */
};

/* Against "not worse than `tolerated` times as bad": 1.25 to 100 times that. */
struct evidence_against evidence_worse(double tolerated);

/* Against "at least `worse` times as bad" (> 1): as good as the baseline, and twice as good. */
struct evidence_against evidence_better(double worse);

/* Is it a share that a draw can have: above 0 and below 1? Nothing else teaches anything. */
bool evidence_share_is_valid(double share);

/* Clients that met an incident while the share `share` = w_trial / (w_trial + w_baseline) was assigned to the trial
 * version. A share of 0, of 1 or that is none changes nothing. */
void evidence_add(struct evidence *evidence, const struct evidence_against *against, struct evidence_counts counts,
		  double share);

/* The same for clients that may all have met one and the same thing, such as a server that stalled: together they are one
 * observation, so that it is worth what the draw is worth once, and not once for each of them. For evidence_worse(). */
void evidence_add_joint(struct evidence *evidence, const struct evidence_against *against,
			struct evidence_counts counts, double share);

/* ln E, the mean over the alternatives. */
double evidence_ln(const struct evidence *evidence, const struct evidence_against *against);

/* ln of the mean of exp(x): a mean of e-values is an e-value. */
double evidence_ln_mean(const double *x, unsigned int count);

/* By how much one client of the trial version raises ln L of an alternative, less what one client of the baseline
 * takes: `ret_b` is that. ln L += trial * a - baseline * b. */
double evidence_step(const struct evidence_against *against, unsigned int alternative, double share, double *ret_b);

/* ln E that is to be expected of `baseline` clients when the trial version is `ratio` times as bad. */
double evidence_expected(const struct evidence_against *against, uint64_t baseline, double ratio, double share);

/* How many more clients of the baseline, and none of the trial version, bring ln E up to `ln_threshold`; UINT64_MAX: no
 * number will. Meant for evidence_better(). */
uint64_t evidence_needed(const struct evidence *evidence, const struct evidence_against *against, double share,
			 double ln_threshold);

/* The absolute objective: against "the share of the trial version's clients that meet an incident is `objective` or
 * more" (above 0, below 1), `failed` of `clients` did. ln E of a mixture of half, a tenth and a hundredth of it. */
double evidence_objective(double objective, uint64_t failed, uint64_t clients);

/* How many more clients without an incident bring it up to `ln_threshold`. */
uint64_t evidence_objective_needed(double objective, uint64_t failed, uint64_t clients, double ln_threshold);

#endif
