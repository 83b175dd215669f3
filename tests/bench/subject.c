/* SPDX-License-Identifier: BSD-2-Clause */
#include "subject.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <serin/split.h>

#include "plan.h"

#define VIP 0xc6336401u      /* 198.51.100.1 */
#define SNAT 0x0afe0001u     /* 10.254.0.1 */
#define CLIENT0 0x0a000000u  /* 10.0.0.0 */
#define BACKEND0 0x0ac80001u /* 10.200.0.1 */
#define FIRST_PORT 1024
#define PORTS 31744

void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void shell(const char *command)
{
	if (system(command)) {
		fprintf(stderr, "bench: failed: %s\n", command);
		exit(1);
	}
}

void subject_prepare_network(void)
{
	if (unshare(CLONE_NEWNET))
		die("no network namespace of its own (needs root)");
	shell("ip link set lo up && ip link add " BENCH_DEVICE
	      " type veth peer name bench1 && ip link set bench1 up && "
	      "ip addr add 192.0.2.1/24 dev " BENCH_DEVICE " && ip link set " BENCH_DEVICE " up && "
	      "sysctl -qw net.ipv4.ip_forward=1 && "
	      "ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev " BENCH_DEVICE " nud permanent && "
	      "ip route add 10.0.0.0/8 via 192.0.2.2");
}

static struct serin_addr mapped(uint32_t ipv4)
{
	struct serin_addr addr;

	memset(&addr, 0, sizeof(addr));
	addr.half[5] = 0xffff;
	addr.word[3] = htonl(ipv4);
	return addr;
}

static int map_fd(const struct subject *subject, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(subject->object, name);

	if (fd < 0)
		die(name);
	return fd;
}

static void put(const struct subject *subject, const char *map, uint32_t key, const void *value)
{
	if (bpf_map_update_elem(map_fd(subject, map), &key, value, BPF_ANY))
		die(map);
}

static void put_backends(const struct subject *subject, struct ring_member *ret_members)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP);
	uint32_t id;

	for (id = 0; id < BENCH_BACKENDS; id++) {
		struct serin_backend backend;
		int owners;

		memset(&backend, 0, sizeof(backend));
		backend.addr = mapped(BACKEND0 + id);
		backend.port = htons(3000);
		backend.endpoint = (uint16_t)id;
		backend.weight = 1;
		backend.flags = SERIN_BACKEND_USED;
		backend.snat_count = 1;
		put(subject, "backends", id, &backend);
		owners = bpf_map_create(BPF_MAP_TYPE_ARRAY, "owners", 4, 8, PORTS, &options);
		if (owners < 0)
			die("owners");
		put(subject, "owners", id, &owners);
		close(owners);
		ret_members[id] = (struct ring_member){ backend.addr, backend.port, (uint16_t)id, 1, 0 };
	}
}

static void put_plan(const struct subject *subject, const struct ring_member *members)
{
	struct plan_input input = {
		.service = "bench", .generation = 1, .prefix4 = 32, .prefix6 = 64, .version_count = 1
	};
	struct serin_plan *plan = calloc(1, sizeof(*plan));
	uint32_t zero = 0;
	int inner;

	input.versions[0] = (struct plan_version){ "stable", 0, members, BENCH_BACKENDS };
	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "plan", 4, sizeof(*plan), 1, NULL);
	if (!plan || inner < 0 || plan_build(&input, plan) || bpf_map_update_elem(inner, &zero, plan, BPF_ANY))
		die("plan");
	put(subject, "plans", 0, &inner);
	close(inner);
	free(plan);
}

