/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the flow table is consistent, once nobody works on it. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "flowtable.h"

#define MOST_COMPLAINTS 20

struct check {
	const struct lab *lab;
	FILE *complaints;
	unsigned int count;
	struct serin_way *ways;
	uint64_t *tags;
	uint32_t total;
	struct serin_settings settings;
};

static void wrong(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void wrong(struct check *check, const char *format, ...)
{
	va_list args;

	if (check->count++ >= MOST_COMPLAINTS || !check->complaints)
		return;
	fputs("flow table: ", check->complaints);
	va_start(args, format);
	vfprintf(check->complaints, format, args);
	va_end(args);
	fputc('\n', check->complaints);
}

static bool is_live(const struct serin_way *way)
{
	return SERIN_WAY_STATE(way->claim) >= SERIN_WAY_EMBRYONIC;
}

static void *read_map(const struct lab *lab, const char *map, uint32_t total, size_t size)
{
	uint32_t count = total, next, *keys = calloc(total, sizeof(*keys));
	void *values = calloc(total, size);

	if (!values || !keys)
		lab_die("out of memory");
	bpf_map_lookup_batch(lab_map(lab, map), NULL, &next, keys, values, &count, NULL);
	if (count != total)
		lab_die("read %u of %u %s", count, total, map);
	free(keys);
	return values;
}

/* The five-tuple that a way is found by. */
static struct segment key_of(struct check *check, const struct serin_way *way)
{
	struct segment key = { .flags = 0 };
	struct serin_listener listener;
	struct serin_backend backend;
	struct serin_addr snat;

	lab_read(check->lab, "listeners", way->listener, &listener);
	lab_read(check->lab, "backends", way->backend, &backend);
	key.protocol = listener.protocol;
	snat = way->client;
	if (way->snat != SERIN_NO_SNAT)
		lab_read(check->lab, "snat", way->snat, &snat);
	if (SERIN_WAY_DIRECTION(way) == SERIN_TO_BACKEND) {
		key.src = way->client;
		key.sport = ntohs(way->client_port);
		key.dst = listener.addr;
		key.dport = ntohs(listener.port);
	} else {
		key.src = listener.forward == SERIN_FORWARD_LOCAL ? listener.addr : backend.addr;
		key.sport = ntohs(backend.port);
		key.dst = snat;
		key.dport = ntohs(way->nat_port);
	}
	return key;
}

static void check_place(struct check *check, uint32_t index, const struct serin_way *way)
{
	struct segment key = key_of(check, way), other_key;
	struct flowtable_place place = flowtable_place(check->lab, &key);
	uint32_t bucket = index / SERIN_WAYS_PER_BUCKET, i;
	uint8_t tag = ((const uint8_t *)&check->tags[bucket])[index % SERIN_WAYS_PER_BUCKET];

	if (bucket != place.bucket[0] && bucket != place.bucket[1])
		wrong(check, "way %u is in bucket %u, its key belongs into %u or %u", index, bucket, place.bucket[0],
		      place.bucket[1]);
	if (tag != place.tag)
		wrong(check, "way %u has tag %u, its key's is %u", index, tag, place.tag);
	for (i = 0; i < 2 * SERIN_WAYS_PER_BUCKET; i++) {
		uint32_t other =
			place.bucket[i / SERIN_WAYS_PER_BUCKET] * SERIN_WAYS_PER_BUCKET + i % SERIN_WAYS_PER_BUCKET;

		if (other <= index || !is_live(&check->ways[other]) ||
		    SERIN_WAY_DIRECTION(&check->ways[other]) != SERIN_WAY_DIRECTION(way))
			continue;
		other_key = key_of(check, &check->ways[other]);
		if (!memcmp(&key.src, &other_key.src, 16) && !memcmp(&key.dst, &other_key.dst, 16) &&
		    key.sport == other_key.sport && key.dport == other_key.dport && key.protocol == other_key.protocol)
			wrong(check, "ways %u and %u have the same key", index, other);
	}
}

static enum serin_forward forward_of(struct check *check, const struct serin_way *way)
{
	struct serin_listener listener;

	lab_read(check->lab, "listeners", way->listener, &listener);
	return listener.forward;
}

static void check_peer(struct check *check, uint32_t index, const struct serin_way *way)
{
	const struct serin_way *peer = way->peer < check->total ? &check->ways[way->peer] : NULL;

	if (!peer || !is_live(peer) || SERIN_WAY_GENERATION(peer->claim) != way->peer_generation) {
		wrong(check, "way %u names a peer, %u, that is gone", index, way->peer);
		return;
	}
	if (SERIN_IS_ONE_WAY(forward_of(check, way))) {
		if (way->peer != index || SERIN_WAY_DIRECTION(way) != SERIN_TO_BACKEND)
			wrong(check, "way %u of a one-way mode has a peer, %u", index, way->peer);
		return;
	}
	if (peer->peer != index || peer->peer_generation != SERIN_WAY_GENERATION(way->claim))
		wrong(check, "way %u names peer %u, which names %u", index, way->peer, peer->peer);
	if (SERIN_WAY_DIRECTION(peer) == SERIN_WAY_DIRECTION(way) ||
	    memcmp(&peer->client, &way->client, sizeof(way->client)) || peer->client_port != way->client_port ||
	    peer->nat_port != way->nat_port || peer->snat != way->snat || peer->listener != way->listener ||
	    peer->backend != way->backend)
		wrong(check, "way %u and its peer %u tell different things", index, way->peer);
}

static void check_port_held(struct check *check, uint32_t index, const struct serin_way *way)
{
	struct serin_backend backend;
	uint32_t place;
	uint64_t owner;

	if (forward_of(check, way) != SERIN_FORWARD_NAT || SERIN_WAY_DIRECTION(way) != SERIN_TO_BACKEND)
		return;
	lab_read(check->lab, "backends", way->backend, &backend);
	place = (uint32_t)(way->snat - backend.snat_first) * check->settings.snat_port_count + ntohs(way->nat_port) -
		check->settings.snat_port_first;
	owner = flowtable_owner(check->lab, backend.endpoint, place);
	if (owner != SERIN_OWNER(index, SERIN_WAY_GENERATION(way->claim)))
		wrong(check, "the flow at way %u uses port %u towards endpoint %u, whose owner word is %llx", index,
		      ntohs(way->nat_port), backend.endpoint, (unsigned long long)owner);
}

static void check_owner(struct check *check, uint32_t endpoint, uint32_t place, uint64_t owner)
{
	const struct serin_way *way = NULL;
	struct serin_backend backend;
	uint32_t index = SERIN_OWNER_WAY(owner);

	if (!(owner & SERIN_OWNER_HELD))
		return;
	if (index < check->total)
		way = &check->ways[index];
	if (!way || !is_live(way) || SERIN_WAY_DIRECTION(way) != SERIN_TO_BACKEND ||
	    SERIN_WAY_GENERATION(way->claim) != SERIN_OWNER_GENERATION(owner)) {
		wrong(check, "endpoint %u, place %u: held by way %u, which is no such flow: the port has leaked",
		      endpoint, place, index);
		return;
	}
	lab_read(check->lab, "backends", way->backend, &backend);
	if (backend.endpoint != endpoint ||
	    place != (uint32_t)(way->snat - backend.snat_first) * check->settings.snat_port_count +
			     ntohs(way->nat_port) - check->settings.snat_port_first)
		wrong(check, "endpoint %u, place %u: held by way %u, which uses another port", endpoint, place, index);
}

static void check_owners(struct check *check, uint32_t endpoint)
{
	uint32_t count = flowtable_owner_count(check->lab, endpoint), read = count, next, id, place, *keys;
	uint64_t *owners;
	int fd;

	if (!count)
		return;
	lab_read(check->lab, "owners", endpoint, &id);
	fd = bpf_map_get_fd_by_id(id);
	keys = calloc(count, sizeof(*keys));
	owners = calloc(count, sizeof(*owners));
	if (fd < 0 || !keys || !owners)
		lab_die("out of memory");
	bpf_map_lookup_batch(fd, NULL, &next, keys, owners, &read, NULL);
	if (read != count)
		lab_die("endpoint %u: read %u of %u owner words", endpoint, read, count);
	for (place = 0; place < count; place++)
		check_owner(check, endpoint, place, owners[place]);
	free(owners);
	free(keys);
	close(fd);
}

unsigned int flowtable_check(const struct lab *lab, FILE *complaints)
{
	struct check check = { .lab = lab, .complaints = complaints };
	uint32_t i;

	check.settings = lab_settings(lab);
	check.total = datapath_buckets(lab->datapath) * SERIN_WAYS_PER_BUCKET;
	check.ways = read_map(lab, "ways", check.total, sizeof(*check.ways));
	check.tags = read_map(lab, "tags", check.total / SERIN_WAYS_PER_BUCKET, sizeof(*check.tags));
	for (i = 0; i < check.total; i++) {
		const struct serin_way *way = &check.ways[i];

		if (is_live(way)) {
			check_place(&check, i, way);
			check_peer(&check, i, way);
			check_port_held(&check, i, way);
		} else if (SERIN_WAY_STATE(way->claim) != SERIN_WAY_FREE) {
			wrong(&check, "way %u was left in state %u", i, SERIN_WAY_STATE(way->claim));
		}
	}
	for (i = 0; i < lab->image->endpoint_count; i++)
		check_owners(&check, i);
	free(check.ways);
	free(check.tags);
	return check.count;
}
