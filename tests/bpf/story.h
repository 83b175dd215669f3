/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection, told segment by segment: every one is expected to be forwarded with all bytes right. For tests of what
 * the flow table makes of it. */
#ifndef SERIN_TEST_STORY_H
#define SERIN_TEST_STORY_H

#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "scene.h"

#define CLIENT_ISN 1000u
#define BACKEND_ISN 5000u
#define PORT (SCENE_PORT_FIRST + 1)

static const uint8_t payload[1000] = "data";

/* A connection in one of the scenes, kept by hand. */
struct story {
	const struct scene *scene;
	struct lab *lab;
	uint16_t port;  /* under forward: nat */
	uint32_t index; /* of the way to the backend */
};

static inline uint32_t find(const struct story *story)
{
	struct segment any = scene_from_client(story->scene, 0, 0, 0);

	return flowtable_find(story->lab, &any);
}

static inline void expect_state(const struct story *story, const char *name, enum serin_way_state state)
{
	uint32_t index = find(story);
	struct serin_way way;

	if (index == FLOWTABLE_NONE)
		fail_msg("%s, %s: the flow is gone", story->scene->name, name);
	way = flowtable_way(story->lab, index);
	if (SERIN_WAY_STATE(way.claim) != state || flowtable_state(story->lab, way.peer) != state)
		fail_msg("%s, %s: in state %u and %u, expected %u", story->scene->name, name,
			 SERIN_WAY_STATE(way.claim), flowtable_state(story->lab, way.peer), state);
	if (flowtable_check(story->lab, stdout))
		fail_msg("%s, %s: the flow table is broken", story->scene->name, name);
}

/* One segment, forwarded with every byte right. */
static inline void client(const struct story *story, uint8_t flags, uint32_t seq, uint32_t ack, size_t length)
{
	struct segment in = scene_from_client(story->scene, flags, seq, ack), out;

	in.payload = payload;
	in.payload_length = length;
	out = scene_at_backend(story->scene, &in, story->port);
	expect_segment(story->lab, "from the client", story->scene->client_arm, &in, scene_verdict(story->scene), &out);
}

static inline void backend(const struct story *story, uint8_t flags, uint32_t seq, uint32_t ack, size_t length)
{
	struct segment in = scene_from_backend(story->scene, story->port, flags, seq, ack), out;

	in.payload = payload;
	in.payload_length = length;
	out = scene_at_client(story->scene, &in);
	expect_segment(story->lab, "from the backend", story->scene->backend_arm, &in, scene_verdict(story->scene),
		       &out);
}

static inline struct serin_stats stats_of(const struct story *story)
{
	struct serin_stats stats;

	assert_int_equal(datapath_read_stats(story->lab->datapath, scene_backend(story->lab, story->scene), &stats), 0);
	return stats;
}

static inline struct story begin(const struct scene *scene)
{
	struct story story = { .scene = scene, .lab = scene_open(scene, NULL), .port = PORT };

	flowtable_set_cursor(story.lab, scene_endpoint(story.lab, scene), PORT - SCENE_PORT_FIRST);
	client(&story, SYN, CLIENT_ISN, 0, 0);
	story.index = find(&story);
	expect_state(&story, "SYN", SERIN_WAY_EMBRYONIC);
	return story;
}

static inline struct story established(const struct scene *scene)
{
	struct story story = begin(scene);

	backend(&story, SYN | ACK, BACKEND_ISN, CLIENT_ISN + 1, 0);
	client(&story, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, 0);
	expect_state(&story, "handshake", SERIN_WAY_ESTABLISHED);
	return story;
}

static inline void end(struct story *story)
{
	lab_close(story->lab);
}

/* Run one test in nat and gateway, IPv4 and IPv6. */
static inline void in_scenes(void (*test)(const struct scene *scene))
{
	static const char *const names[] = { "nat-ipv4", "nat-ipv6", "gateway-ipv4", "gateway-ipv6-one-arm" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		test(scene_find(names[i]));
}

#define IN_SCENES(name)                                   \
	static void name##_in(const struct scene *scene); \
	static void name(void **state)                    \
	{                                                 \
		(void)state;                              \
		in_scenes(name##_in);                     \
	}                                                 \
	static void name##_in(const struct scene *scene)

#endif