static void put_service(const struct subject *subject, const struct subject_kind *kind)
{
	struct serin_settings settings = {
		.routes_generation = 1,
		.snat_port_first = FIRST_PORT,
		.snat_port_count = PORTS,
		.linger_embryonic = 1000,
		.linger_established = 100000,
		.linger_half_closed = 1000,
		.linger_closed = 1000,
		.linger_udp = 100000,
		.gue_port = htons(6080),
		.port_rest = 224,
		.answers_per_second = 100,
	};
	struct serin_device device = { .ifindex = if_nametoindex(BENCH_DEVICE),
				       .mtu = 1500,
				       .mac = { 2, 0, 0, 0, 0, 1 } };
	struct serin_listener listener = {
		.addr = mapped(VIP), .port = htons(80), .protocol = kind->protocol, .forward = kind->forward
	};
	struct serin_listener_key key;
	struct serin_addr snat = mapped(SNAT);
	struct ring_member members[BENCH_BACKENDS];
	uint32_t zero = 0;

	put(subject, "settings", 0, &settings);
	put(subject, "devices", 0, &device);
	put(subject, "device_ids", device.ifindex, &zero);
	put(subject, "snat", 0, &snat);
	put_backends(subject, members);
	put_plan(subject, members);
	put(subject, "listeners", 0, &listener);
	memset(&key, 0, sizeof(key));
	key.addr = listener.addr;
	key.port = listener.port;
	key.protocol = listener.protocol;
	if (bpf_map_update_elem(map_fd(subject, "listener_ids"), &key, &zero, BPF_ANY))
		die("listener_ids");
}

/* The program's constants, in the order in which they are declared; others may follow. */
static void set_rodata(const struct subject *subject, uint32_t bucket_mask, bool observe)
{
	struct {
		uint32_t bucket_mask, hash_key[SERIN_HASH_KEYS];
		bool observe;
	} *rodata = NULL;
	struct bpf_map *map = bpf_object__find_map_by_name(subject->object, ".rodata");
	unsigned int i;
	size_t size;

	if (!map)
		map = bpf_object__find_map_by_name(subject->object, "serin.rodata");
	if (map && bpf_map__initial_value(map, &size))
		rodata = malloc(size);
	if (!rodata || size < offsetof(typeof(*rodata), observe) + sizeof(rodata->observe))
		die("constants of the program");
	memcpy(rodata, bpf_map__initial_value(map, &size), size);
	if (!rodata->observe)
		die("constants of the program, which are others by now");
	rodata->bucket_mask = bucket_mask;
	for (i = 0; i < SERIN_HASH_KEYS; i++)
		rodata->hash_key[i] = (uint32_t)serin_mix64(i + 1);
	rodata->observe = observe;
	if (bpf_map__set_initial_value(map, rodata, size))
		die("constants of the program");
	free(rodata);
}

/* What is observed of each backend has a map of its own. */
static void put_observed(const struct subject *subject)
{
	uint32_t i;
	int fd;

	for (i = 0; i < BENCH_BACKENDS; i++) {
		fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "observed", sizeof(uint32_t),
				    sizeof(struct serin_observed), 1, NULL);
		if (fd < 0 || bpf_map_update_elem(map_fd(subject, "observed"), &i, &fd, BPF_ANY))
			die("observed");
		close(fd);
	}
}

void subject_open(struct subject *subject, const struct subject_kind *kind, uint32_t max_flows)
{
	const char *program;
	uint32_t buckets = 1;
	struct bpf_map *lru;

	while (buckets * SERIN_WAYS_PER_BUCKET < (uint64_t)max_flows * 8 / 3)
		buckets *= 2;
	subject->ways = buckets * SERIN_WAYS_PER_BUCKET;
	subject->object = bpf_object__open_file(kind->path, NULL);
	if (!subject->object)
		die(kind->path);
	lru = bpf_object__find_map_by_name(subject->object, "lru");
	if (lru) {
		/* Key, value, and what struct htab_elem adds. */
		subject->way_size = 48 + 40 + 64;
		bpf_map__set_max_entries(lru, subject->ways);
	} else {
		subject->way_size = 64 + 1;
		bpf_map__set_max_entries(bpf_object__find_map_by_name(subject->object, "tags"), buckets);
		bpf_map__set_max_entries(bpf_object__find_map_by_name(subject->object, "ways"), subject->ways);
	}
	set_rodata(subject, buckets - 1, !kind->blind);
	if (bpf_object__load(subject->object))
		die("load");
	program = kind->door == BENCH_TC ? "serin_tc_ingress" : "serin_xdp";
	subject->program = bpf_program__fd(bpf_object__find_program_by_name(subject->object, program));
	put_service(subject, kind);
	put_observed(subject);
}

