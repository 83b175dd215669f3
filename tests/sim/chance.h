/* SPDX-License-Identifier: BSD-2-Clause */
/* Seeded chance: D. Blackman and S. Vigna's xoshiro256++, begun by splitmix64, and the distributions that are drawn
 * here. */
#ifndef SERIN_SIM_CHANCE_H
#define SERIN_SIM_CHANCE_H

#include <math.h>
#include <stdint.h>

struct chance {
	uint64_t state[4];
};

static inline uint64_t chance_mix(uint64_t *seed)
{
	uint64_t x = *seed += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static inline struct chance chance_of(uint64_t seed)
{
	struct chance chance;

	for (int i = 0; i < 4; i++)
		chance.state[i] = chance_mix(&seed);
	return chance;
}

static inline uint64_t chance_turn(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline uint64_t chance_bits(struct chance *chance)
{
	uint64_t *s = chance->state, result = chance_turn(s[0] + s[3], 23) + s[0], t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = chance_turn(s[3], 45);
	return result;
}

/* 0 to 1, never 1. */
static inline double chance_fraction(struct chance *chance)
{
	return (double)(chance_bits(chance) >> 11) * 0x1p-53;
}

/* 0 to n - 1. */
static inline uint32_t chance_below(struct chance *chance, uint32_t n)
{
	return (uint32_t)((chance_bits(chance) >> 32) * n >> 32);
}

/* Of mean 1. */
static inline double chance_wait(struct chance *chance)
{
	return -log1p(-chance_fraction(chance));
}

#endif
