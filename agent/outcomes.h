/* SPDX-License-Identifier: BSD-2-Clause */
/* Outcomes that an application reports: who is heard of for the first time, and who fails for the first time in a
 * rollout and in an epoch, whatever the version. A table of bounded size, constant time, all memory taken at once.
 * Pure. */
#ifndef SERIN_OUTCOMES_H
#define SERIN_OUTCOMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outcomes;

/* What one outcome is for the judge. */
struct outcomes_first {
	bool seen;           /* nothing had been heard of that client in this rollout */
	bool failed_rollout; /* its first failure in this rollout: for process R */
	bool failed_epoch;   /* and in this epoch: for process G */
};

/* For some `clients` (17 bytes each; rounded up to a power of two, at least 64). `seed`: nobody outside may know
 * which clients share a place. NULL: out of memory. */
struct outcomes *outcomes_new(size_t clients, uint64_t seed);
struct outcomes *outcomes_free(struct outcomes *outcomes);

/* A rollout begins: nobody has been heard of. */
void outcomes_begin(struct outcomes *outcomes);

/* The agent was started anew in the middle of a rollout, and what the table knew is lost: until the next rollout nobody
 * is first in it. A new epoch is to begin as well. */
void outcomes_lost_memory(struct outcomes *outcomes);

/* `client`: any number that stands for one client; `epoch` is never 0 and a new one at each new epoch. Where there is
 * no room, a client is not counted at all rather than twice: the judge's promise rests on that. */
struct outcomes_first outcomes_note(struct outcomes *outcomes, uint64_t client, bool failed, uint32_t epoch);

/* Failures of clients that were not counted for want of room, since the rollout began. */
uint64_t outcomes_lost(const struct outcomes *outcomes);

#endif
