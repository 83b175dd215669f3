/* SPDX-License-Identifier: BSD-2-Clause */
/* A service whose every client is drawn for a version on trial, or for the baseline, and what becomes of its connections. */
#ifndef SERIN_TEST_TRIAL_H
#define SERIN_TEST_TRIAL_H

#include <stdio.h>

#include "datapath_guard.h"
#include "strikes.h"

#define ONE ((int64_t)1 << SERIN_LINE_SHIFT)

struct trial {
	struct lab *lab;
	unsigned int service;
	uint8_t stable, canary, third; /* version ids */
	unsigned int stable_backend, canary_backend, third_backend;
	unsigned int client; /* of the last new one */
};

/* Records of trips since the last look; those of strikes, which many refused clients bring, are skipped. */
static struct serin_verdict trip_told[4];
static size_t trips_told;

static inline int note_trip(void *context, void *data, size_t size)
{
	(void)context;
	assert_int_equal(size, sizeof(trip_told[0]));
	if (((const struct serin_verdict *)data)->kind != SERIN_VERDICT_TRIPPED)
		return 0;
	if (trips_told < sizeof(trip_told) / sizeof(trip_told[0]))
		memcpy(&trip_told[trips_told], data, size);
	trips_told++;
	return 0;
}

static inline void read_trips(const struct lab *lab)
{
	struct ring_buffer *ring = ring_buffer__new(lab_map(lab, "verdicts"), note_trip, NULL, NULL);

	trips_told = 0;
	assert_non_null(ring);
	assert_true(ring_buffer__consume(ring) >= 0);
	ring_buffer__free(ring);
}

/* What one client does. */
struct visit {
	struct lab *lab;
	struct segment from; /* its SYN */
	uint32_t index;      /* of the way to the backend */
	unsigned int backend;
	bool placed;
	bool drawn; /* by the plan that holds */
};

static inline struct trial trial_open_as(const char *forward, const char *rules)
{
	struct trial trial = { .lab = lab_open(4096) };
	char yaml[1024];

	snprintf(yaml, sizeof(yaml),
		 "interfaces: [front, rear]\nservices:\n"
		 "  - name: shop\n    listen: [\"203.0.113.10:80/tcp\", \"203.0.113.10:80/udp\"]\n    forward: %s\n"
		 "    baseline: stable\n    versions:\n"
		 "      stable: {backends: [\"10.0.0.17:80\"]}\n      canary: {backends: [\"10.0.0.18:80\"]}\n"
		 "      third: {backends: [\"10.0.0.19:80\"]}\n%s",
		 forward, rules);
	lab_configure(trial.lab, yaml);
	trial.service = lab_service(trial.lab, "shop");
	trial.stable_backend = lab_backend(trial.lab, "shop", "stable", "10.0.0.17:80");
	trial.canary_backend = lab_backend(trial.lab, "shop", "canary", "10.0.0.18:80");
	trial.third_backend = lab_backend(trial.lab, "shop", "third", "10.0.0.19:80");
	trial.stable = trial.lab->image->backends[trial.stable_backend].version;
	trial.canary = trial.lab->image->backends[trial.canary_backend].version;
	trial.third = trial.lab->image->backends[trial.third_backend].version;
	lab_set_weight(trial.lab, "shop", "canary", 5000);
	read_trips(trial.lab);
	return trial;
}

static inline struct trial trial_open_with(const char *rules)
{
	return trial_open_as("gateway", rules);
}

static inline struct trial trial_open(void)
{
	return trial_open_with("");
}

/* Another way to draw: the same service's plan, edited. */
static inline void trial_change_plan(const struct trial *trial, void (*edit)(struct serin_plan *plan, uint64_t with),
				     uint64_t with)
{
	struct serin_plan *plan = malloc(sizeof(*plan));
	struct complaint complaint;

	assert_non_null(plan);
	assert_int_equal(datapath_get_plan(trial->lab->datapath, trial->service, plan), 0);
	edit(plan, with);
	assert_int_equal(datapath_set_plan(trial->lab->datapath, trial->service, plan, &complaint), 0);
	free(plan);
}

static inline void to_epoch(struct serin_plan *plan, uint64_t epoch)
{
	plan->epoch = (uint32_t)epoch;
}

static inline void to_seed(struct serin_plan *plan, uint64_t seed)
{
	plan->seed = seed;
}

static inline uint32_t trial_epoch(const struct trial *trial)
{
	struct serin_plan *plan = malloc(sizeof(*plan));
	uint32_t epoch;

	assert_non_null(plan);
	assert_int_equal(datapath_get_plan(trial->lab->datapath, trial->service, plan), 0);
	epoch = plan->epoch;
	free(plan);
	return epoch;
}

static inline struct segment packet_of(unsigned int client, uint16_t port, uint8_t protocol, uint8_t flags)
{
	struct segment segment = segment_between("100.64.0.0:1024", "203.0.113.10:80");

	segment.src.byte[14] = (uint8_t)(client >> 8);
	segment.src.byte[15] = (uint8_t)client;
	segment.sport = port;
	segment.protocol = protocol;
	segment.flags = protocol == FRAME_TCP ? flags : 0;
	segment.seq = CLIENT_ISN;
	segment.to = NET_FRONT_MAC;
	segment.from = NET_CLIENT_GATEWAY_MAC;
	if (protocol == FRAME_UDP) {
		segment.payload = (const uint8_t *)"datagram";
		segment.payload_length = 8;
	}
	return segment;
}

