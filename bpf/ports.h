/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SNAT ports: one owner word per (endpoint, address, port), taken and given back by compare-and-swap. */
#ifndef SERIN_PORTS_H
#define SERIN_PORTS_H

#include <serin/split.h>

#include "expire.h"

/* A port's place in its endpoint's owner map. */
static __always_inline __u32 owner_place(const struct serin_settings *set, const struct serin_backend *backend,
					 __u32 snat_index, __be16 port)
{
	return (snat_index - backend->snat_first) * set->snat_port_count + bpf_ntohs(port) - set->snat_port_first;
}

static __always_inline __u64 *owner_at(__u32 endpoint, __u32 place)
{
	void *of_endpoint = bpf_map_lookup_elem(&owners, &endpoint);

	return of_endpoint ? bpf_map_lookup_elem(of_endpoint, &place) : NULL;
}

/* Give back the port of the flow whose way to the backend was `index` under `generation`. Harmless when somebody has
 * done it already: the word no longer names that way and generation. */
static __always_inline void port_release(const struct serin_way *way, __u32 index, __u32 generation, __u32 now)
{
	const struct serin_backend *backend = backend_at(way->backend);
	const struct serin_settings *set = THE_ONE(settings);
	__u64 *owner;

	if (!set || !backend || SERIN_WAY_FORWARD(way) != SERIN_FORWARD_NAT)
		return;
	owner = owner_at(backend->endpoint, owner_place(set, backend, way->snat, way->nat_port));
	if (owner)
		swap_if(owner, SERIN_OWNER(index, generation), SERIN_OWNER_REST(now));
}

#endif
