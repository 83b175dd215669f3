/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom failures befell: clients are counted once, whatever they try; what datagrams and ICMP errors say; how long turns
 * take, to the bucket. */
#include <time.h>

#include "turns.h"

static const struct step refusal[] = { C(SYN, NULL), B(RST | ACK, NULL), { .who = END } };
static const struct step greeting[] = { HANDSHAKE, C(PSH | ACK, "ask"), B(PSH | ACK, "say"), { .who = END } };
static const struct step silence[] = { HANDSHAKE, C(PSH | ACK, "ask"), { .who = END } };

/* The same conversation from another port or address. */
static struct conversation from(struct conversation talk, const char *client)
{
	static uint16_t port = PORT + 1;

	talk.scene.client = client;
	talk_expect_port(&talk, port = port >= SCENE_PORT_FIRST + SCENE_PORT_COUNT - 1 ? PORT : port + 1);
	return talk;
}

static void refuse(struct conversation talk, const char *client)
{
	talk = from(talk, client);
	play(&talk, refusal);
}

static void once_per_client(void **state)
{
	struct conversation talk = talk_begin(scene_find("nat-ipv4"), FRAME_TCP);
	uint64_t before = incidents_in(talk.lab);

	(void)state;
	refuse(talk, "198.51.100.21:4001");
	refuse(talk, "198.51.100.21:4002");
	refuse(talk, "198.51.100.21:4003");
	assert_int_equal(incidents_in(talk.lab) - before, 1);
	refuse(talk, "198.51.100.22:4001");
	assert_int_equal(incidents_in(talk.lab) - before, 2);
	assert_int_equal(expect_read_counters(talk.lab).stats[talk.backend].failures[SERIN_FAILURE_REFUSED], 4);
}

/* Under another plan everybody counts anew, but for what was begun before it. */
static void once_per_plan(void **state)
{
	struct conversation talk = talk_begin(scene_find("nat-ipv4"), FRAME_TCP), old;
	uint64_t before = incidents_in(talk.lab);

	(void)state;
	refuse(talk, "198.51.100.21:4001");
	old = from(talk, "198.51.100.29:4009");
	play(&old, silence);
	lab_set_weight(talk.lab, "shop", "canary", 0);
	age_turns(talk.lab, 11000);
	sweep_all(talk.lab);
	assert_int_equal(expect_read_counters(talk.lab).stats[talk.backend].failures[SERIN_FAILURE_UNANSWERED], 1);
	assert_int_equal(incidents_in(talk.lab) - before, 1);
	refuse(talk, "198.51.100.21:4002");
	assert_int_equal(incidents_in(talk.lab) - before, 2);
}

static void once_per_connection(void **state)
{
	struct scene scene = *scene_find("nat-ipv4");
	struct conversation talk;
	uint64_t before;

	(void)state;
	scene.by_flow = true;
	talk = talk_begin(&scene, FRAME_TCP);
	before = incidents_in(talk.lab);
	refuse(talk, "198.51.100.21:4001");
	refuse(talk, "198.51.100.21:4002");
	refuse(talk, "198.51.100.21:4002");
	assert_int_equal(incidents_in(talk.lab) - before, 2);
}

/* IPv6 privacy addresses change within a /64. */
static void once_per_prefix(void **state)
{
	struct conversation talk = talk_begin(scene_find("nat-ipv6"), FRAME_TCP);
	uint64_t before = incidents_in(talk.lab);

	(void)state;
	refuse(talk, "[2001:db8:c::21]:4001");
	refuse(talk, "[2001:db8:c::22]:4001");
	assert_int_equal(incidents_in(talk.lab) - before, 1);
}

static struct serin_stats stats_of(const struct conversation *talk)
{
	return expect_read_counters(talk->lab).stats[talk->backend];
}

static void datagram(const struct conversation *talk, enum serin_direction direction)
{
	struct segment in = direction == SERIN_TO_BACKEND ? from_client(talk) : from_backend(talk);
	static struct frame frame;

	in.payload = (const uint8_t *)"datagram";
	in.payload_length = 8;
	assert_int_equal(lab_run(talk->lab, talk_arm(talk, direction), segment_write(&in, &frame)),
			 scene_verdict(&talk->scene));
}

/* A client's next datagram within the same stamp is not looked at: make it another one. */
static void forget_asking(const struct conversation *talk)
{
	struct segment any = from_client(talk);
	uint32_t index = flowtable_find(talk->lab, &any);
	struct serin_way way = flowtable_way(talk->lab, index);

	way.asked--;
	flowtable_set_way(talk->lab, index, &way);
}

