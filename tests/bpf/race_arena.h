/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the hammer strikes: a service with two listening addresses and three backends in a tiny flow table, and the
 * hammer's program, loaded onto the maps of the real one. */
#ifndef SERIN_TEST_RACE_ARENA_H
#define SERIN_TEST_RACE_ARENA_H

#include <arpa/inet.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lab.h"
#include "race_shared.h"

/* Few enough ports and ways that newcomers live on what others must give up. */
struct arena_kind {
	const char *name;
	enum serin_forward forward;
	const char *listener[2], *backend[3], *snat;
	const char *client; /* whose last byte is replaced */
	unsigned int clients, residents, ports;
};

struct arena {
	const struct arena_kind *kind;
	struct lab *lab;
	struct bpf_object *object;
	struct race_config config;
	int program;
};

#define ARENA_PORT_FIRST 2000u
#define ARENA_BACKENDS 3u

static struct race_end arena_end(const char *text)
{
	struct segment segment = segment_between(text, text);

	return (struct race_end){ .addr = segment.dst, .port = htons(segment.dport) };
}

static void arena_configure(struct arena *arena)
{
	const struct arena_kind *kind = arena->kind;
	char yaml[1024], addresses[64] = "";

	if (kind->snat)
		snprintf(addresses, sizeof(addresses), "addresses: [\"%s\"], ", kind->snat);
	snprintf(yaml, sizeof(yaml),
		 "interfaces: [front, rear]\n"
		 "snat: {%sports: %u-%u}\n"
		 "services:\n"
		 "  - name: shop\n"
		 "    listen: [\"%s/tcp\", \"%s/tcp\"]\n"
		 "    forward: %s\n"
		 "    affinity: {ipv4: 32, ipv6: 128}\n"
		 "    baseline: stable\n"
		 "    versions:\n"
		 "      stable: {backends: [\"%s\", \"%s\"]}\n"
		 "      canary: {backends: [\"%s\"]}\n",
		 addresses, ARENA_PORT_FIRST, ARENA_PORT_FIRST + kind->ports - 1, kind->listener[0], kind->listener[1],
		 kind->forward == SERIN_FORWARD_NAT ? "nat" : "gateway", kind->backend[0], kind->backend[1],
		 kind->backend[2]);
	lab_configure(arena->lab, yaml);
	lab_set_weight(arena->lab, "shop", "canary", 3000);
}

/* Closed and half-closed flows are old soon, so that all kinds of flows are evicted. A port rests long: whoever uses
 * it too early is counted. */
static void arena_set_timeouts(struct arena *arena)
{
	struct serin_settings settings = lab_settings(arena->lab);

	settings.linger_half_closed = 2;
	settings.linger_closed = 4;
	settings.linger_embryonic = 8;
	settings.answers_per_second = 1000000;
	lab_change_settings(arena->lab, &settings);
}

static void arena_describe(struct arena *arena, const int cpus[2])
{
	const struct arena_kind *kind = arena->kind;
	struct race_config *config = &arena->config;
	unsigned int i;

	*config = (struct race_config){
		.forward = kind->forward,
		.keys = 2 * kind->clients,
		.residents = kind->residents,
		.port_first = ARENA_PORT_FIRST,
		.port_count = kind->ports,
		.backend_count = ARENA_BACKENDS,
		.cpu = { (__u32)cpus[0], (__u32)cpus[1] },
		.client = frame_addr(kind->client),
	};
	config->family = address_is_ipv4(&config->client) ? SERIN_IPV4 : SERIN_IPV6;
	if (kind->snat)
		config->snat = frame_addr(kind->snat);
	for (i = 0; i < 2; i++)
		config->listener[i] = arena_end(kind->listener[i]);
	for (i = 0; i < ARENA_BACKENDS; i++) {
		config->backend[i] = arena_end(kind->backend[i]);
		config->backend[i].id =
			(__u16)lab_backend(arena->lab, "shop", i < 2 ? "stable" : "canary", kind->backend[i]);
	}
}

/* The hammer's constants, in its order. The first two are the real program's. */
struct arena_constants {
	__u32 bucket_mask;
	__u32 hash_key[SERIN_HASH_KEYS];
	struct race_config config;
};

