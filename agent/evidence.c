/* SPDX-License-Identifier: BSD-2-Clause */
/* E-processes on the split of incidents between two versions: mixtures of likelihood ratios of binomial draws. */
#include "evidence.h"

#include <math.h>

struct evidence_against evidence_worse(double tolerated)
{
	return (struct evidence_against){ tolerated, 8, { 1.25, 1.5, 2, 3, 5, 10, 30, 100 } };
}

struct evidence_against evidence_better(double worse)
{
	return (struct evidence_against){ worse, 2, { 1 / worse, 0.5 / worse } };
}

bool evidence_share_is_valid(double share)
{
	return share > 0 && share < 1;
}

/* b = ln((g r q + 1 - q) / (r q + 1 - q)), which is what the alternative expects more of an incident wherever it
 * happens. By log1p, since b is small where q is, and many of them are added. */
static double expected_more(const struct evidence_against *against, unsigned int alternative, double share)
{
	double known = against->null * share + 1 - share;

	return log1p((against->times[alternative] - 1) * against->null * share / known);
}

static void add(double ln[EVIDENCE_MOST], const struct evidence_against *against, double trial, double baseline,
		double share)
{
	for (unsigned int i = 0; i < against->count; i++)
		ln[i] += trial * log(against->times[i]) - (trial + baseline) * expected_more(against, i, share);
}

void evidence_add(struct evidence *evidence, const struct evidence_against *against, struct evidence_counts counts,
		  double share)
{
	if (!evidence_share_is_valid(share) || (!counts.trial && !counts.baseline))
		return;
	add(evidence->ln, against, (double)counts.trial, (double)counts.baseline, share);
	evidence->seen.trial += counts.trial;
	evidence->seen.baseline += counts.baseline;
}

/* Clients of the baseline that count whatever its share is: where that is small they come one by one or not at all, and a
 * bound that cut many of those would make it look better than it is. */
#define BASELINE_LEAST 5

/* So many of either count at once. A bound must not depend on what it bounds, only on what came before; and what the
 * baseline is met by must count in full from then on, for it is paid back: those clients are not met again, so that the trial
 * version's are more among those that are left. */
struct bounds {
	double trial, baseline;
};

static struct bounds bounds_of(const struct evidence *evidence, double null_share)
{
	double both = fmax(evidence->largest, 1 / null_share);

	return (struct bounds){ null_share * both, fmax((1 - null_share) * both, BASELINE_LEAST) };
}

/* A client by itself multiplies the likelihood ratio by exp(a) or exp(-b), of which the expectation is 1 under the null. The
 * mean of such factors, one for each client and 1 for each that there could have been, has that expectation however the
 * clients depend on each other: a bet on a bounded difference (I. Waudby-Smith, A. Ramdas, "Estimating means of bounded
 * random variables by betting", 2024). Of one client at most, it is the ratio itself. */
void evidence_add_joint(struct evidence *evidence, const struct evidence_against *against,
			struct evidence_counts counts, double share)
{
	double null_share, trial, baseline;
	struct bounds most;

	if (!evidence_share_is_valid(share) || (!counts.trial && !counts.baseline))
		return;
	null_share = against->null * share / (against->null * share + 1 - share);
	most = bounds_of(evidence, null_share);
	trial = fmin((double)counts.trial, most.trial) / (most.trial + most.baseline);
	baseline = fmin((double)counts.baseline, most.baseline) / (most.trial + most.baseline);
	for (unsigned int i = 0; i < against->count; i++) {
		double b, a = evidence_step(against, i, share, &b);

		evidence->ln[i] += log1p(trial * expm1(a) + baseline * expm1(-b));
	}
	evidence->largest = fmax(evidence->largest, (double)counts.baseline / (1 - null_share));
	evidence->seen.trial += counts.trial;
	evidence->seen.baseline += counts.baseline;
}

double evidence_ln_mean(const double *x, unsigned int count)
{
	double most = x[0], sum = 0;
	unsigned int i;

	for (i = 1; i < count; i++)
		most = x[i] > most ? x[i] : most;
	for (i = 0; i < count; i++)
		sum += exp(x[i] - most);
	return most + log(sum / count);
}

double evidence_ln(const struct evidence *evidence, const struct evidence_against *against)
{
	return evidence_ln_mean(evidence->ln, against->count);
}

double evidence_step(const struct evidence_against *against, unsigned int alternative, double share, double *ret_b)
{
	*ret_b = expected_more(against, alternative, share);
	return log(against->times[alternative]) - *ret_b;
}

double evidence_expected(const struct evidence_against *against, uint64_t baseline, double ratio, double share)
{
	double ln[EVIDENCE_MOST] = { 0 };

	add(ln, against, (double)baseline * ratio * share / (1 - share), (double)baseline, share);
	return evidence_ln_mean(ln, against->count);
}

#define NEEDED_MOST (1ull << 40)

typedef double reached_fn(const void *context, uint64_t more);

/* The smallest number for which a function that does not fall reaches the threshold. */
static uint64_t smallest(reached_fn *reached, const void *context, double ln_threshold)
{
	uint64_t low = 0, high = 1, middle; /* not enough (or 0), enough */

	if (reached(context, 0) >= ln_threshold)
		return 0;
	for (; reached(context, high) < ln_threshold; high *= 2) {
		if (high >= NEEDED_MOST)
			return UINT64_MAX;
		low = high;
	}
	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (reached(context, middle) < ln_threshold)
			low = middle;
		else
			high = middle;
	}
	return high;
}

struct split {
	const struct evidence *evidence;
	const struct evidence_against *against;
	double share;
};

static double with_more_of_baseline(const void *context, uint64_t more)
{
	const struct split *split = context;
	struct evidence after = *split->evidence;

	evidence_add(&after, split->against, (struct evidence_counts){ .baseline = more }, split->share);
	return evidence_ln(&after, split->against);
}

uint64_t evidence_needed(const struct evidence *evidence, const struct evidence_against *against, double share,
			 double ln_threshold)
{
	return smallest(with_more_of_baseline, &(struct split){ evidence, against, share }, ln_threshold);
}

double evidence_objective(double objective, uint64_t failed, uint64_t clients)
{
	static const double parts[] = { 0.5, 0.1, 0.01 };
	double ln[3], well = clients > failed ? (double)(clients - failed) : 0;

	for (unsigned int i = 0; i < 3; i++)
		ln[i] = (double)failed * log(parts[i]) + well * (log1p(-parts[i] * objective) - log1p(-objective));
	return evidence_ln_mean(ln, 3);
}

struct objective {
	double objective;
	uint64_t failed, clients;
};

static double with_more_clients(const void *context, uint64_t more)
{
	const struct objective *objective = context;

	return evidence_objective(objective->objective, objective->failed, objective->clients + more);
}

uint64_t evidence_objective_needed(double objective, uint64_t failed, uint64_t clients, double ln_threshold)
{
	return smallest(with_more_clients, &(struct objective){ objective, failed, clients }, ln_threshold);
}
