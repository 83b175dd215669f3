/* SPDX-License-Identifier: BSD-2-Clause */
/* What is observed: a map per backend, which comes and goes with the backend's id. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath_private.h"

#define ENOUGH_FILES (SERIN_MAX_BACKENDS + 1024u)
#define NOT_SUPPORTED 524 /* ENOTSUPP, which only the kernel knows */

/* Maps that wait for their place. */
struct fresh {
	__u32 ids[SERIN_MAX_BACKENDS];
	int fds[SERIN_MAX_BACKENDS];
	__u32 count;
};

/* Every backend's map stays open: by its id it could be had with CAP_SYS_ADMIN only, which an agent at work has not. */
static void raise_file_limit(void)
{
	struct rlimit limit, enough = { .rlim_cur = ENOUGH_FILES, .rlim_max = ENOUGH_FILES };

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= ENOUGH_FILES)
		return;
	if (limit.rlim_max > ENOUGH_FILES)
		enough.rlim_max = limit.rlim_max;
	if (!setrlimit(RLIMIT_NOFILE, &enough))
		return;
	limit.rlim_cur = limit.rlim_max; /* perhaps it will do */
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* A new map, or the one that has this id. */
static int open_map(__u32 map_id)
{
	int fd = map_id ? bpf_map_get_fd_by_id(map_id)
			: bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "serin_observed", sizeof(__u32),
					 sizeof(struct serin_observed), 1, NULL);

	return fd < 0 ? -errno : fd;
}

static __u32 id_of(int fd)
{
	struct bpf_map_info info = { .type = 0 };
	__u32 length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &length) ? 0 : info.id;
}

static void let_go(struct datapath *datapath, __u32 backend)
{
	struct observed_map *observed = &datapath->observed[backend];

	if (observed->map_id)
		close(observed->fd);
	*observed = (struct observed_map){ 0 };
}

/* The map that is there, whoever has put it there, or else one that is to be. */
static int provide(struct datapath *datapath, __u32 backend, struct fresh *fresh)
{
	struct observed_map *observed = &datapath->observed[backend];
	__u32 there = 0;
	int fd;

	if (bpf_map_lookup_elem(MAP_FD(datapath, observed), &backend, &there))
		there = 0;
	if (there && there == observed->map_id)
		return 0;
	let_go(datapath, backend);
	fd = open_map(there);
	if (fd < 0)
		return fd;
	*observed = (struct observed_map){ .fd = fd, .map_id = there ? there : id_of(fd) };
	if (!there) {
		fresh->ids[fresh->count] = backend;
		fresh->fds[fresh->count++] = fd;
	}
	return 0;
}

/* In one batch, where the kernel can (5.19): one by one each of them waits until no packet reads the place. */
static int install(struct datapath *datapath, const struct fresh *fresh)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	int outer = MAP_FD(datapath, observed);
	__u32 done = fresh->count, i;

	if (!fresh->count || !bpf_map_update_batch(outer, fresh->ids, fresh->fds, &done, &options))
		return 0;
	if (errno != EINVAL && errno != NOT_SUPPORTED && errno != EOPNOTSUPP)
		return -errno;
	for (i = 0; i < fresh->count; i++)
		if (bpf_map_update_elem(outer, &fresh->ids[i], &fresh->fds[i], BPF_ANY))
			return -errno;
	return 0;
}

int datapath_provide_observed(struct datapath *datapath, const struct image *image, struct complaint *complaint)
{
	struct fresh *fresh = calloc(1, sizeof(*fresh));
	int r = fresh ? 0 : -ENOMEM;

	raise_file_limit();
	for (__u32 id = 0; !r && id < SERIN_MAX_BACKENDS; id++)
		if (image->backends[id].flags & SERIN_BACKEND_USED)
			r = provide(datapath, id, fresh);
	if (!r)
		r = install(datapath, fresh);
	free(fresh);
	if (r == -EMFILE)
		return complain(
			complaint, r,
			"cannot keep the counters of all backends open: expected a limit of %u open files or more",
			ENOUGH_FILES);
	return r ? complain(complaint, r, "cannot make the counters of all backends: %s", strerror(-r)) : 0;
}

int datapath_forget_observed(struct datapath *datapath, unsigned int backend)
{
	__u32 id = backend;

	if (bpf_map_delete_elem(MAP_FD(datapath, observed), &id) && errno != ENOENT)
		return -errno;
	let_go(datapath, id);
	return 0;
}

void datapath_close_observed(struct datapath *datapath)
{
	for (__u32 id = 0; id < SERIN_MAX_BACKENDS; id++)
		let_go(datapath, id);
}

int datapath_read_observed(struct datapath *datapath, unsigned int backend, struct serin_observed *ret)
{
	const struct observed_map *observed = &datapath->observed[backend];

	return observed->map_id ? datapath_read_per_cpu(datapath, observed->fd, 0, sizeof(*ret), ret) : -ENOENT;
}