void subject_close(struct subject *subject)
{
	bpf_object__close(subject->object);
	subject->object = NULL;
}

struct serin_stats subject_counts(const struct subject *subject)
{
	unsigned int cpus = (unsigned int)libbpf_num_possible_cpus(), cpu;
	struct serin_stats ret = { 0 }, *of = calloc(cpus, sizeof(*of));
	__u32 backend;

	if (!of)
		die("memory");
	for (backend = 0; backend < BENCH_BACKENDS; backend++) {
		if (bpf_map_lookup_elem(map_fd(subject, "stats"), &backend, of))
			die("stats");
		for (cpu = 0; cpu < cpus; cpu++) {
			ret.established += of[cpu].established;
			ret.asked += of[cpu].asked;
			ret.answered += of[cpu].answered;
		}
	}
	free(of);
	return ret;
}

static struct bench_packet answer_of(const struct serin_way *way)
{
	return (struct bench_packet){ htonl(BACKEND0 + way->backend), htonl(SNAT), htons(3000), way->nat_port };
}

/* Of the flows in `ways`, those whose answers are asked for. */
static size_t answers_in(const struct serin_way *ways, uint32_t count, uint32_t from, struct bench_packet *ret,
			 size_t room)
{
	size_t found = 0;
	uint32_t i;

	for (i = 0; i < count && found < room; i++)
		if (SERIN_WAY_STATE(ways[i].claim) >= SERIN_WAY_EMBRYONIC &&
		    SERIN_WAY_DIRECTION(&ways[i]) == SERIN_TO_CLIENT && ntohl(ways[i].client.word[3]) >= CLIENT0 + from)
			ret[found++] = answer_of(&ways[i]);
	return found;
}

static size_t answers_in_table(const struct subject *subject, uint32_t from, struct bench_packet *ret, size_t room)
{
	size_t length = subject->ways * sizeof(struct serin_way), found;
	struct serin_way *ways = mmap(NULL, length, PROT_READ, MAP_SHARED, map_fd(subject, "ways"), 0);

	if (ways == MAP_FAILED)
		die("the flow table");
	found = answers_in(ways, subject->ways, from, ret, room);
	munmap(ways, length);
	return found;
}

static size_t answers_in_hash(const struct subject *subject, uint32_t from, struct bench_packet *ret, size_t room)
{
	const uint32_t batch = 1u << 16;
	struct serin_way *ways = malloc(batch * sizeof(*ways));
	char *keys = malloc(batch * 40), cursor[40];
	int fd = map_fd(subject, "lru"), r;
	bool first = true;
	size_t found = 0;
	uint32_t count;

	if (!ways || !keys)
		die("memory");
	do {
		count = batch;
		r = bpf_map_lookup_batch(fd, first ? NULL : cursor, cursor, keys, ways, &count, NULL);
		if (r && errno != ENOENT)
			die("reading the flow table");
		first = false;
		found += answers_in(ways, count, from, ret + found, room - found);
	} while (!r);
	free(ways);
	free(keys);
	return found;
}

size_t subject_answers(const struct subject *subject, uint32_t from, struct bench_packet *ret, size_t room)
{
	if (bpf_object__find_map_by_name(subject->object, "lru"))
		return answers_in_hash(subject, from, ret, room);
	return answers_in_table(subject, from, ret, room);
}

struct bench_packet subject_request(uint32_t number)
{
	return (struct bench_packet){ htonl(CLIENT0 + (number & 0x7fffffu)), htonl(VIP),
				      htons((uint16_t)(20000 + number % 40000)), htons(80) };
}
