/* SPDX-License-Identifier: BSD-2-Clause */
/* Conversations told in steps, and what the program has observed of them. */
#ifndef SERIN_TEST_TURNS_H
#define SERIN_TEST_TURNS_H

#include "conversation.h"

#define PSH 0x08
#define STEPS 16

/* What happens, in the order of a conversation. The numbers go on by themselves. */
struct step {
	enum {
		END,
		CLIENT,
		BACKEND,
		QUIET,
		LATE,
		OVERDUE
	} who; /* QUIET: two seconds without a packet; LATE: turns are 11 s older; OVERDUE: and swept */
	uint8_t flags;
	const char *says;
	/* CROSSED: it has not seen what the other said last; FAR: nor that, and much is missing before it */
	enum { PLAIN, AGAIN, GAP, CROSSED, FAR } how;
};

#define SAID(who_, how_, flags_, says_) { .who = who_, .flags = flags_, .says = says_, .how = how_ }
#define C(flags, says) SAID(CLIENT, PLAIN, flags, says)
#define B(flags, says) SAID(BACKEND, PLAIN, flags, says)
#define WAIT(how_long) { .who = how_long }
#define HANDSHAKE C(SYN, NULL), B(SYN | ACK, NULL), C(ACK, NULL)

/* A conversation's numbers. */
struct side {
	uint32_t next, before; /* before: the last segment of it */
};

static inline void send_step(const struct conversation *talk, const struct step *step, struct side *own,
			     const struct side *other)
{
	static struct frame frame;
	bool client = step->who == CLIENT;
	struct segment in = client ? from_client(talk) : from_backend(talk);
	uint32_t length = step->says ? (uint32_t)strlen(step->says) : 0;

	if (step->how == GAP || step->how == FAR)
		own->next += step->how == FAR ? 100000 : 1000;
	in.flags = step->flags;
	in.seq = step->how == AGAIN ? own->before : own->next;
	in.ack = step->flags & ACK ? (step->how == CROSSED || step->how == FAR ? other->before : other->next) : 0;
	if (client && step->how == CROSSED && step->flags & RST)
		in.ack ^= 0x4000;
	in.payload = (const uint8_t *)step->says;
	in.payload_length = length;
	if (step->how != AGAIN && (length || step->flags & (SYN | FIN))) {
		own->before = own->next;
		own->next += length + !!(step->flags & (SYN | FIN));
	}
	assert_int_equal(lab_run(talk->lab, talk_arm(talk, client ? SERIN_TO_BACKEND : SERIN_TO_CLIENT),
				 segment_write(&in, &frame)),
			 scene_verdict(&talk->scene));
}

/* Every open turn is that much older. */
static inline void age_turns(const struct lab *lab, uint64_t ms)
{
	uint32_t ways = datapath_buckets(lab->datapath) * SERIN_WAYS_PER_BUCKET, i;

	for (i = 0; i < ways; i++) {
		struct serin_way way = flowtable_way(lab, i);

		if (!(way.flags & SERIN_WAY_TO_CLIENT) || !(way.owed & SERIN_OWED))
			continue;
		way.owed -= (uint32_t)(ms * 1000000 >> SERIN_OWED_SHIFT) << SERIN_OWED_BITS;
		flowtable_set_way(lab, i, &way);
	}
}

static inline void sweep_all(const struct lab *lab)
{
	struct serin_sweep slice;

	assert_int_equal(
		datapath_sweep(lab->datapath, 0, datapath_buckets(lab->datapath) * SERIN_WAYS_PER_BUCKET, &slice), 0);
}

static inline void play(const struct conversation *talk, const struct step *steps)
{
	struct side client = { 1000, 1000 }, backend = { 5000, 5000 };
	struct segment any = from_client(talk);

	for (; steps->who != END; steps++) {
		if (steps->who == CLIENT) {
			send_step(talk, steps, &client, &backend);
		} else if (steps->who == BACKEND) {
			send_step(talk, steps, &backend, &client);
		} else if (steps->who == QUIET) {
			flowtable_age(talk->lab, flowtable_find(talk->lab, &any), 8);
		} else {
			age_turns(talk->lab, 11000);
			if (steps->who == OVERDUE)
				sweep_all(talk->lab);
		}
	}
}

static inline uint64_t samples_of(const struct serin_histogram *histogram)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < SERIN_HISTOGRAM_BUCKETS; i++)
		sum += histogram->bucket[i];
	return sum;
}

static inline struct serin_observed observed_by(const struct conversation *talk)
{
	struct serin_observed observed;

	assert_int_equal(datapath_read_observed(talk->lab->datapath, talk->backend, &observed), 0);
	return observed;
}

static inline uint64_t incidents_in(const struct lab *lab)
{
	static struct serin_incidents incidents[SERIN_MAX_SERVICES][SERIN_MAX_VERSIONS];
	uint64_t sum = 0;
	size_t i, j;

	datapath_read_incidents(lab->datapath, incidents);
	for (i = 0; i < SERIN_MAX_SERVICES; i++)
		for (j = 0; j < SERIN_MAX_VERSIONS; j++)
			sum += incidents[i][j].epoch;
	return sum;
}

#endif