static void arena_set_constants(struct arena *arena)
{
	struct bpf_map *map = bpf_object__find_map_by_name(arena->object, ".rodata");
	struct arena_constants constants = { .bucket_mask = 0 };
	const struct lab *lab = arena->lab;
	uint32_t zero = 0;
	size_t i;

	for (i = 0; i < lab->map_count; i++)
		if (strstr(lab->map_names[i], ".rodata") && !bpf_map_lookup_elem(lab->maps[i], &zero, &constants))
			break;
	constants.config = arena->config;
	if (constants.bucket_mask != datapath_buckets(lab->datapath) - 1 || !map ||
	    bpf_map__set_initial_value(map, &constants, sizeof(constants)))
		lab_die("the constants are not where they are expected");
}

/* Every map that the real program has is that one; what nobody uses is not made. */
static void arena_share_maps(struct arena *arena)
{
	static const char *const own[] = { "states",       "planned_backend", "residents",   "reports",
					   "report_count", "meetings",        "real_program" };
	struct bpf_map *map;
	size_t i;

	bpf_object__for_each_map (map, arena->object) {
		const char *name = bpf_map__name(map);
		bool mine = bpf_map__is_internal(map);

		for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
			mine |= !strcmp(name, own[i]);
		for (i = 0; !mine && i < arena->lab->map_count; i++)
			if (!strcmp(arena->lab->map_names[i], name))
				break;
		if (mine)
			continue;
		if (i == arena->lab->map_count)
			bpf_map__set_autocreate(map, false);
		else if (bpf_map__reuse_fd(map, arena->lab->maps[i]))
			lab_die("cannot share map %s: %s", name, strerror(errno));
	}
}

static int arena_map(const struct arena *arena, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(arena->object, name);

	if (fd < 0)
		lab_die("the hammer has no map %s", name);
	return fd;
}

/* Which backend the plan gives to whom: by address alone. */
static void arena_plan(struct arena *arena)
{
	__u32 backend[RACE_CLIENT_ADDRESSES], key, i;
	int fd = arena_map(arena, "planned_backend");

	for (i = 0; i < RACE_CLIENT_ADDRESSES; i++) {
		struct segment syn = { .src = arena->config.client };

		syn.src.byte[15] = (__u8)(RACE_CLIENT_BASE + i);
		backend[i] = lab_choose(arena->lab, "shop", &syn);
	}
	for (key = 0; key < arena->config.keys; key++)
		if (bpf_map_update_elem(fd, &key, &backend[key / 2 % RACE_CLIENT_ADDRESSES], BPF_ANY))
			lab_die("planned_backend: %s", strerror(errno));
}

static void arena_load(struct arena *arena)
{
	char path[PATH_MAX] = "", file[PATH_MAX + 32];
	__u32 zero = 0;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		lab_die("/proc/self/exe: %s", strerror(errno));
	snprintf(file, sizeof(file), "%s/race_hammer.bpf.o", dirname(path));
	arena->object = bpf_object__open_file(file, NULL);
	if (!arena->object)
		lab_die("%s: %s", file, strerror(errno));
	arena_set_constants(arena);
	arena_share_maps(arena);
	if (bpf_object__load(arena->object))
		lab_die("cannot load %s: %s", file, strerror(errno));
	arena->program = bpf_program__fd(bpf_object__find_program_by_name(arena->object, "hammer"));
	if (bpf_map_update_elem(arena_map(arena, "real_program"), &zero, &arena->lab->door_programs[LAB_XDP], BPF_ANY))
		lab_die("the hammer cannot call the real program: %s", strerror(errno));
}

static void arena_open(struct arena *arena, const struct arena_kind *kind, const int cpus[2])
{
	*arena = (struct arena){ .kind = kind, .lab = lab_open(SERIN_MIN_FLOWS) };
	arena_configure(arena);
	arena_set_timeouts(arena);
	arena_describe(arena, cpus);
	arena_load(arena);
	arena_plan(arena);
}

static void arena_close(struct arena *arena)
{
	bpf_object__close(arena->object);
	lab_close(arena->lab);
}

#endif
