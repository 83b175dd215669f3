/* SPDX-License-Identifier: BSD-2-Clause */
/* The flow table as the program's maps have it. */
#include "flowtable.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* The program's constants, in the order of bpf/serin.bpf.c. */
struct constants {
	uint32_t bucket_mask;
	uint32_t key[SERIN_HASH_KEYS];
};

static struct constants constants_of(const struct lab *lab)
{
	struct constants constants;
	uint32_t zero = 0;
	size_t i;

	for (i = 0; i < lab->map_count; i++)
		if (strstr(lab->map_names[i], ".rodata") && !bpf_map_lookup_elem(lab->maps[i], &zero, &constants) &&
		    constants.bucket_mask == datapath_buckets(lab->datapath) - 1)
			return constants;
	lab_die("the program's constants are not where they are expected");
}

static struct flowtable_place place_of(const struct lab *lab, const struct serin_addr *src, __be16 sport,
				       const struct serin_addr *dst, __be16 dport, uint8_t protocol)
{
	struct constants constants = constants_of(lab);
	uint32_t words[SERIN_HASH_KEYS];
	struct flowtable_place place;
	uint64_t hash = 0;
	size_t i;

	memcpy(words, src, 16);
	memcpy(words + 4, dst, 16);
	memcpy(words + 8, &sport, 2);
	memcpy((char *)(words + 8) + 2, &dport, 2);
	words[9] = protocol;
	for (i = 0; i < SERIN_HASH_KEYS; i += 2)
		hash += (uint64_t)(uint32_t)(words[i] + constants.key[i]) *
			(uint32_t)(words[i + 1] + constants.key[i + 1]);
	hash ^= hash >> 32;
	hash *= 0x9e3779b97f4a7c15ull;
	hash ^= hash >> 32;
	place.hash = hash;
	place.bucket[0] = (uint32_t)hash & constants.bucket_mask;
	place.bucket[1] = (uint32_t)(hash >> 28) & constants.bucket_mask;
	place.tag = (uint8_t)(hash >> 56 ? hash >> 56 : 1);
	return place;
}

struct flowtable_place flowtable_place(const struct lab *lab, const struct segment *segment)
{
	return place_of(lab, &segment->src, htons(segment->sport), &segment->dst, htons(segment->dport),
			segment->protocol ? segment->protocol : FRAME_TCP);
}

struct serin_way flowtable_way(const struct lab *lab, uint32_t index)
{
	struct serin_way way;

	lab_read(lab, "ways", index, &way);
	return way;
}

void flowtable_set_way(const struct lab *lab, uint32_t index, const struct serin_way *way)
{
	lab_write(lab, "ways", index, way);
}

uint64_t flowtable_tags(const struct lab *lab, uint32_t bucket)
{
	uint64_t tags;

	lab_read(lab, "tags", bucket, &tags);
	return tags;
}

void flowtable_set_tag(const struct lab *lab, uint32_t index, uint8_t tag)
{
	uint64_t tags = flowtable_tags(lab, index / SERIN_WAYS_PER_BUCKET);

	((uint8_t *)&tags)[index % SERIN_WAYS_PER_BUCKET] = tag;
	lab_write(lab, "tags", index / SERIN_WAYS_PER_BUCKET, &tags);
}

static bool is_live(const struct serin_way *way)
{
	return SERIN_WAY_STATE(way->claim) >= SERIN_WAY_EMBRYONIC;
}

uint32_t flowtable_find(const struct lab *lab, const struct segment *from_client)
{
	struct flowtable_place place = flowtable_place(lab, from_client);
	uint8_t protocol = from_client->protocol ? from_client->protocol : FRAME_TCP;
	uint32_t i;

	for (i = 0; i < 2 * SERIN_WAYS_PER_BUCKET; i++) {
		uint32_t index =
			place.bucket[i / SERIN_WAYS_PER_BUCKET] * SERIN_WAYS_PER_BUCKET + i % SERIN_WAYS_PER_BUCKET;
		struct serin_way way = flowtable_way(lab, index);
		struct serin_listener listener;

		if (!is_live(&way) || SERIN_WAY_DIRECTION(&way) != SERIN_TO_BACKEND ||
		    way.client_port != htons(from_client->sport) ||
		    memcmp(&way.client, &from_client->src, sizeof(way.client)))
			continue;
		lab_read(lab, "listeners", way.listener, &listener);
		if (listener.port == htons(from_client->dport) && listener.protocol == protocol &&
		    !memcmp(&listener.addr, &from_client->dst, sizeof(listener.addr)))
			return index;
	}
	return FLOWTABLE_NONE;
}

enum serin_way_state flowtable_state(const struct lab *lab, uint32_t index)
{
	struct serin_way way = flowtable_way(lab, index);

