/* SPDX-License-Identifier: BSD-2-Clause */
/* Who gets a place in a full flow table, and who never loses his. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "scene.h"

#define PORT (SCENE_PORT_FIRST + 1)
#define WAYS_OF_A_KEY (2 * SERIN_WAYS_PER_BUCKET)

static const char *const scene_names[] = { "nat-ipv4", "gateway-ipv6" };

/* A client's SYN whose two buckets are not one, and not those of its way back. */
struct newcomer {
	const struct scene *scene;
	struct lab *lab;
	struct segment syn, out, back; /* back: the backend's answer */
	struct flowtable_place place, reverse;
};

static bool share_a_bucket(const struct flowtable_place *a, const struct flowtable_place *b)
{
	return a->bucket[0] == b->bucket[0] || a->bucket[0] == b->bucket[1] || a->bucket[1] == b->bucket[0] ||
	       a->bucket[1] == b->bucket[1];
}

static void set_client(struct newcomer *newcomer, uint16_t sport)
{
	const struct scene *scene = newcomer->scene;

	newcomer->syn = scene_from_client(scene, SYN, 1, 0);
	newcomer->syn.sport = sport;
	newcomer->out = scene_at_backend(scene, &newcomer->syn, PORT);
	newcomer->back = scene_from_backend(scene, PORT, SYN | ACK, 1, 2);
	if (!scene->snat)
		newcomer->back.dport = sport;
	newcomer->place = flowtable_place(newcomer->lab, &newcomer->syn);
	newcomer->reverse = flowtable_place(newcomer->lab, &newcomer->back);
}

static struct newcomer arrive(const char *scene)
{
	struct newcomer newcomer = { .scene = scene_find(scene) };
	uint16_t sport = 40000;

	newcomer.lab = scene_open(newcomer.scene, NULL);
	flowtable_set_cursor(newcomer.lab, scene_endpoint(newcomer.lab, newcomer.scene), PORT - SCENE_PORT_FIRST);
	do {
		set_client(&newcomer, sport++);
	} while (newcomer.place.bucket[0] == newcomer.place.bucket[1] ||
		 share_a_bucket(&newcomer.place, &newcomer.reverse));
	return newcomer;
}

static void expect_let_in(struct newcomer *newcomer, const char *name)
{
	expect_segment(newcomer->lab, name, newcomer->scene->client_arm, &newcomer->syn, scene_verdict(newcomer->scene),
		       &newcomer->out);
}

static void expect_turned_away(struct newcomer *newcomer, const char *name)
{
	struct expect_counters before = expect_read_counters(newcomer->lab), change = { .drops = { 0 } };

	change.drops[SERIN_DROP_FLOW_TABLE_FULL] = 1;
	expect_segment(newcomer->lab, name, newcomer->scene->client_arm, &newcomer->syn, LAB_DROP, NULL);
	expect_changes(newcomer->lab, name, &before, &change);
	assert_int_equal(flowtable_count(newcomer->lab).unfinished, 0);
}

/* Every word of every endpoint: nobody holds a port. */
static unsigned int held_ports(const struct lab *lab)
{
	unsigned int held = 0;
	uint32_t endpoint, place;

	for (endpoint = 0; endpoint < lab->image->endpoint_count; endpoint++)
		for (place = 0; place < flowtable_owner_count(lab, endpoint); place++)
			held += !!(flowtable_owner(lab, endpoint, place) & SERIN_OWNER_HELD);
	return held;
}

/* The n-th of the ways where a key can be. */
static uint32_t nth_way(const struct flowtable_place *place, uint32_t n)
{
	return place->bucket[n / SERIN_WAYS_PER_BUCKET] * SERIN_WAYS_PER_BUCKET + n % SERIN_WAYS_PER_BUCKET;
}

static void full_of_established_flows(void **state)
{
	static const enum serin_way_state lasting[] = { SERIN_WAY_ESTABLISHED, SERIN_WAY_HALF_CLOSED };
	size_t i, j;

	(void)state;
	for (i = 0; i < 2; i++) {
		for (j = 0; j < 2; j++) {
			struct newcomer newcomer = arrive(scene_names[i]);

			flowtable_stuff(newcomer.lab, newcomer.place.bucket[0], lasting[j], 100);
			flowtable_stuff(newcomer.lab, newcomer.place.bucket[1], lasting[j], 100);
			expect_turned_away(&newcomer, "full");
			expect_turned_away(&newcomer, "full, again");
			assert_int_equal(flowtable_count(newcomer.lab).live[lasting[j]], WAYS_OF_A_KEY);
			assert_int_equal(held_ports(newcomer.lab), 0);
			lab_close(newcomer.lab);
		}
	}
}