static void datagrams(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		struct conversation talk = talk_begin(&scenes[i], FRAME_UDP);
		struct serin_observed was = observed_by(&talk), now;

		datagram(&talk, SERIN_TO_BACKEND);
		datagram(&talk, SERIN_TO_CLIENT);
		forget_asking(&talk);
		/* Asked twice: an answer, but no sample. */
		datagram(&talk, SERIN_TO_BACKEND);
		forget_asking(&talk);
		datagram(&talk, SERIN_TO_BACKEND);
		datagram(&talk, SERIN_TO_CLIENT);
		assert_int_equal(stats_of(&talk).asked, 2);
		assert_int_equal(stats_of(&talk).answered, 2);
		now = observed_by(&talk);
		assert_int_equal(samples_of(&now.response) - samples_of(&was.response), 1);
		assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_UNANSWERED], 0);
	}
}

static void datagrams_unanswered(void **state)
{
	struct conversation talk = talk_begin(scene_find("gateway-ipv6"), FRAME_UDP);

	(void)state;
	datagram(&talk, SERIN_TO_BACKEND);
	age_turns(talk.lab, 9000);
	sweep_all(talk.lab);
	assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_UNANSWERED], 0);
	age_turns(talk.lab, 2000);
	sweep_all(talk.lab);
	sweep_all(talk.lab);
	assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_UNANSWERED], 1);
}

/* Nobody sweeps: the kernel looks by itself. */
static void found_without_an_agent(void **state)
{
	struct conversation talk = talk_begin(scene_find("nat-ipv4"), FRAME_TCP);
	struct timespec pause = { .tv_nsec = 100000000 };
	struct complaint complaint;
	int i;

	(void)state;
	play(&talk, silence);
	age_turns(talk.lab, 11000);
	assert_int_equal(datapath_watch(talk.lab->datapath, &complaint), 0);
	for (i = 0; i < 50 && !stats_of(&talk).failures[SERIN_FAILURE_UNANSWERED]; i++)
		nanosleep(&pause, NULL);
	assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_UNANSWERED], 1);
	/* The next agent takes it over. */
	assert_int_equal(datapath_watch(talk.lab->datapath, &complaint), 0);
	for (i = 0; i < 20; i++)
		nanosleep(&pause, NULL);
	assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_UNANSWERED], 1);
}

/* What the backend's router says about the client's last packet. */
static void icmp_about(const struct conversation *talk, uint8_t type, uint8_t code, uint32_t rest)
{
	bool ipv4 = scene_is_ipv4(&talk->scene);
	struct segment sent = from_client(talk), there;
	static struct frame about, frame;
	struct icmp icmp;

	there = talk_out(talk, SERIN_TO_BACKEND, &sent);
	segment_write(&there, &about);
	icmp = (struct icmp){
		.to = talk_arm(talk, SERIN_TO_CLIENT) == LAB_FRONT ? NET_FRONT_MAC : NET_REAR_MAC,
		.from = talk->scene.backend_mac,
		.src = frame_addr(ipv4 ? "10.0.0.254" : "2001:db8:b::fe"),
		.dst = there.src,
		.type = type,
		.code = code,
		.rest = rest,
		.ttl = 61,
		.about = &about,
	};
	assert_int_equal(lab_run(talk->lab, talk_arm(talk, SERIN_TO_CLIENT), icmp_write(&icmp, &frame)),
			 scene_verdict(&talk->scene));
}

static void unreachable(void **state)
{
	static const uint8_t protocols[] = { FRAME_TCP, FRAME_UDP };
	static struct frame frame;
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		for (j = 0; j < 2; j++) {
			struct conversation talk = talk_begin(&scenes[i], protocols[j]);
			bool ipv4 = scene_is_ipv4(&scenes[i]);
			struct segment first = from_client(&talk);
			uint64_t before = incidents_in(talk.lab);

			lab_run(talk.lab, talk_arm(&talk, SERIN_TO_BACKEND), segment_write(&first, &frame));
			/* "Too big" and "time exceeded" are not it. */
			icmp_about(&talk, ipv4 ? 3 : 2, ipv4 ? 4 : 0, 1280);
			icmp_about(&talk, ipv4 ? 11 : 3, 0, 0);
			assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_UNREACHABLE], 0);
			icmp_about(&talk, ipv4 ? 3 : 1, 1, 0);
			icmp_about(&talk, ipv4 ? 3 : 1, 1, 0);
			assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_UNREACHABLE], 1);
			assert_int_equal(incidents_in(talk.lab) - before, 1);
			/* Which is no silence as well. */
			age_turns(talk.lab, 11000);
			sweep_all(talk.lab);
			assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_UNANSWERED], 0);
		}
	}
}

