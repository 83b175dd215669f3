/* SPDX-License-Identifier: BSD-2-Clause */
/* Scenes: one client, one service, one backend, in every arrangement that the data path knows, and the segments that
 * they exchange. No test framework. */
#ifndef SERIN_TEST_SCENE_H
#define SERIN_TEST_SCENE_H

#include "frame_kinds.h"
#include "lab.h"

#define SCENE_PORT_FIRST 2000 /* of the SNAT ports */
#define SCENE_PORT_COUNT 16
#define SCENE_GUE_PORT 6080
#define SCENE_FLOWS SERIN_MIN_FLOWS

struct scene {
	const char *name;
	const char *client, *listener, *backend; /* with ports */
	const char *other_backend;               /* the canary's, whose share is 0 at first */
	const char *snat;                        /* without a port; NULL: forward: gateway */
	enum serin_forward forward;              /* 0: nat or gateway, as `snat` says */
	const char *outer;                       /* ipip, gue: this host's address towards the backend */
	uint8_t protocol;                        /* FRAME_TCP */
	bool http;                               /* its service says `protocol: http` */
	bool by_flow;                            /* and `affinity: flow` */
	net_mac_t client_mac, backend_mac;       /* of their next hops */
	enum lab_arm client_arm, backend_arm;
};

/* Those of nat and gateway, and all others. */
extern const struct scene scenes[];
extern const size_t scene_count;
extern const struct scene mode_scenes[];
extern const size_t mode_scene_count;

/* The same, but a service over UDP. */
struct scene scene_over_udp(const struct scene *scene);
enum serin_forward scene_forward(const struct scene *scene);
bool scene_is_ipv4(const struct scene *scene);

/* "nat-ipv4", "gateway-ipv6-one-arm", ... */
const struct scene *scene_find(const char *name);

/* A fresh lab with the scene's service "shop": versions stable (baseline) and canary (weight 0). `more`: further lines
 * for the top level of the configuration, or NULL. */
struct lab *scene_open(const struct scene *scene, const char *more);

/* The ids of the scene's (stable) backend and of its endpoint. */
unsigned int scene_backend(const struct lab *lab, const struct scene *scene);
unsigned int scene_endpoint(const struct lab *lab, const struct scene *scene);

/* What the client sends, what of it the backend gets (`port`: the SNAT port; not looked at under forward: gateway),
 * and the same for the other direction. The seconds: `in`, and all that is rewritten. */
struct segment scene_from_client(const struct scene *scene, uint8_t flags, uint32_t seq, uint32_t ack);
struct segment scene_at_backend(const struct scene *scene, const struct segment *in, uint16_t port);
struct segment scene_from_backend(const struct scene *scene, uint16_t port, uint8_t flags, uint32_t seq, uint32_t ack);
struct segment scene_at_client(const struct scene *scene, const struct segment *in);

/* The frame of a client's packet as it leaves, in every mode. `port`: under forward: gue the outer source port, else that of
 * scene_at_backend(). */
struct frame *scene_leaves(const struct scene *scene, const struct segment *in, uint16_t port, struct frame *ret);
struct outer scene_outer(const struct scene *scene, const struct segment *in, uint16_t port);

/* forward: local. An answer of the backend's process, on its way out, and what leaves. */
struct segment scene_from_process(const struct scene *scene, uint8_t flags, uint32_t seq, uint32_t ack);

/* What becomes of the packets: LAB_BACK or LAB_ON; LAB_PASS under forward: local. */
enum lab_verdict scene_verdict(const struct scene *scene);

#endif
