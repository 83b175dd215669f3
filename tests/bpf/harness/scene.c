/* SPDX-License-Identifier: BSD-2-Clause */
/* The scenes, and their segments. */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TWO_ARMS .client_arm = LAB_FRONT, .backend_arm = LAB_REAR
#define ONE_ARM .client_arm = LAB_FRONT, .backend_arm = LAB_FRONT
#define NEAR .client_mac = NET_CLIENT_MAC(0x10), .backend_mac = NET_BACKEND_MAC(0x11)
#define NEAR_ONE_ARM .client_mac = NET_CLIENT_MAC(0x10), .backend_mac = NET_ONE_ARM_MAC(0x21)
#define FAR .client_mac = NET_CLIENT_GATEWAY_MAC, .backend_mac = NET_BACKEND_GATEWAY_MAC
#define CLIENT4 .client = "198.51.100.16:40000", .listener = "203.0.113.10:80"
#define CLIENT6 .client = "[2001:db8:c::10]:40000", .listener = "[2001:db8:f::10]:80"
#define FAR_CLIENT4 .client = "192.0.2.77:51234", .listener = "203.0.113.10:80"
#define FAR_CLIENT6 .client = "[2001:db8:7::77]:51234", .listener = "[2001:db8:f::10]:80"
#define BACKENDS4 .backend = "10.0.0.17:3000", .other_backend = "10.0.0.18:3000"
#define BACKENDS6 .backend = "[2001:db8:b::11]:3000", .other_backend = "[2001:db8:b::12]:3000"
#define FAR_BACKENDS4 .backend = "10.9.0.5:8080", .other_backend = "10.9.0.6:8080"
#define FAR_BACKENDS6 .backend = "[2001:db8:9::5]:8080", .other_backend = "[2001:db8:9::6]:8080"
#define FRONT_BACKENDS4 .backend = "198.51.100.33:80", .other_backend = "198.51.100.34:80"
#define FRONT_BACKENDS6 .backend = "[2001:db8:c::21]:80", .other_backend = "[2001:db8:c::22]:80"

const struct scene scenes[] = {
	{ .name = "nat-ipv4", CLIENT4, BACKENDS4, .snat = "10.0.0.1", NEAR, TWO_ARMS },
	{ .name = "nat-ipv6", CLIENT6, BACKENDS6, .snat = "2001:db8:b::1", NEAR, TWO_ARMS },
	{ .name = "gateway-ipv4", CLIENT4, BACKENDS4, NEAR, TWO_ARMS },
	{ .name = "gateway-ipv6", CLIENT6, BACKENDS6, NEAR, TWO_ARMS },
	{ .name = "nat-ipv4-one-arm", CLIENT4, FRONT_BACKENDS4, .snat = "198.51.100.1", NEAR_ONE_ARM, ONE_ARM },
	{ .name = "nat-ipv6-one-arm", CLIENT6, FRONT_BACKENDS6, .snat = "2001:db8:c::1", NEAR_ONE_ARM, ONE_ARM },
	{ .name = "gateway-ipv4-one-arm", CLIENT4, FRONT_BACKENDS4, NEAR_ONE_ARM, ONE_ARM },
	{ .name = "gateway-ipv6-one-arm", CLIENT6, FRONT_BACKENDS6, NEAR_ONE_ARM, ONE_ARM },
	{ .name = "nat-ipv4-far", FAR_CLIENT4, FAR_BACKENDS4, .snat = "10.0.0.1", FAR, TWO_ARMS },
	{ .name = "nat-ipv6-far", FAR_CLIENT6, FAR_BACKENDS6, .snat = "2001:db8:b::1", FAR, TWO_ARMS },
	{ .name = "gateway-ipv4-far", FAR_CLIENT4, FAR_BACKENDS4, FAR, TWO_ARMS },
	{ .name = "gateway-ipv6-far", FAR_CLIENT6, FAR_BACKENDS6, FAR, TWO_ARMS },
	/* a backend that calls the service that it belongs to */
	{ .name = "nat-ipv4-hairpin",
	  .client = "10.0.0.17:40000",
	  .listener = "203.0.113.10:80",
	  BACKENDS4,
	  .snat = "10.0.0.2",
	  .client_mac = NET_BACKEND_MAC(0x11),
	  .backend_mac = NET_BACKEND_MAC(0x11),
	  .client_arm = LAB_REAR,
	  .backend_arm = LAB_REAR },
};
const size_t scene_count = sizeof(scenes) / sizeof(scenes[0]);

#define SAME_PORT4 .backend = "10.0.0.17:80", .other_backend = "10.0.0.18:80"
#define SAME_PORT6 .backend = "[2001:db8:b::11]:80", .other_backend = "[2001:db8:b::12]:80"
#define MODE(mode) .forward = SERIN_FORWARD_##mode, NEAR, TWO_ARMS
#define OUTER4 .outer = "10.0.0.1"
#define OUTER6 .outer = "2001:db8:b::1"