/* Room for the client's way, none for the backend's: nothing may be left, above all no port. The backend is not the
 * first one in the tables, since forgotten fields are zero. */
static void no_room_for_the_way_back(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct newcomer newcomer = arrive(scene_names[i]);
		const struct scene *scene = newcomer.scene;
		struct segment back;
		unsigned int id, stuffed;

		lab_set_weight(newcomer.lab, "shop", "canary", SERIN_SLOTS);
		id = lab_backend(newcomer.lab, "shop", "canary", scene->other_backend);
		flowtable_set_cursor(newcomer.lab, newcomer.lab->image->backends[id].endpoint, PORT - SCENE_PORT_FIRST);
		for (j = 0; j < 1000; j++) {
			set_client(&newcomer, (uint16_t)(30000 + j));
			back = segment_between(scene->other_backend, scene->client);
			back.dst = newcomer.back.dst;
			back.dport = newcomer.back.dport;
			newcomer.reverse = flowtable_place(newcomer.lab, &back);
			if (!share_a_bucket(&newcomer.place, &newcomer.reverse))
				break;
		}
		flowtable_stuff(newcomer.lab, newcomer.reverse.bucket[0], SERIN_WAY_ESTABLISHED, 0);
		flowtable_stuff(newcomer.lab, newcomer.reverse.bucket[1], SERIN_WAY_ESTABLISHED, 0);
		stuffed = flowtable_count(newcomer.lab).flows;
		expect_turned_away(&newcomer, "no room for the way back");
		assert_int_equal(flowtable_count(newcomer.lab).flows, stuffed);
		assert_int_equal(flowtable_find(newcomer.lab, &newcomer.syn), FLOWTABLE_NONE);
		assert_int_equal(held_ports(newcomer.lab), 0);
		lab_close(newcomer.lab);
	}
}

/* One candidate among flows that must stay. */
struct candidate {
	uint32_t n; /* of the key's sixteen ways */
	enum serin_way_state state;
	uint32_t age; /* stamps */
};

struct rivalry {
	const char *name;
	enum serin_way_state others;
	uint32_t others_age;
	struct candidate candidates[3];
	size_t winner; /* who goes */
};

#define EMBRYONIC SERIN_WAY_EMBRYONIC
#define ESTABLISHED SERIN_WAY_ESTABLISHED
#define HALF_CLOSED SERIN_WAY_HALF_CLOSED
#define CLOSED SERIN_WAY_CLOSED
#define HOURS 60000 /* stamps, over four hours: beyond every limit */

static const struct rivalry rivalries[] = {
	{ "the oldest embryonic",
	  EMBRYONIC,
	  5,
	  { { 3, EMBRYONIC, 9 }, { 4, EMBRYONIC, 20 }, { 5, EMBRYONIC, 19 } },
	  1 },
	{ "the oldest embryonic, in the second bucket",
	  EMBRYONIC,
	  5,
	  { { 3, EMBRYONIC, 9 }, { 12, EMBRYONIC, 20 }, { 15, EMBRYONIC, 19 } },
	  1 },
	{ "the only embryonic, young",
	  ESTABLISHED,
	  100,
	  { { 15, EMBRYONIC, 0 }, { 0, ESTABLISHED, 90 }, { 1, HALF_CLOSED, 90 } },
	  0 },
	{ "embryonic, not half closed",
	  HALF_CLOSED,
	  100,
	  { { 9, EMBRYONIC, 1 }, { 0, ESTABLISHED, 90 }, { 1, HALF_CLOSED, 90 } },
	  0 },
	{ "expired embryonic before embryonic",
	  EMBRYONIC,
	  5,
	  { { 8, EMBRYONIC, HOURS }, { 2, EMBRYONIC, 36 }, { 1, ESTABLISHED, 90 } },
	  0 },
	{ "expired established before embryonic",
	  EMBRYONIC,
	  5,
	  { { 14, ESTABLISHED, HOURS }, { 2, EMBRYONIC, 36 }, { 1, ESTABLISHED, 90 } },
	  0 },
	{ "expired half closed before embryonic",
	  EMBRYONIC,
	  5,
	  { { 14, HALF_CLOSED, HOURS }, { 2, EMBRYONIC, 36 }, { 1, ESTABLISHED, 90 } },
	  0 },
	{ "the oldest expired",
	  ESTABLISHED,
	  5,
	  { { 14, HALF_CLOSED, HOURS }, { 2, ESTABLISHED, HOURS + 1 }, { 1, EMBRYONIC, HOURS - 1 } },
	  1 },
	{ "closed before expired",
	  ESTABLISHED,
	  5,
	  { { 14, HALF_CLOSED, HOURS }, { 2, CLOSED, 40 }, { 1, EMBRYONIC, HOURS } },
	  1 },
	{ "the oldest closed", CLOSED, 5, { { 14, CLOSED, 50 }, { 2, CLOSED, 52 }, { 1, EMBRYONIC, HOURS } }, 1 },
	{ "closed before embryonic",
	  EMBRYONIC,
	  30,
	  { { 7, CLOSED, 40 }, { 2, ESTABLISHED, 12 }, { 1, EMBRYONIC, 36 } },
	  0 },
	{ "embryonic that is older than closed that lingers",
	  ESTABLISHED,
	  5,
	  { { 7, CLOSED, 1 }, { 2, EMBRYONIC, 30 }, { 1, HALF_CLOSED, 32 } },
	  1 },
	{ "closed that lingers and is older than embryonic",
	  ESTABLISHED,
	  5,
	  { { 7, CLOSED, 30 }, { 2, EMBRYONIC, 1 }, { 1, HALF_CLOSED, 32 } },
	  0 },
	{ "closed that lingers, if there is nothing else",
	  ESTABLISHED,
	  5,
	  { { 7, CLOSED, 0 }, { 2, ESTABLISHED, 12 }, { 1, HALF_CLOSED, 12 } },
	  0 },
};

