/* SPDX-License-Identifier: BSD-2-Clause */
/* From registers to clients. */
#include "served.h"

#include <math.h>
#include <stdbool.h>

#define REGISTERS ((double)SERIN_SERVED_REGISTERS)
#define CERTAINTY 4 /* standard errors */

/* Of registers that are empty: sum of 2^k x^(2^k), and x. */
static double of_empty(double share)
{
	double sum = share, before, weight = 1;

	if (share >= 1)
		return INFINITY;
	do {
		share *= share;
		before = sum;
		sum += share * weight;
		weight += weight;
	} while (sum > before);
	return sum;
}

/* Of registers that are full. */
static double of_full(double share)
{
	double rest = 1 - share, before, weight = 1;

	if (share <= 0 || share >= 1)
		return 0;
	do {
		share = sqrt(share);
		before = rest;
		weight /= 2;
		rest -= (1 - share) * (1 - share) * weight;
	} while (rest < before);
	return rest / 3;
}

/* How many registers hold each rank; one of another draw holds nothing. */
static void count_ranks(const struct serin_served *served, uint64_t seed, unsigned int ret[SERIN_SERVED_RANKS + 1])
{
	for (unsigned int i = 0; i <= SERIN_SERVED_RANKS; i++)
		ret[i] = 0;
	for (unsigned int i = 0; i < SERIN_SERVED_REGISTERS; i++) {
		__u32 word = served->word[i], rank = SERIN_SERVED_RANK(word);
		bool is_of_draw = word - rank == SERIN_SERVED_DRAW(seed);

		ret[is_of_draw && rank <= SERIN_SERVED_RANKS ? rank : 0]++;
	}
}

double served_estimate(const struct serin_served *served, uint64_t seed)
{
	unsigned int ranks[SERIN_SERVED_RANKS + 1];
	double sum;

	count_ranks(served, seed, ranks);
	sum = REGISTERS * of_full(1 - ranks[SERIN_SERVED_RANKS] / REGISTERS);
	for (unsigned int i = SERIN_SERVED_RANKS - 1; i > 0; i--)
		sum = (sum + ranks[i]) / 2;
	sum += REGISTERS * of_empty(ranks[0] / REGISTERS);
	return sum > 0 ? REGISTERS * REGISTERS / (2 * M_LN2) / sum : (double)UINT32_MAX;
}

/* While registers are empty, of those: linear counting (Whang, Vander-Zanden, Taylor, 1990). */
double served_error(double clients)
{
	double per_register = clients / REGISTERS, error = 1.04 / sqrt(REGISTERS) * clients;

	return per_register > 5 ? error : fmin(error, sqrt(REGISTERS * (expm1(per_register) - per_register)));
}

uint64_t served_at_least(double estimate)
{
	double least = estimate - CERTAINTY * served_error(estimate);

	return least > 0 ? (uint64_t)least : 0;
}

uint64_t served_needed(uint64_t at_least)
{
	uint64_t low = at_least, high = at_least + at_least / 2 + CERTAINTY;

	if (!at_least || at_least > UINT32_MAX)
		return at_least;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (served_at_least((double)middle) < at_least)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
