/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking into the program's flow table from outside: where a key belongs, what lies there, and whether all of it fits
 * together. The hash is written down here a second time, on purpose. No test framework. */
#ifndef SERIN_TEST_FLOWTABLE_H
#define SERIN_TEST_FLOWTABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lab.h"

#define FLOWTABLE_NONE UINT32_MAX

/* Where a five-tuple belongs. */
struct flowtable_place {
	uint64_t hash;
	uint32_t bucket[2];
	uint8_t tag;
};

struct flowtable_place flowtable_place(const struct lab *lab, const struct segment *segment);

struct serin_way flowtable_way(const struct lab *lab, uint32_t index);
void flowtable_set_way(const struct lab *lab, uint32_t index, const struct serin_way *way);
uint64_t flowtable_tags(const struct lab *lab, uint32_t bucket);
void flowtable_set_tag(const struct lab *lab, uint32_t index, uint8_t tag);

/* The live way of the flow that a client's segment (to a listening address) belongs to, or FLOWTABLE_NONE. */
uint32_t flowtable_find(const struct lab *lab, const struct segment *from_client);
enum serin_way_state flowtable_state(const struct lab *lab, uint32_t index);

/* How many ways are live, and how many are between two states (none, when nobody works on them). */
struct flowtable_count {
	uint32_t live[8]; /* by enum serin_way_state */
	uint32_t flows;   /* live ways to a backend */
	uint32_t unfinished;
};

struct flowtable_count flowtable_count(const struct lab *lab);

/* Make a whole flow older, both its ways. */
void flowtable_age(const struct lab *lab, uint32_t index, uint32_t stamps);

/* Fill every free way of a bucket with something that belongs to nobody, in that state and with that age: a way whose
 * peer is gone. */
void flowtable_stuff(const struct lab *lab, uint32_t bucket, enum serin_way_state state, uint32_t age);

/* Owner words, by endpoint and place. The count: as many places as the endpoint has. */
uint64_t flowtable_owner(const struct lab *lab, uint32_t endpoint, uint32_t place);
void flowtable_set_owner(const struct lab *lab, uint32_t endpoint, uint32_t place, uint64_t owner);
uint32_t flowtable_owner_count(const struct lab *lab, uint32_t endpoint);

/* Where the search for the next SNAT port towards an endpoint begins, on every CPU: a place among its owner words, but
 * not 0. */
void flowtable_set_cursor(const struct lab *lab, uint32_t endpoint, uint32_t place);

/* While no packet is under way: every live way has a tag that fits and a peer that names it, both ways say the same,
 * no key is there twice, every held port belongs to a live flow that says so, every flow under forward: nat holds its
 * port. Complaints go to `complaints` (which may be NULL), at most twenty; returns how many there are. */
unsigned int flowtable_check(const struct lab *lab, FILE *complaints);

#endif