static void set_candidate(const struct newcomer *newcomer, const struct candidate *candidate)
{
	uint32_t index = nth_way(&newcomer->place, candidate->n);
	struct serin_way way = flowtable_way(newcomer->lab, index);

	way.claim = SERIN_WAY_CLAIM(1000, candidate->state);
	way.stamp = lab_now() - candidate->age;
	flowtable_set_way(newcomer->lab, index, &way);
}

static uint32_t linger(const struct newcomer *newcomer, unsigned int state)
{
	struct serin_settings settings = lab_settings(newcomer->lab);

	return state == EMBRYONIC     ? settings.linger_embryonic
	       : state == HALF_CLOSED ? settings.linger_half_closed
	       : state == CLOSED      ? settings.linger_closed
				      : settings.linger_established;
}

static void who_goes_first(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < 2 * sizeof(rivalries) / sizeof(rivalries[0]); i++) {
		const struct rivalry *rivalry = &rivalries[i / 2];
		struct newcomer newcomer = arrive(scene_names[i % 2]);
		struct expect_counters counters;
		const struct candidate *winner = &rivalry->candidates[rivalry->winner];
		bool expired;

		flowtable_stuff(newcomer.lab, newcomer.place.bucket[0], rivalry->others, rivalry->others_age);
		flowtable_stuff(newcomer.lab, newcomer.place.bucket[1], rivalry->others, rivalry->others_age);
		for (j = 0; j < 3; j++)
			set_candidate(&newcomer, &rivalry->candidates[j]);
		expect_let_in(&newcomer, rivalry->name);
		if (flowtable_find(newcomer.lab, &newcomer.syn) != nth_way(&newcomer.place, winner->n))
			fail_msg("%s: another way was taken", rivalry->name);
		counters = expect_read_counters(newcomer.lab);
		expired = winner->age >= linger(&newcomer, winner->state);
		for (j = 0; j < 8; j++)
			assert_int_equal(counters.table.evicted[j], j == (size_t)winner->state && !expired);
		assert_int_equal(counters.table.expired, expired);
		assert_int_equal(flowtable_count(newcomer.lab).flows, WAYS_OF_A_KEY);
		lab_close(newcomer.lab);
	}
}

