/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets at random: real ones of every service, both ends, every kind, then with bytes changed, cut off or added. */
#ifndef SERIN_TEST_RANDOM_PACKETS_H
#define SERIN_TEST_RANDOM_PACKETS_H

#include <stdio.h>
#include <string.h>

#include "frame_kinds.h"
#include "scene.h"

/* G. Marsaglia: "Xorshift RNGs", Journal of Statistical Software 8 (2003). */
static uint64_t random_state = 0x9e3779b97f4a7c15ull;

static inline uint32_t draw(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(((random_state >> 32) * below) >> 32);
}

/* Every mode and family, each a service with an address of its own. */
static const char *const service_scenes[] = {
	"nat-ipv4",   "nat-ipv6",  "gateway-ipv4", "gateway-ipv6", "nat-ipv4-far", "local-ipv4",
	"local-ipv6", "ipip-4in4", "ipip-6in4",    "ipip-6in6",    "gue-4in4",     "gue-6in4",
	"gue-4in6",   "gue-6in6",  "l2-ipv4",      "l2-ipv6",
};
#define SERVICES (sizeof(service_scenes) / sizeof(service_scenes[0]))

struct service_scene {
	struct scene scene;
	char listener[48];
	struct serin_addr address; /* of the listener */
};

static struct service_scene services[SERVICES];

static inline void services_make(void)
{
	size_t i;

	for (i = 0; i < SERVICES; i++) {
		struct service_scene *service = &services[i];

		service->scene = *scene_find(service_scenes[i]);
		snprintf(service->listener, sizeof(service->listener),
			 scene_is_ipv4(&service->scene) ? "203.0.113.%zu:80" : "[2001:db8:f::%zu]:80", 20 + i);
		service->scene.listener = service->listener;
		service->address = segment_between(service->listener, service->listener).src;
	}
}

static inline const char *services_yaml(char *yaml, size_t size)
{
	static const char *const forward[] = { "", "nat", "gateway", "local", "ipip", "gue", "l2" };
	size_t i, n;

	n = (size_t)snprintf(
		yaml, size,
		"interfaces: [front, rear]\nsnat: {addresses: [10.0.0.1, \"2001:db8:b::1\"], ports: %d-%d}\n"
		"services:\n",
		SCENE_PORT_FIRST, SCENE_PORT_FIRST + SCENE_PORT_COUNT - 1);
	for (i = 0; i < SERVICES; i++) {
		const struct scene *scene = &services[i].scene;
		const char *quote = strchr(scene->backend, ':') ? "\"" : "";

		n += (size_t)snprintf(
			yaml + n, size - n,
			"  - name: s%zu\n    listen: [\"%s/tcp\", \"%s/udp\"]\n    forward: %s\n"
			"    affinity: flow\n    baseline: stable\n%s"
			"    versions: {stable: {backends: [%s%s%s]}, canary: {weight: 30%%, backends: [%s%s%s]}}\n",
			i, scene->listener, scene->listener, forward[scene_forward(scene)],
			i % 5 == 4 ? "    max_new_flows: 5000/s\n" : "", quote, scene->backend, quote, quote,
			scene->other_backend, quote);
	}
	return yaml;
}

static uint8_t random_payload[1500];
static const uint8_t random_options[40] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7 };
static const uint8_t random_pad[6] = { 1, 4 };
static const struct frame_extension random_extensions[] = { { 0, 6, random_pad },
							    { 60, 6, random_pad },
							    { 43, 6, random_pad } };