/* Its first packet. */
static inline struct visit visit_begin(const struct trial *trial, const struct segment *first)
{
	struct visit visit = { .lab = trial->lab, .from = *first };
	static struct frame frame;
	struct serin_way way;

	assert_int_equal(lab_run(trial->lab, LAB_FRONT, segment_write(first, &frame)), LAB_ON);
	visit.index = flowtable_find(trial->lab, first);
	assert_int_not_equal(visit.index, FLOWTABLE_NONE);
	way = flowtable_way(trial->lab, visit.index);
	visit.backend = way.backend;
	visit.placed = way.flags & SERIN_WAY_BY_RULE;
	visit.drawn = way.plan != 0;
	return visit;
}

static inline struct visit visit_of(const struct trial *trial, unsigned int client, uint16_t port)
{
	struct segment syn = packet_of(client, port, FRAME_TCP, SYN);

	return visit_begin(trial, &syn);
}

/* A client that the plan draws for that backend, and that nobody has met. */
static inline unsigned int client_drawn_for(struct trial *trial, unsigned int backend)
{
	struct segment syn;

	do {
		syn = packet_of(++trial->client, 40000, FRAME_TCP, SYN);
		assert_in_range(trial->client, 1, 65535);
	} while (lab_choose(trial->lab, "shop", &syn) != backend);
	return trial->client;
}

/* What its backend sends. */
static inline void visit_answer(const struct visit *visit, uint8_t flags, uint32_t seq, uint32_t ack, const char *says)
{
	static struct frame frame;
	struct segment back = visit->from;
	char text[64];

	snprintf(text, sizeof(text), "10.0.0.%u:80", 17 + visit->backend);
	back.src = segment_between(text, text).src;
	back.sport = 80;
	back.dst = visit->from.src;
	back.dport = visit->from.sport;
	back.flags = visit->from.protocol == FRAME_UDP ? 0 : flags;
	back.seq = seq;
	back.ack = ack;
	back.payload = (const uint8_t *)says;
	back.payload_length = says ? (uint32_t)strlen(says) : 0;
	back.to = NET_REAR_MAC;
	back.from = NET_BACKEND_MAC(0x11);
	assert_int_equal(lab_run(visit->lab, LAB_REAR, segment_write(&back, &frame)), LAB_ON);
}

static inline void visit_refuse(const struct visit *visit)
{
	visit_answer(visit, RST | ACK, 0, CLIENT_ISN + 1, NULL);
}

static inline void visit_say(const struct visit *visit, uint8_t flags, uint32_t seq, uint32_t ack, const char *says)
{
	static struct frame frame;
	struct segment more = visit->from;

	more.flags = visit->from.protocol == FRAME_UDP ? 0 : flags;
	more.seq = seq;
	more.ack = ack;
	more.payload = (const uint8_t *)says;
	more.payload_length = says ? (uint32_t)strlen(says) : 0;
	assert_int_equal(lab_run(visit->lab, LAB_FRONT, segment_write(&more, &frame)), LAB_ON);
}

/* A new client of that backend's is refused. */
static inline void one_incident(struct trial *trial, unsigned int backend)
{
	struct visit visit = visit_of(trial, client_drawn_for(trial, backend), 40000);

	assert_int_equal(visit.backend, backend);
	visit_refuse(&visit);
}

static inline void incidents_of(struct trial *trial, unsigned int backend, unsigned int count)
{
	while (count--)
		one_incident(trial, backend);
}

/* Where a client goes that was drawn for that backend. */
static inline unsigned int goes_to(struct trial *trial, unsigned int backend)
{
	return visit_of(trial, client_drawn_for(trial, backend), 40000).backend;
}

static inline struct guard_state guard_of(const struct trial *trial, uint8_t version)
{
	struct guard_state state;

	assert_int_equal(datapath_guard_read(trial->lab->datapath, trial->service, version, &state), 0);
	return state;
}

static inline uint64_t turned_away(const struct trial *trial, uint8_t version, enum serin_guard_reason why)
{
	struct serin_turned_away count;

	assert_int_equal(datapath_guard_turned_away(trial->lab->datapath, trial->service, version, &count), 0);
	return count.count[why];
}

static inline struct serin_incidents counted(const struct trial *trial, uint8_t version)
{
	struct serin_incidents ret;

	assert_int_equal(datapath_guard_incidents(trial->lab->datapath, trial->service, version, &ret), 0);
	return ret;
}

static inline struct guard_lines no_lines(void)
{
	return (struct guard_lines){ .line = { GUARD_NO_LINE, GUARD_NO_LINE } };
}

static inline uint64_t arm(const struct trial *trial, uint8_t version, const struct guard_lines *lines)
{
	uint64_t number;

	assert_int_equal(datapath_guard_arm(trial->lab->datapath, trial->service, version, lines, 0, &number), 0);
	return number;
}

static inline uint64_t arm_rollout(const struct trial *trial, int64_t allowance, int64_t slope)
{
	struct guard_lines lines = no_lines();

	lines.line[SERIN_LINE_ROLLOUT] = (struct serin_line){ allowance, slope };
	return arm(trial, trial->canary, &lines);
}

static inline uint64_t arm_epoch(const struct trial *trial, int64_t allowance, int64_t slope, uint32_t epoch)
{
	struct guard_lines lines = no_lines();

	lines.line[SERIN_LINE_EPOCH] = (struct serin_line){ allowance, slope };
	lines.epoch = epoch;
	return arm(trial, trial->canary, &lines);
}

#endif
