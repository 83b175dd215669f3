/* SPDX-License-Identifier: BSD-2-Clause */
/* Error lines out of the judge's evidence. Each rounding is to the side on which the kernel lets a version be. */
#include "line.h"

#include <math.h>

#define ONE (1 << LINE_SHIFT)

/* An alternative that the trial version's incidents speak for by less has no line: nothing would ever cross it. */
#define LEAST_STEP 1e-6

/* Of ln L: more than what sums of doubles may lose until the line is crossed. */
#define ROUNDING 1e-9

static const struct line never = { LINE_NEVER, 0 };

/* E >= L / 8 for each of the eight: ln L has to reach ln 8 more than ln E. */
static double missing(const struct judge *judge, enum judge_process process, unsigned int alternative,
		      unsigned int count)
{
	return judge_ln_required(judge, process) + log(count) + ROUNDING -
	       judge->worse[JUDGE_FAILED][process].ln[alternative];
}

static struct line through(struct evidence_counts counts, double left, double slope)
{
	__int128 rise = (__int128)ceil(slope * ONE), allowance;

	allowance = ((__int128)counts.trial << LINE_SHIFT) + (__int128)ceil(left * ONE) - rise * counts.baseline;
	if (allowance >= INT64_MAX / 2 || allowance <= INT64_MIN / 2)
		return never;
	return (struct line){ (int64_t)allowance, (int64_t)rise };
}

struct line line_make(const struct judge *judge, enum judge_process process, double share,
		      struct evidence_counts counts)
{
	struct evidence_against against = judge_against(&judge->settings, JUDGE_FAILED);
	double least = INFINITY, slope = 0;

	if (!judge->settings.checks[JUDGE_ERRORS] || !evidence_share_is_valid(share) ||
	    (process == JUDGE_R && judge->returned))
		return never;
	for (unsigned int i = 0; i < against.count; i++) {
		double b, a = evidence_step(&against, i, share, &b), left;

		if (a < LEAST_STEP)
			continue;
		left = missing(judge, process, i, against.count) / a;
		if (left < least) {
			least = left;
			slope = b / a;
		}
	}
	return isinf(least) ? never : through(counts, least, slope);
}

bool line_is_crossed(const struct line *line, struct evidence_counts counts)
{
	__int128 limit = line->allowance + (__int128)line->slope * counts.baseline;

	if (line->allowance == LINE_NEVER || limit > INT64_MAX)
		return false;
	return (__int128)counts.trial << LINE_SHIFT >= limit;
}

double line_left(const struct line *line, struct evidence_counts counts)
{
	double limit = (double)line->allowance + (double)line->slope * (double)counts.baseline;

	if (line->allowance == LINE_NEVER)
		return INFINITY;
	return fmax(0, ceil(limit / ONE - (double)counts.trial));
}