const struct scene mode_scenes[] = {
	{ .name = "local-ipv4", CLIENT4, .backend = "3000", .other_backend = "3001", MODE(LOCAL) },
	{ .name = "local-ipv6", CLIENT6, .backend = "3000", .other_backend = "3001", MODE(LOCAL) },
	{ .name = "ipip-4in4", CLIENT4, SAME_PORT4, OUTER4, MODE(IPIP) },
	{ .name = "ipip-6in4", CLIENT6, SAME_PORT4, OUTER4, MODE(IPIP) },
	{ .name = "ipip-4in6", CLIENT4, SAME_PORT6, OUTER6, MODE(IPIP) },
	{ .name = "ipip-6in6", CLIENT6, SAME_PORT6, OUTER6, MODE(IPIP) },
	{ .name = "gue-4in4", CLIENT4, SAME_PORT4, OUTER4, MODE(GUE) },
	{ .name = "gue-6in4", CLIENT6, SAME_PORT4, OUTER4, MODE(GUE) },
	{ .name = "gue-4in6", CLIENT4, SAME_PORT6, OUTER6, MODE(GUE) },
	{ .name = "gue-6in6", CLIENT6, SAME_PORT6, OUTER6, MODE(GUE) },
	{ .name = "l2-ipv4", CLIENT4, SAME_PORT4, MODE(L2) },
	{ .name = "l2-ipv6", CLIENT6, SAME_PORT6, MODE(L2) },
};
const size_t mode_scene_count = sizeof(mode_scenes) / sizeof(mode_scenes[0]);

const struct scene *scene_find(const char *name)
{
	size_t i;

	for (i = 0; i < scene_count; i++)
		if (!strcmp(scenes[i].name, name))
			return &scenes[i];
	for (i = 0; i < mode_scene_count; i++)
		if (!strcmp(mode_scenes[i].name, name))
			return &mode_scenes[i];
	lab_die("no scene %s", name);
}

enum serin_forward scene_forward(const struct scene *scene)
{
	if (scene->forward)
		return scene->forward;
	return scene->snat ? SERIN_FORWARD_NAT : SERIN_FORWARD_GATEWAY;
}

bool scene_is_ipv4(const struct scene *scene)
{
	return scene->client[0] != '[';
}

struct scene scene_over_udp(const struct scene *scene)
{
	struct scene udp = *scene;

	udp.protocol = FRAME_UDP;
	return udp;
}

/* In a configuration. */
static const char *forward_name(const struct scene *scene)
{
	static const char *const names[] = {
		[SERIN_FORWARD_NAT] = "nat",   [SERIN_FORWARD_GATEWAY] = "gateway", [SERIN_FORWARD_LOCAL] = "local",
		[SERIN_FORWARD_IPIP] = "ipip", [SERIN_FORWARD_GUE] = "gue",         [SERIN_FORWARD_L2] = "l2",
	};

	return names[scene_forward(scene)];
}

/* A process of this host is a bare port. */
static void format_backend(const char *backend, char *ret, size_t size)
{
	snprintf(ret, size, strchr(backend, ':') ? "\"%s\"" : "%s", backend);
}

struct lab *scene_open(const struct scene *scene, const char *more)
{
	struct lab *lab = lab_open(SCENE_FLOWS);
	char yaml[1024], snat[128] = "", stable[64], canary[64];

	if (scene->snat || scene->outer)
		snprintf(snat, sizeof(snat), "addresses: [\"%s\"], ", scene->snat ? scene->snat : scene->outer);
	format_backend(scene->backend, stable, sizeof(stable));
	format_backend(scene->other_backend, canary, sizeof(canary));
	snprintf(yaml, sizeof(yaml),
		 "interfaces: [front, rear]\n"
		 "%s"
		 "snat: {%sports: %d-%d}\n"
		 "services:\n"
		 "  - name: shop\n"
		 "    listen: [\"%s/%s\"]\n"
		 "    forward: %s\n"
		 "%s%s"
		 "    baseline: stable\n"
		 "    versions:\n"
		 "      stable: {backends: [%s]}\n"
		 "      canary: {backends: [%s]}\n",
		 more ? more : "", snat, SCENE_PORT_FIRST, SCENE_PORT_FIRST + SCENE_PORT_COUNT - 1, scene->listener,
		 scene->protocol == FRAME_UDP ? "udp" : "tcp", forward_name(scene),
		 scene->http ? "    protocol: http\n" : "", scene->by_flow ? "    affinity: flow\n" : "", stable,
		 canary);
	lab_configure(lab, yaml);
	return lab;
}

