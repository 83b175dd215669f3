/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking a backend that no flow names any more out of the kernel's tables. */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "datapath_private.h"

/* The table of SNAT ports has the length that this backend's addresses asked for, and the next hop is this backend's:
 * neither is for the next one. */
static int forget_endpoint(struct datapath *datapath, __u32 endpoint)
{
	if (bpf_map_delete_elem(MAP_FD(datapath, owners), &endpoint) && errno != ENOENT)
		return -errno;
	return datapath_bump_routes(datapath);
}

int datapath_read_strikes(struct datapath *datapath, unsigned int backend, uint32_t *ret)
{
	__u32 id = backend, count;

	if (bpf_map_lookup_elem(MAP_FD(datapath, strikes), &id, &count))
		return -errno;
	*ret = count;
	return 0;
}

int datapath_forget_backend(struct datapath *datapath, unsigned int backend, bool endpoint_too,
			    struct complaint *complaint)
{
	const struct serin_backend none = { .flags = 0 };
	const __u32 no_strikes = 0;
	struct serin_backend now;
	__u32 id = backend;
	int r = 0;

	/* The entry is the last to go: until then this can be done again. */
	if (bpf_map_lookup_elem(MAP_FD(datapath, backends), &id, &now))
		r = -errno;
	if (!r && endpoint_too)
		r = forget_endpoint(datapath, now.endpoint);
	if (!r)
		r = datapath_forget_observed(datapath, backend);
	if (!r)
		r = datapath_clear_stats(datapath, backend);
	if (!r && bpf_map_update_elem(MAP_FD(datapath, strikes), &id, &no_strikes, BPF_EXIST))
		r = -errno;
	if (!r && bpf_map_update_elem(MAP_FD(datapath, backends), &id, &none, BPF_EXIST))
		r = -errno;
	return r ? complain(complaint, r, "cannot take backend %u out of the kernel's tables: %s", id, strerror(-r))
		 : 0;
}