/* A flow that one side is silent in is not idle. */
static void the_newer_stamp_counts(void **state)
{
	size_t i, side;

	(void)state;
	for (i = 0; i < 2; i++) {
		for (side = 0; side < 2; side++) {
			struct newcomer newcomer = arrive(scene_names[i]);
			uint32_t index = nth_way(&newcomer.place, 5), peer_index = nth_way(&newcomer.reverse, 0);
			struct serin_way way, peer;

			flowtable_stuff(newcomer.lab, newcomer.place.bucket[0], ESTABLISHED, 5);
			flowtable_stuff(newcomer.lab, newcomer.place.bucket[1], ESTABLISHED, 5);
			way = flowtable_way(newcomer.lab, index);
			way.peer = peer_index;
			peer = way;
			peer.peer = index;
			peer.peer_generation = way.peer_generation = 1000;
			peer.flags |= SERIN_WAY_TO_CLIENT;
			way.stamp = lab_now() - HOURS;
			peer.stamp = lab_now() - (side ? HOURS : 3);
			flowtable_set_way(newcomer.lab, index, &way);
			flowtable_set_way(newcomer.lab, peer_index, &peer);
			flowtable_set_tag(newcomer.lab, peer_index, 0xff);
			if (side) {
				expect_let_in(&newcomer, "both sides silent");
				assert_int_equal(flowtable_find(newcomer.lab, &newcomer.syn), index);
			} else {
				expect_turned_away(&newcomer, "one side silent");
			}
			lab_close(newcomer.lab);
		}
	}
}

/* The whole table, but for what is there. */
static void stuff_everything(const struct lab *lab)
{
	uint32_t bucket;

	for (bucket = 0; bucket < datapath_buckets(lab->datapath); bucket++)
		flowtable_stuff(lab, bucket, SERIN_WAY_ESTABLISHED, 0);
}

static void make_free(const struct lab *lab, uint32_t index)
{
	struct serin_way way = flowtable_way(lab, index);

	way.claim = SERIN_WAY_CLAIM(SERIN_WAY_GENERATION(way.claim), SERIN_WAY_FREE);
	flowtable_set_way(lab, index, &way);
	flowtable_set_tag(lab, index, 0);
}

static bool has_bucket(const struct flowtable_place *place, uint32_t bucket)
{
	return place->bucket[0] == bucket || place->bucket[1] == bucket;
}

/* A newcomer who may be in bucket `wanted`, not in `other`, and whose way back is elsewhere; by the SNAT port at the
 * place of its endpoint that is returned. */
static uint32_t find_newcomer(struct newcomer *newcomer, uint32_t wanted, uint32_t other)
{
	uint32_t port, sport;

	for (port = 2; port < SCENE_PORT_COUNT; port++) {
		for (sport = 1024; sport < 20000; sport++) {
			set_client(newcomer, (uint16_t)sport);
			if (newcomer->scene->snat)
				newcomer->out.sport = newcomer->back.dport = (uint16_t)(SCENE_PORT_FIRST + port);
			newcomer->reverse = flowtable_place(newcomer->lab, &newcomer->back);
			if (has_bucket(&newcomer->place, wanted) && !has_bucket(&newcomer->place, other) &&
			    !has_bucket(&newcomer->reverse, wanted) && !has_bucket(&newcomer->reverse, other) &&
			    !share_a_bucket(&newcomer->place, &newcomer->reverse))
				return port;
		}
	}
	fail_msg("no such client");
	return 0;
}

/* Evicting a flow by one of its ways, either of them, takes the other one along and lets its port rest. */
static void evict_by(const char *scene, size_t which)
{
	struct newcomer newcomer = arrive(scene);
	struct segment victim = newcomer.syn;
	unsigned int endpoint = scene_endpoint(newcomer.lab, newcomer.scene);
	uint32_t ways[2], bucket[2], port;

	expect_let_in(&newcomer, "victim");
	ways[0] = flowtable_find(newcomer.lab, &victim);
	ways[1] = flowtable_way(newcomer.lab, ways[0]).peer;
	bucket[0] = ways[0] / SERIN_WAYS_PER_BUCKET;
	bucket[1] = ways[1] / SERIN_WAYS_PER_BUCKET;
	stuff_everything(newcomer.lab);
	port = find_newcomer(&newcomer, bucket[which], bucket[!which]);
	flowtable_set_cursor(newcomer.lab, endpoint, port);
	make_free(newcomer.lab, nth_way(&newcomer.reverse, 7));
	/* The victim's second way stays free, so what took its first one is the newcomer's. */
	expect_let_in(&newcomer, "newcomer");
	assert_int_equal(flowtable_find(newcomer.lab, &newcomer.syn), ways[which]);
	assert_int_equal(flowtable_find(newcomer.lab, &victim), FLOWTABLE_NONE);
	assert_int_equal(flowtable_state(newcomer.lab, ways[!which]), SERIN_WAY_FREE);
	assert_int_equal(flowtable_tags(newcomer.lab, bucket[!which]) >> ways[!which] % 8 * 8 & 0xff, 0);
	if (newcomer.scene->snat) {
		assert_true(flowtable_owner(newcomer.lab, endpoint, 1) & SERIN_OWNER_RESTING);
		assert_true(flowtable_owner(newcomer.lab, endpoint, port) & SERIN_OWNER_HELD);
		assert_int_equal(held_ports(newcomer.lab), 1);
	}
	assert_int_equal(expect_read_counters(newcomer.lab).table.evicted[EMBRYONIC], 1);
	lab_close(newcomer.lab);
}

