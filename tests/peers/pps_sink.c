/* SPDX-License-Identifier: BSD-2-Clause */
/* Sinks on interfaces of other network namespaces: put there, read, and taken away again. */
#include "pps.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_link.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../e2e/tools/common.h"

int current_netns(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("the network namespace: %s", strerror(errno));
	return fd;
}

void enter(int netns)
{
	if (setns(netns, CLONE_NEWNET))
		die("entering a network namespace: %s", strerror(errno));
}

/* The far end of a wire has a program of its own already, so that frames reach it. It comes back in the end. */
static int program_of(uint32_t ifindex)
{
	uint32_t id = 0;

	if (bpf_xdp_query_id((int)ifindex, XDP_FLAGS_DRV_MODE, &id) || !id)
		return -1;
	return bpf_prog_get_fd_by_id(id);
}

static int attach(uint32_t ifindex, int program, int instead_of)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, old, .old_prog_fd = instead_of);

	return bpf_xdp_attach((int)ifindex, program,
			      XDP_FLAGS_DRV_MODE | (instead_of < 0 ? XDP_FLAGS_UPDATE_IF_NOEXIST : XDP_FLAGS_REPLACE),
			      instead_of < 0 ? NULL : &old);
}

void sink_open_here(struct sink *sink, uint32_t ifindex)
{
	int err;

	if (!sink->place[0])
		snprintf(sink->place, sizeof(sink->place), "interface %u", ifindex);
	sink->bpf = sink_bpf__open_and_load();
	if (!sink->bpf)
		die("the kernel does not take the sink: %s", strerror(errno));
	sink->netns = current_netns();
	sink->replaced = program_of(ifindex);
	err = attach(ifindex, bpf_program__fd(sink->bpf->progs.sink), sink->replaced);
	if (err)
		die("%s takes no XDP program of ours: %s", sink->place, strerror(-err));
	sink->ifindex = ifindex;
}

void sink_open(struct sink *sink, const char *place)
{
	int home = current_netns(), netns;
	const char *slash = strchr(place, '/');
	char path[PATH_MAX];
	uint32_t ifindex;

	if (!slash || slash == place || !slash[1] || strlen(place) >= sizeof(sink->place))
		die("'%s' is no place for a sink, expected NETNS/IFACE", place);
	strcpy(sink->place, place);
	snprintf(path, sizeof(path), "/run/netns/%.*s", (int)(slash - place), place);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		die("%s: %s", path, strerror(errno));
	enter(netns);
	close(netns);
	ifindex = if_nametoindex(slash + 1);
	if (!ifindex)
		die("%s: no such interface", place);
	sink_open_here(sink, ifindex);
	enter(home);
	close(home);
}

uint64_t sink_counted(const struct sink *sink, int cpu, uint64_t *elsewhere)
{
	int cpus = libbpf_num_possible_cpus(), i;
	uint64_t sum = 0, *counts;

	if (cpus <= 0 || cpu >= cpus)
		die("%d processors?", cpus);
	counts = calloc((size_t)cpus, sizeof(*counts));
	if (!counts || bpf_map_lookup_elem(bpf_map__fd(sink->bpf->maps.counted), &(uint32_t){ 0 }, counts))
		die("the count of %s: %s", sink->place, strerror(errno));
	for (i = 0; i < cpus; i++)
		sum += counts[i];
	*elsewhere += sum - counts[cpu];
	free(counts);
	return sum;
}

static void forget(const struct sink *sink)
{
	int map = bpf_map__fd(sink->bpf->maps.destinations);
	uint32_t key;

	while (!bpf_map_get_next_key(map, NULL, &key))
		bpf_map_delete_elem(map, &key);
	sink->bpf->bss->damaged = 0;
}

void sink_set(struct sink *sink, enum sink_mode mode)
{
	if (mode != SINK_COUNTS)
		forget(sink);
	sink->bpf->bss->mode = mode;
}

uint64_t sink_found(const struct sink *sink, json_t *destinations)
{
	int map = bpf_map__fd(sink->bpf->maps.destinations);
	char text[INET_ADDRSTRLEN];
	uint32_t key, *last = NULL;
	uint64_t count;

	for (; !bpf_map_get_next_key(map, last, &key); last = &key) {
		if (bpf_map_lookup_elem(map, &key, &count))
			continue;
		inet_ntop(AF_INET, &key, text, sizeof(text));
		count += (uint64_t)json_integer_value(json_object_get(destinations, text));
		json_object_set_new(destinations, text, json_integer((json_int_t)count));
	}
	return sink->bpf->bss->damaged;
}

void sink_close(struct sink *sink)
{
	int home;

	if (!sink->ifindex)
		return;
	home = current_netns();
	if (!setns(sink->netns, CLONE_NEWNET))
		attach(sink->ifindex, sink->replaced, bpf_program__fd(sink->bpf->progs.sink));
	enter(home);
	close(home);
	sink_bpf__destroy(sink->bpf);
	close(sink->netns);
	if (sink->replaced >= 0)
		close(sink->replaced);
	memset(sink, 0, sizeof(*sink));
}