/* About a connection on which nothing is owed. */
static void unreachable_when_idle(void **state)
{
	struct conversation talk = talk_begin(scene_find("nat-ipv4"), FRAME_TCP);

	(void)state;
	play(&talk, greeting);
	icmp_about(&talk, 3, 1, 0);
	assert_int_equal(stats_of(&talk).failures[SERIN_FAILURE_UNREACHABLE], 0);
}

static const uint64_t bounds[] = {
#define BOUND(index, ns) ns,
	SERIN_HISTOGRAM_BOUNDS(BOUND)
#undef BOUND
};

/* The sample that is the only difference between two histograms: in the bucket that abi.h says, and beyond its bound if it is. */
static void check_sample(const struct serin_histogram *was, const struct serin_histogram *now, uint64_t at_least,
			 uint64_t at_most)
{
	uint64_t ns = now->ns - was->ns, units = ns >> SERIN_HISTOGRAM_SHIFT;
	uint32_t i;

	assert_in_range(ns, at_least - (1u << SERIN_OWED_SHIFT), at_most + (1u << SERIN_OWED_SHIFT));
	for (i = 0; i < SERIN_HISTOGRAM_BUCKETS; i++) {
		bool mine = units >= SERIN_HISTOGRAM_FROM(i) &&
			    (i == SERIN_HISTOGRAM_BUCKETS - 1 || units < SERIN_HISTOGRAM_FROM(i + 1));

		assert_int_equal(now->bucket[i] - was->bucket[i], mine);
		if (mine && units >= 8 && i < SERIN_HISTOGRAM_BUCKETS - 1)
			assert_true((SERIN_HISTOGRAM_FROM(i + 1) - SERIN_HISTOGRAM_FROM(i)) * 8 <=
				    SERIN_HISTOGRAM_FROM(i));
	}
	for (i = 0; i < SERIN_HISTOGRAM_BOUND_COUNT; i++) {
		uint64_t edge = bounds[i] >> SERIN_HISTOGRAM_SHIFT;
		uint32_t bucket = 0;

		while (SERIN_HISTOGRAM_FROM(bucket + 1) <= edge)
			bucket++;
		assert_int_equal(now->beyond[i] - was->beyond[i], units >= SERIN_HISTOGRAM_FROM(bucket) &&
									  units < SERIN_HISTOGRAM_FROM(bucket + 1) &&
									  ns > bounds[i]);
	}
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void measure(const struct conversation *talk, uint64_t ns)
{
	uint32_t ways = datapath_buckets(talk->lab->datapath) * SERIN_WAYS_PER_BUCKET, i;
	struct serin_observed was = observed_by(talk), now;
	uint64_t set = 0;

	datagram(talk, SERIN_TO_BACKEND);
	for (i = 0; i < ways; i++) {
		struct serin_way way = flowtable_way(talk->lab, i);

		if (!(way.owed & SERIN_OWED) || !(way.flags & SERIN_WAY_TO_CLIENT))
			continue;
		set = now_ns();
		way.owed = (uint32_t)((set - ns) >> SERIN_OWED_SHIFT) << SERIN_OWED_BITS | SERIN_OWED;
		flowtable_set_way(talk->lab, i, &way);
	}
	datagram(talk, SERIN_TO_CLIENT);
	set = now_ns() - set;
	forget_asking(talk);
	now = observed_by(talk);
	check_sample(&was.response, &now.response, ns, ns + set);
}

static void durations(void **state)
{
	struct conversation talk = talk_begin(scene_find("gateway-ipv4"), FRAME_UDP);
	uint64_t ns;
	size_t i;

	(void)state;
	for (ns = 1000; ns < 130000000000ull; ns += ns / 7)
		measure(&talk, ns);
	for (i = 0; i < SERIN_HISTOGRAM_BOUND_COUNT; i++) {
		measure(&talk, bounds[i]);
		measure(&talk, bounds[i] - bounds[i] / 50);
		measure(&talk, bounds[i] + bounds[i] / 50);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once_per_client),     cmocka_unit_test(once_per_plan),
		cmocka_unit_test(once_per_connection), cmocka_unit_test(once_per_prefix),
		cmocka_unit_test(datagrams),           cmocka_unit_test(datagrams_unanswered),
		cmocka_unit_test(unreachable),         cmocka_unit_test(unreachable_when_idle),
		cmocka_unit_test(durations),           cmocka_unit_test(found_without_an_agent),
	};

	return EXPECT_RUN("incidents", tests);
}