	return (enum serin_way_state)SERIN_WAY_STATE(way.claim);
}

/* The whole table at once; to be freed. */
static struct serin_way *read_ways(const struct lab *lab, uint32_t *ret_count)
{
	uint32_t total = datapath_buckets(lab->datapath) * SERIN_WAYS_PER_BUCKET, count = total, next, *keys;
	struct serin_way *ways = calloc(total, sizeof(*ways));

	keys = calloc(total, sizeof(*keys));
	if (!ways || !keys)
		lab_die("out of memory");
	bpf_map_lookup_batch(lab_map(lab, "ways"), NULL, &next, keys, ways, &count, NULL);
	if (count != total)
		lab_die("read %u of %u ways", count, total);
	free(keys);
	*ret_count = total;
	return ways;
}

struct flowtable_count flowtable_count(const struct lab *lab)
{
	struct flowtable_count ret = { .flows = 0 };
	uint32_t count, i;
	struct serin_way *ways = read_ways(lab, &count);

	for (i = 0; i < count; i++) {
		uint32_t state = SERIN_WAY_STATE(ways[i].claim);

		if (is_live(&ways[i])) {
			ret.live[state & 7]++;
			ret.flows += SERIN_WAY_DIRECTION(&ways[i]) == SERIN_TO_BACKEND;
		} else if (state != SERIN_WAY_FREE) {
			ret.unfinished++;
		}
	}
	free(ways);
	return ret;
}

void flowtable_age(const struct lab *lab, uint32_t index, uint32_t stamps)
{
	struct serin_way way = flowtable_way(lab, index), peer = flowtable_way(lab, way.peer);

	way.stamp -= stamps;
	flowtable_set_way(lab, index, &way);
	if (!is_live(&peer) || SERIN_WAY_GENERATION(peer.claim) != way.peer_generation)
		return;
	peer.stamp -= stamps;
	flowtable_set_way(lab, way.peer, &peer);
}

void flowtable_stuff(const struct lab *lab, uint32_t bucket, enum serin_way_state state, uint32_t age)
{
	uint32_t i;

	for (i = 0; i < SERIN_WAYS_PER_BUCKET; i++) {
		uint32_t index = bucket * SERIN_WAYS_PER_BUCKET + i;
		struct serin_way way = flowtable_way(lab, index);

		if (SERIN_WAY_STATE(way.claim) != SERIN_WAY_FREE)
			continue;
		memset(&way, 0, sizeof(way));
		way.claim = SERIN_WAY_CLAIM(1000, state);
		way.peer = index; /* whose generation is another one: nobody's */
		way.peer_generation = 1;
		way.stamp = lab_now() - age;
		way.client = frame_addr("240.0.0.1");
		way.snat = SERIN_NO_SNAT;
		flowtable_set_way(lab, index, &way);
		flowtable_set_tag(lab, index, 0xff);
	}
}

static int open_owners(const struct lab *lab, uint32_t endpoint)
{
	uint32_t id;
	int fd = -1;

	if (!bpf_map_lookup_elem(lab_map(lab, "owners"), &endpoint, &id))
		fd = bpf_map_get_fd_by_id(id);
	return fd;
}

uint32_t flowtable_owner_count(const struct lab *lab, uint32_t endpoint)
{
	int fd = open_owners(lab, endpoint);
	struct bpf_map_info info;
	__u32 length = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		lab_die("endpoint %u: its owner words cannot be looked at", endpoint);
	close(fd);
	return info.max_entries;
}

uint64_t flowtable_owner(const struct lab *lab, uint32_t endpoint, uint32_t place)
{
	int fd = open_owners(lab, endpoint);
	uint64_t owner;

	if (fd < 0 || bpf_map_lookup_elem(fd, &place, &owner))
		lab_die("endpoint %u has no place %u", endpoint, place);
	close(fd);
	return owner;
}

void flowtable_set_owner(const struct lab *lab, uint32_t endpoint, uint32_t place, uint64_t owner)
{
	int fd = open_owners(lab, endpoint);

	if (fd < 0 || bpf_map_update_elem(fd, &place, &owner, BPF_ANY))
		lab_die("endpoint %u has no place %u", endpoint, place);
	close(fd);
}

void flowtable_set_cursor(const struct lab *lab, uint32_t endpoint, uint32_t place)
{
	size_t cpus = (size_t)libbpf_num_possible_cpus(), i;
	uint64_t *values = calloc(cpus, sizeof(*values)); /* of 8 bytes each, whatever the value's size */

	if (!values)
		lab_die("out of memory");
	for (i = 0; i < cpus; i++)
		memcpy(&values[i], &place, sizeof(place));
	lab_write(lab, "cursors", endpoint, values);
	free(values);
}
