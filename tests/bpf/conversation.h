/* SPDX-License-Identifier: BSD-2-Clause */
/* A client and a backend of one scene, over TCP or UDP: what each sends, what the other gets of it, and that counters
 * say so. For tests of packets that do not need a connection's whole life. */
#ifndef SERIN_TEST_CONVERSATION_H
#define SERIN_TEST_CONVERSATION_H

#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "frame_kinds.h"
#include "scene.h"

#define PORT (SCENE_PORT_FIRST + 1)

struct conversation {
	struct scene scene;
	struct lab *lab;
	uint16_t port; /* under forward: nat; gue: the outer source port */
	unsigned int backend;
};

/* The next flow gets this SNAT port, if it is free. */
static inline void talk_expect_port(struct conversation *talk, uint16_t port)
{
	flowtable_set_cursor(talk->lab, scene_endpoint(talk->lab, &talk->scene), port - SCENE_PORT_FIRST);
	talk->port = port;
}

static inline struct conversation talk_begin(const struct scene *scene, uint8_t protocol)
{
	struct conversation talk = { .scene = *scene };

	talk.scene.protocol = protocol;
	talk.lab = scene_open(&talk.scene, NULL);
	talk.backend = scene_backend(talk.lab, &talk.scene);
	talk_expect_port(&talk, PORT);
	return talk;
}

static inline struct segment from_client(const struct conversation *talk)
{
	return scene_from_client(&talk->scene, talk->scene.protocol == FRAME_UDP ? 0 : SYN, 1000, 0);
}

static inline struct segment from_backend(const struct conversation *talk)
{
	return scene_from_backend(&talk->scene, talk->port, SYN | ACK, 5000, 1001);
}

/* What it is when it leaves. */
static inline struct segment talk_out(const struct conversation *talk, enum serin_direction direction,
				      const struct segment *in)
{
	return direction == SERIN_TO_BACKEND ? scene_at_backend(&talk->scene, in, talk->port)
					     : scene_at_client(&talk->scene, in);
}

static inline enum lab_arm talk_arm(const struct conversation *talk, enum serin_direction direction)
{
	return direction == SERIN_TO_BACKEND ? talk->scene.client_arm : talk->scene.backend_arm;
}

/* It is forwarded, with every byte and every counter right. */
static inline void expect_talk(const struct conversation *talk, const char *name, enum serin_direction direction,
			       const struct segment *in, const struct expect_counters *change)
{
	struct segment out = talk_out(talk, direction, in);
	static struct frame in_frame, out_frame;

	expect_passage(talk->lab, name, talk_arm(talk, direction), segment_write(in, &in_frame),
		       scene_verdict(&talk->scene), segment_write(&out, &out_frame), talk->backend, direction, change);
}

/* A flow that has been answered: the client's first packet and the backend's. */
static inline struct conversation talk_answered(const struct scene *scene, uint8_t protocol)
{
	struct conversation talk = talk_begin(scene, protocol);
	struct expect_counters change = { .drops = { 0 } };
	struct segment in = from_client(&talk), back = from_backend(&talk);

	change.stats[talk.backend].opened = 1;
	expect_talk(&talk, "first packet", SERIN_TO_BACKEND, &in, &change);
	expect_talk(&talk, "answer", SERIN_TO_CLIENT, &back, NULL);
	return talk;
}

#endif