static void eviction_takes_both_ways(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		evict_by(scene_names[i / 2], i % 2);
}

/* Ten times the table in SYNs: who has an established connection keeps it, and who comes then gets in. */
#define LASTING 8

static void run(struct newcomer *newcomer, const struct segment *segment, enum lab_arm arm)
{
	static struct frame frame;

	lab_run(newcomer->lab, arm, segment_write(segment, &frame));
}

/* Open a connection and complete its handshake; the port that the backend sees. */
static uint16_t connect_client(struct newcomer *newcomer, uint16_t sport)
{
	const struct scene *scene = newcomer->scene;
	struct segment segment;
	uint32_t index;
	uint16_t port;

	set_client(newcomer, sport);
	run(newcomer, &newcomer->syn, scene->client_arm);
	index = flowtable_find(newcomer->lab, &newcomer->syn);
	if (index == FLOWTABLE_NONE)
		return 0;
	port = ntohs(flowtable_way(newcomer->lab, index).nat_port);
	segment = scene_from_backend(scene, port, SYN | ACK, 50, 2);
	segment.dport = port;
	run(newcomer, &segment, scene->backend_arm);
	segment = scene_from_client(scene, ACK, 2, 51);
	segment.sport = sport;
	run(newcomer, &segment, scene->client_arm);
	return flowtable_state(newcomer->lab, index) == SERIN_WAY_ESTABLISHED ? port : 0;
}

static void expect_works(struct newcomer *newcomer, uint16_t sport, uint16_t port)
{
	const struct scene *scene = newcomer->scene;
	struct segment in = scene_from_client(scene, ACK | PSH, 2, 51), out;

	in.sport = sport;
	out = scene_at_backend(scene, &in, port);
	expect_segment(newcomer->lab, "established, to the backend", scene->client_arm, &in, scene_verdict(scene),
		       &out);
	in = scene_from_backend(scene, port, ACK, 51, 2);
	in.dport = port;
	out = scene_at_client(scene, &in);
	out.dport = sport;
	expect_segment(newcomer->lab, "established, to the client", scene->backend_arm, &in, scene_verdict(scene),
		       &out);
}

static void syn_flood(void **state)
{
	static const char *const names[] = { "nat-ipv4", "nat-ipv6", "gateway-ipv4", "gateway-ipv6" };
	uint16_t ports[LASTING];
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct newcomer newcomer = arrive(names[i]);
		struct expect_counters counters;
		struct segment syn;

		for (j = 0; j < LASTING; j++) {
			ports[j] = connect_client(&newcomer, (uint16_t)(50000 + j));
			assert_int_not_equal(ports[j], 0);
		}
		for (j = 0; j < 10240; j++) {
			syn = scene_from_client(newcomer.scene, SYN, (uint32_t)j, 0);
			syn.src.byte[13] =
				(uint8_t)(syn.src.byte[13] + (newcomer.scene->client[0] == '[' ? j >> 8 : 0));
			syn.src.byte[15] = (uint8_t)(2 + j % 250);
			syn.sport = (uint16_t)(1024 + j);
			run(&newcomer, &syn, newcomer.scene->client_arm);
		}
		assert_int_equal(flowtable_check(newcomer.lab, stdout), 0);
		counters = expect_read_counters(newcomer.lab);
		assert_int_equal(counters.table.evicted[ESTABLISHED] + counters.table.evicted[HALF_CLOSED], 0);
		assert_int_equal(flowtable_count(newcomer.lab).live[ESTABLISHED], 2 * LASTING);
		for (j = 0; j < LASTING; j++)
			expect_works(&newcomer, (uint16_t)(50000 + j), ports[j]);
		for (j = 0; j < 2; j++)
			assert_int_not_equal(connect_client(&newcomer, (uint16_t)(60000 + j)), 0);
		assert_int_equal(flowtable_check(newcomer.lab, stdout), 0);
		lab_close(newcomer.lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_of_established_flows),
		cmocka_unit_test(no_room_for_the_way_back),
		cmocka_unit_test(who_goes_first),
		cmocka_unit_test(the_newer_stamp_counts),
		cmocka_unit_test(eviction_takes_both_ways),
		cmocka_unit_test(syn_flood),
	};

	return EXPECT_RUN("table", tests);
}
