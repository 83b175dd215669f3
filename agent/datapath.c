/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading the program onto its maps: fresh ones, or those that an earlier agent has pinned. */
#include "datapath.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath_private.h"
#include "pins.h"

/* What libbpf says last, for the complaint about a load that fails: the verifier's own words come this way. */
static char libbpf_said[256];

__attribute__((format(printf, 2, 0))) static int remember_warning(enum libbpf_print_level level, const char *format,
								  va_list args)
{
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(libbpf_said, sizeof(libbpf_said), format, args);
	libbpf_said[strcspn(libbpf_said, "\n")] = '\0';
	return 0;
}

/* Ways for `max_flows` flows of two ways each at a load of three quarters, in whole buckets, a power of two. */
static uint32_t buckets_for(uint32_t max_flows)
{
	uint64_t ways = (uint64_t)max_flows * 2 * 4 / 3, buckets = 1;

	while (buckets * SERIN_WAYS_PER_BUCKET < ways)
		buckets *= 2;
	return (uint32_t)buckets;
}

/* Maps that live with one load of the program: nothing in them is worth keeping. */
static bool is_private(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	return strchr(name, '.') || !strcmp(name, "scratch") || !strcmp(name, "plan_shape") ||
	       !strcmp(name, "owner_shape") || !strcmp(name, "observed_shape");
}

static int set_pin_paths(struct datapath *datapath)
{
	char path[PINS_PATH_LEN];
	struct bpf_map *map;
	int r;

	bpf_object__for_each_map (map, datapath->skeleton->obj) {
		if (is_private(map))
			continue;
		pins_path(datapath->pin_dir, bpf_map__name(map), path);
		r = bpf_map__set_pin_path(map, path);
		if (r)
			return r;
	}
	return 0;
}

static int size_and_seed(struct datapath *datapath, const struct serin_identity *identity)
{
	struct serin_bpf *skeleton = datapath->skeleton;
	int r;

	r = bpf_map__set_max_entries(skeleton->maps.tags, identity->buckets);
	if (!r)
		r = bpf_map__set_max_entries(skeleton->maps.ways, identity->buckets * SERIN_WAYS_PER_BUCKET);
	/* Constants of the program: the loader writes them before the section becomes read-only. */
	memcpy((void *)&skeleton->rodata->bucket_mask, &(__u32){ identity->buckets - 1 }, sizeof(__u32));
	memcpy((void *)skeleton->rodata->hash_key, identity->hash_key, sizeof(identity->hash_key));
	return r;
}

static int load(struct datapath *datapath, const struct serin_identity *identity, struct complaint *complaint)
{
	int r;

	libbpf_said[0] = '\0';
	datapath->skeleton = serin_bpf__open();
	if (!datapath->skeleton)
		return complain(complaint, -errno, "cannot open the BPF object: %s", libbpf_said);
	r = size_and_seed(datapath, identity);
	if (!r && datapath->pin_dir[0])
		r = set_pin_paths(datapath);
	if (!r)
		r = serin_bpf__load(datapath->skeleton);
	if (r == -EPERM)
		return complain(complaint, r, "cannot load the BPF program: not permitted, expected root");
	if (r)
		return complain(complaint, r, "cannot load the BPF program: %s (%s)", strerror(-r), libbpf_said);
	return 0;
}

/* Pins without an identity are leftovers of a start that never came as far as a link. */
static int take_or_draw(struct datapath *datapath, uint32_t buckets, struct serin_identity *ret,
			struct complaint *complaint)
{
	int r = -ENOENT;

	if (datapath->pin_dir[0]) {
		r = datapath_prepare_pin_dir(datapath->pin_dir, complaint);
		if (r)
			return r;
		r = datapath_read_identity(datapath->pin_dir, buckets, ret, complaint);
	}
	datapath->reused = r == 0;
	if (r != -ENOENT)
		return r;
	datapath->fresh = true;
	/* The directory itself stays: the agent's lock is on it. */
	if (datapath->pin_dir[0])
		pins_empty(datapath->pin_dir, NULL);
	return datapath_draw_identity(buckets, ret, complaint);
}

int datapath_open(const struct datapath_options *options, struct datapath **ret, struct complaint *complaint)
{
	struct serin_identity identity;
	struct datapath *datapath;
	int r;

	if (options->max_flows < SERIN_MIN_FLOWS || options->max_flows > SERIN_MAX_FLOWS)
		return complain(complaint, -EINVAL, "a table for %u flows, expected %u to %u", options->max_flows,
				SERIN_MIN_FLOWS, SERIN_MAX_FLOWS);
	libbpf_set_print(remember_warning);
	datapath = calloc(1, sizeof(*datapath));
	if (!datapath)
		return complain(complaint, -ENOMEM, "out of memory");
	datapath->no_tcx = options->no_tcx;
	datapath->cpus = libbpf_num_possible_cpus();
	datapath->per_cpu = datapath->cpus > 0 ? calloc((size_t)datapath->cpus, sizeof(struct serin_observed)) : NULL;
	if (!datapath->per_cpu) {
		datapath_close(datapath);
		return complain(complaint, -ENOMEM, "out of memory");
	}
	if (options->pin_dir)
		snprintf(datapath->pin_dir, sizeof(datapath->pin_dir), "%s", options->pin_dir);
	r = take_or_draw(datapath, buckets_for(options->max_flows), &identity, complaint);
	if (r)
		goto out;
	datapath->buckets = identity.buckets;
	r = load(datapath, &identity, complaint);
	if (!r && !datapath->reused &&
	    bpf_map_update_elem(bpf_map__fd(datapath->skeleton->maps.identity), &(__u32){ 0 }, &identity, BPF_ANY))
		r = complain(complaint, -errno, "cannot write the maps' identity: %s", strerror(errno));
	if (!r)
		r = datapath_map_guards(datapath, complaint);
	if (!r) {
		datapath->is_loaded = true;
		own_of_datapath(datapath, &datapath->own);
	}
out:
	if (r) {
		if (datapath->fresh && datapath->pin_dir[0])
			pins_remove(datapath->pin_dir, NULL);
		datapath_close(datapath);
		return r;
	}
	*ret = datapath;
	return 0;
}

struct datapath *datapath_close(struct datapath *datapath)
{
	if (!datapath)
		return NULL;
	/* Filters would stay. */
	if (!datapath->pin_dir[0] && datapath->is_loaded)
		datapath_detach_others(datapath, NULL, 0);
	link_drop_kept(datapath);
	datapath_unmap_ways(datapath);
	datapath_unmap_guards(datapath);
	datapath_close_observed(datapath);
	ring_buffer__free(datapath->flow_log.ring);
	ring_buffer__free(datapath->verdicts.ring);
	serin_bpf__destroy(datapath->skeleton);
	free(datapath->per_cpu);
	free(datapath);
	return NULL;
}

bool datapath_is_reused(const struct datapath *datapath)
{
	return datapath->reused;
}

uint32_t datapath_buckets(const struct datapath *datapath)
{
	return datapath->buckets;
}