unsigned int scene_backend(const struct lab *lab, const struct scene *scene)
{
	return lab_backend(lab, "shop", "stable", scene->backend);
}

unsigned int scene_endpoint(const struct lab *lab, const struct scene *scene)
{
	return lab->image->backends[scene_backend(lab, scene)].endpoint;
}

static net_mac_t own_mac(enum lab_arm arm)
{
	return arm == LAB_FRONT ? NET_FRONT_MAC : NET_REAR_MAC;
}

struct segment scene_from_client(const struct scene *scene, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct segment segment = segment_between(scene->client, scene->listener);

	segment.protocol = scene->protocol;
	segment.from = scene->client_mac;
	segment.to = own_mac(scene->client_arm);
	segment.flags = flags;
	segment.seq = seq;
	segment.ack = ack;
	return segment;
}

/* One hop on, with other addresses. */
static struct segment forwarded(const struct segment *in, const struct segment *between)
{
	struct segment out = *in;

	out.src = between->src;
	out.sport = between->sport;
	out.dst = between->dst;
	out.dport = between->dport;
	out.ttl = (uint8_t)((in->ttl ? in->ttl : 64) - 1);
	return out;
}

/* forward: local. Nothing but the port. */
static struct segment at_process(const struct scene *scene, const struct segment *in)
{
	struct segment out = *in;

	out.dport = (uint16_t)atoi(scene->backend);
	return out;
}

struct segment scene_at_backend(const struct scene *scene, const struct segment *in, uint16_t port)
{
	enum serin_forward forward = scene_forward(scene);
	struct segment between, out;

	if (forward == SERIN_FORWARD_LOCAL)
		return at_process(scene, in);
	if (SERIN_IS_ONE_WAY(forward)) {
		out = *in;
		out.ttl = forward == SERIN_FORWARD_L2 ? in->ttl : (uint8_t)((in->ttl ? in->ttl : 64) - 1);
	} else {
		between = segment_between(scene->client, scene->backend);
		between.src = in->src;
		between.sport = in->sport;
		if (scene->snat) {
			between.src = frame_addr(scene->snat);
			between.sport = port;
		}
		out = forwarded(in, &between);
	}
	out.from = own_mac(scene->backend_arm);
	out.to = scene->backend_mac;
	return out;
}

struct outer scene_outer(const struct scene *scene, const struct segment *in, uint16_t port)
{
	struct outer outer = { .from = own_mac(scene->backend_arm), .to = scene->backend_mac, .tos = in->tos };

	outer.src = frame_addr(scene->outer);
	outer.dst = segment_between(scene->backend, scene->backend).dst;
	memcpy(outer.tags, in->tags, sizeof(outer.tags));
	if (scene->forward == SERIN_FORWARD_GUE) {
		outer.gue_port = SCENE_GUE_PORT;
		outer.source_port = port;
	}
	return outer;
}

struct frame *scene_leaves(const struct scene *scene, const struct segment *in, uint16_t port, struct frame *ret)
{
	struct segment inner = scene_at_backend(scene, in, port);
	static struct frame frame;
	struct outer outer;

	if (!scene->outer)
		return segment_write(&inner, ret);
	outer = scene_outer(scene, in, port);
	return frame_wrap(segment_write(&inner, &frame), &outer, ret);
}

struct segment scene_from_backend(const struct scene *scene, uint16_t port, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct segment segment = segment_between(scene->backend, scene->client);

	if (scene->snat) {
		segment.dst = frame_addr(scene->snat);
		segment.dport = port;
	}
	segment.protocol = scene->protocol;
	segment.from = scene->backend_mac;
	segment.to = own_mac(scene->backend_arm);
	segment.flags = flags;
	segment.seq = seq;
	segment.ack = ack;
	return segment;
}

struct segment scene_from_process(const struct scene *scene, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct segment segment = segment_between(scene->listener, scene->client);

	segment.protocol = scene->protocol;
	segment.sport = (uint16_t)atoi(scene->backend);
	segment.from = own_mac(scene->client_arm);
	segment.to = scene->client_mac;
	segment.flags = flags;
	segment.seq = seq;
	segment.ack = ack;
	return segment;
}

struct segment scene_at_client(const struct scene *scene, const struct segment *in)
{
	struct segment between = segment_between(scene->listener, scene->client), out = forwarded(in, &between);

	if (scene_forward(scene) == SERIN_FORWARD_LOCAL)
		out.ttl = in->ttl;
	out.from = own_mac(scene->client_arm);
	out.to = scene->client_mac;
	return out;
}

enum lab_verdict scene_verdict(const struct scene *scene)
{
	if (scene_forward(scene) == SERIN_FORWARD_LOCAL)
		return LAB_PASS;
	return scene->client_arm == scene->backend_arm ? LAB_BACK : LAB_ON;
}