/* What a client or a backend of the service may well send. */
static inline struct segment random_segment(const struct scene *scene, bool from_client)
{
	static const uint8_t flags[] = { SYN, SYN, ACK, ACK, ACK | PSH, SYN | ACK, RST, FIN | ACK, RST | ACK, 0 };
	uint8_t chosen = flags[draw(sizeof(flags))];
	struct segment segment;

	if (from_client)
		segment = scene_from_client(scene, chosen, draw(3000), draw(3000));
	else if (scene_forward(scene) == SERIN_FORWARD_LOCAL)
		segment = scene_from_process(scene, chosen, draw(3000), draw(3000));
	else
		segment = scene_from_backend(scene, (uint16_t)(SCENE_PORT_FIRST + draw(SCENE_PORT_COUNT)), chosen,
					     draw(3000), draw(3000));
	if (from_client)
		segment.sport = (uint16_t)(40000 + draw(24));
	else if (!scene->snat)
		segment.dport = (uint16_t)(40000 + draw(24));
	segment.protocol = draw(2) ? FRAME_TCP : FRAME_UDP;
	segment.payload = random_payload;
	segment.payload_length = draw(8) ? draw(60) : draw(1500);
	segment.tcp_options = random_options;
	segment.tcp_options_length = draw(3) ? 0 : 4 * draw(6);
	segment.ttl = draw(32) ? 64 : 1;
	segment.no_checksum = !draw(8) && scene_is_ipv4(scene);
	segment.may_fragment = draw(2);
	segment.ip_id = (uint16_t)draw(16);
	segment.padding = draw(4) ? 0 : draw(30);
	if (!draw(16) && scene_is_ipv4(scene)) {
		segment.ip_options = random_options;
		segment.ip_options_length = 4 * draw(6);
	}
	if (!draw(8) && !scene_is_ipv4(scene)) {
		segment.extensions = random_extensions;
		segment.extension_count = 1 + draw(3);
	}
	if (!draw(8))
		segment.tags[0] = (struct frame_tag){ draw(2) ? 0x8100 : 0x88a8, (uint16_t)draw(0x10000) };
	if (segment.tags[0].type && draw(2))
		segment.tags[1] = (struct frame_tag){ 0x8100, (uint16_t)draw(0x10000) };
	return segment;
}

/* An error about what went the other way, or a ping. */
static inline void random_icmp(const struct scene *scene, const struct segment *other, struct frame *ret)
{
	static const uint8_t types4[] = { 3, 3, 3, 11, 12, 4, 0, 8, 5 }, types6[] = { 1, 2, 2, 3, 4, 128, 129, 135 };
	static struct frame about;
	bool ipv4 = scene_is_ipv4(scene);
	struct icmp icmp = {
		.to = other->to,
		.from = other->from,
		.src = other->src,
		.dst = other->dst,
		.type = ipv4 ? types4[draw(sizeof(types4))] : types6[draw(sizeof(types6))],
		.code = (uint8_t)draw(6),
		.rest = draw(2) ? 1280 : draw(0x10000),
		.about = &about,
		.quoted = draw(2) ? 0 : (ipv4 ? 20u : 40u) + draw(60),
		.padding = draw(4) ? 0 : draw(30),
	};
	struct segment inner = *other;

	/* Sent by whom the error goes to. */
	inner.src = other->dst;
	inner.dst = other->src;
	inner.sport = other->dport;
	inner.dport = other->sport;
	if (draw(2))
		icmp.src = frame_addr(ipv4 ? "192.0.2.254" : "2001:db8:7::fe");
	segment_write(&inner, &about);
	icmp_write(&icmp, ret);
}

static inline void mutate(struct frame *frame)
{
	uint32_t changes = draw(2) ? 0 : draw(5), span = frame->length < 120 ? (uint32_t)frame->length : 120;
	size_t more;

	while (changes--)
		frame->data[draw(8) ? draw(span) : draw((uint32_t)frame->length)] =
			(uint8_t)(draw(3) ? draw(256) : 1u << draw(8));
	if (!draw(12))
		frame->length = 14 + draw((uint32_t)frame->length - 13);
	if (!draw(24)) {
		more = draw(100);
		memcpy(frame->data + frame->length, random_payload, more);
		frame->length += more;
	}
}

/* One packet and where it comes in; the service that it was made for. */
static inline size_t random_packet(struct frame *ret, enum lab_arm *ret_arm)
{
	static struct frame whole;
	size_t nth = draw(SERVICES), payload;
	const struct scene *scene = &services[nth].scene;
	bool from_client = draw(3) != 0;
	struct segment segment = random_segment(scene, from_client);
	uint32_t kind = draw(16);

	*ret_arm = from_client ? scene->client_arm : scene->backend_arm;
	if (!draw(32))
		*ret_arm = draw(LAB_ARMS);
	if (kind == 0) {
		random_icmp(scene, &segment, ret);
	} else if (kind == 1) {
		segment.payload_length = 40 + draw(400);
		segment_write(&segment, &whole);
		payload = frame_fragment_payload(&whole);
		frame_fragment(&whole, draw((uint32_t)payload / 8) * 8 * draw(2), 8 + 8 * draw((uint32_t)payload / 8),
			       draw(64), ret);
	} else {
		segment_write(&segment, ret);
	}
	mutate(ret);
	return nth;
}

#endif
