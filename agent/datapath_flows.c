/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of flows, as far as the agent has a hand in it: the table to read, the sweep, closing, ids for reuse. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath_private.h"

static uint32_t way_count(const struct datapath *datapath)
{
	return datapath->buckets * SERIN_WAYS_PER_BUCKET;
}

/* The kernel maps whole pages. */
static size_t ways_length(const struct datapath *datapath)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), length = way_count(datapath) * sizeof(struct serin_way);

	return (length + page - 1) / page * page;
}

int datapath_ways(struct datapath *datapath, const struct serin_way **ret_ways, uint32_t *ret_count,
		  struct complaint *complaint)
{
	void *ways;

	if (!datapath->ways) {
		ways = mmap(NULL, ways_length(datapath), PROT_READ, MAP_SHARED, MAP_FD(datapath, ways), 0);
		if (ways == MAP_FAILED)
			return complain(complaint, -errno, "cannot map the flow table: %s", strerror(errno));
		datapath->ways = ways;
	}
	*ret_ways = datapath->ways;
	*ret_count = way_count(datapath);
	return 0;
}

void datapath_unmap_ways(struct datapath *datapath)
{
	if (datapath->ways)
		munmap((void *)datapath->ways, ways_length(datapath));
	datapath->ways = NULL;
}

/* The kernel copies the context in, runs the program once, and copies the context back over `args`. */
static int run(const struct bpf_program *program, void *args, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = args, .ctx_size_in = (__u32)size);

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &options))
		return -errno;
	return (__s32)options.retval < 0 ? (__s32)options.retval : 0;
}

int datapath_sweep(struct datapath *datapath, uint32_t first, uint32_t count, struct serin_sweep *ret)
{
	struct serin_sweep args = { .first = first, .count = count };
	uint32_t ways = way_count(datapath);
	int r;

	if (first >= ways)
		return -EINVAL;
	if (args.count > DATAPATH_SWEEP_MOST)
		args.count = DATAPATH_SWEEP_MOST;
	if (args.count > ways - first)
		args.count = ways - first;
	r = run(datapath->skeleton->progs.serin_sweep, &args, sizeof(args));
	if (!r)
		*ret = args;
	return r;
}

int datapath_watch(struct datapath *datapath, struct complaint *complaint)
{
	int r = run(datapath->skeleton->progs.serin_watch, NULL, 0);

	return r ? complain(complaint, r, "cannot start the watch over open turns: %s", strerror(-r)) : 0;
}

int datapath_close_flow(struct datapath *datapath, uint32_t index, uint32_t generation)
{
	struct serin_close args = { .index = index, .generation = generation };
	int r = index < way_count(datapath) ? 0 : -EINVAL;

	if (!r)
		r = run(datapath->skeleton->progs.serin_close, &args, sizeof(args));
	return r ? r : args.closed != 0;
}

int datapath_read_named(struct datapath *datapath, uint32_t ret[SERIN_MAX_BACKENDS])
{
	uint32_t values[SERIN_MAX_BACKENDS], keys[SERIN_MAX_BACKENDS], next, count = SERIN_MAX_BACKENDS;

	if (bpf_map_lookup_batch(MAP_FD(datapath, named), NULL, &next, keys, values, &count, NULL) && errno != ENOENT)
		return -errno;
	if (count != SERIN_MAX_BACKENDS)
		return -EIO;
	memcpy(ret, values, sizeof(values)); /* an array's entries come in the order of their keys */
	return 0;
}

int datapath_clear_named(struct datapath *datapath)
{
	static const uint32_t none[SERIN_MAX_BACKENDS];
	uint32_t keys[SERIN_MAX_BACKENDS], count = SERIN_MAX_BACKENDS;

	for (uint32_t id = 0; id < SERIN_MAX_BACKENDS; id++)
		keys[id] = id;
	if (bpf_map_update_batch(MAP_FD(datapath, named), keys, none, &count, NULL))
		return -errno;
	return 0;
}

int datapath_clear_stats(struct datapath *datapath, unsigned int backend)
{
	struct serin_stats *none = calloc((size_t)datapath->cpus, sizeof(*none));
	__u32 id = backend;
	int r = 0;

	if (!none)
		return -ENOMEM;
	if (bpf_map_update_elem(MAP_FD(datapath, stats), &id, none, BPF_EXIST))
		r = -errno;
	free(none);
	return r;
}

int datapath_set_backend_flags(struct datapath *datapath, unsigned int backend, uint8_t set, uint8_t clear,
			       struct complaint *complaint)
{
	struct serin_backend now;
	__u32 id = backend;

	if (bpf_map_lookup_elem(MAP_FD(datapath, backends), &id, &now))
		return complain(complaint, -errno, "cannot read backend %u from the kernel: %s", id, strerror(errno));
	if (!(now.flags & SERIN_BACKEND_USED))
		return complain(complaint, -ENOENT, "id %u belongs to no backend", id);
	now.flags = (uint8_t)((now.flags & ~clear) | set);
	if (bpf_map_update_elem(MAP_FD(datapath, backends), &id, &now, BPF_EXIST))
		return complain(complaint, -errno, "cannot write backend %u into the kernel: %s", id, strerror(errno));
	return 0;
}

/* When it cannot be found out, there are some. */
bool datapath_has_local_flows(struct datapath *datapath)
{
	struct serin_backend backend;
	struct serin_stats stats;

	for (__u32 id = 0; id < SERIN_MAX_BACKENDS; id++) {
		if (bpf_map_lookup_elem(MAP_FD(datapath, backends), &id, &backend))
			return true;
		if (!(backend.flags & SERIN_BACKEND_USED) || backend.addr.quad[0] || backend.addr.quad[1])
			continue;
		if (datapath_read_stats(datapath, id, &stats) || (__s64)SERIN_ACTIVE(&stats) > 0)
			return true;
	}
	return false;
}
