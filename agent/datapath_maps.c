/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing the kernel's tables. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath_private.h"

static int write_entry(int fd, __u32 id, const void *value, const char *what, struct complaint *complaint)
{
	if (bpf_map_update_elem(fd, &id, value, BPF_ANY))
		return complain(complaint, -errno, "cannot write %s %u into the kernel: %s", what, id, strerror(errno));
	return 0;
}

static int read_array(int fd, __u32 count, size_t size, void *ret)
{
	__u32 id;

	for (id = 0; id < count; id++)
		if (bpf_map_lookup_elem(fd, &id, (char *)ret + id * size))
			return -errno;
	return 0;
}

int datapath_read_image(struct datapath *datapath, struct image *ret, struct complaint *complaint)
{
	__u32 id;
	int r;

	r = read_array(MAP_FD(datapath, services), SERIN_MAX_SERVICES, sizeof(ret->services[0]), ret->services);
	if (!r)
		r = read_array(MAP_FD(datapath, listeners), SERIN_MAX_LISTENERS, sizeof(ret->listeners[0]),
			       ret->listeners);
	if (!r)
		r = read_array(MAP_FD(datapath, backends), SERIN_MAX_BACKENDS, sizeof(ret->backends[0]), ret->backends);
	if (!r)
		r = read_array(MAP_FD(datapath, snat), SERIN_MAX_SNAT, sizeof(ret->snat[0]), ret->snat);
	if (r)
		return complain(complaint, r, "cannot read the kernel's tables: %s", strerror(-r));
	ret->endpoint_count = 0;
	for (id = 0; id < SERIN_MAX_BACKENDS; id++)
		if (ret->backends[id].flags & SERIN_BACKEND_USED && ret->backends[id].endpoint >= ret->endpoint_count)
			ret->endpoint_count = ret->backends[id].endpoint + 1u;
	return 0;
}

/* Owner words say who holds which port by their place: a map of another length would forget them. */
static int provide_owners(struct datapath *datapath, const struct serin_backend *backend, struct complaint *complaint)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP);
	struct serin_settings settings;
	__u32 zero = 0, endpoint = backend->endpoint, map_id;
	int outer = MAP_FD(datapath, owners), inner, r = 0;

	if (!backend->snat_count || !bpf_map_lookup_elem(outer, &endpoint, &map_id))
		return 0;
	if (bpf_map_lookup_elem(MAP_FD(datapath, settings), &zero, &settings) || !settings.snat_port_count)
		return complain(complaint, -EINVAL, "no SNAT ports are set");
	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "serin_owners", sizeof(__u32), sizeof(__u64),
			       settings.snat_port_count * backend->snat_count, &options);
	if (inner < 0 || bpf_map_update_elem(outer, &endpoint, &inner, BPF_ANY))
		r = complain(complaint, -errno, "cannot make the table of SNAT ports of endpoint %u: %s", endpoint,
			     strerror(errno));
	if (inner >= 0)
		close(inner);
	return r;
}

static int check_snat_kept(const struct serin_backend *from, const struct serin_backend *to,
			   struct complaint *complaint)
{
	char text[ADDRESS_TEXT_LEN];

	if (!(from->flags & SERIN_BACKEND_USED) || !from->snat_count ||
	    (from->snat_first == to->snat_first && from->snat_count == to->snat_count))
		return 0;
	return complain(complaint, -EUCLEAN,
			"the SNAT addresses towards %s have changed, but flows may hold ports of the old ones: "
			"expected the same as before, or `serin detach` first, which drops the flows",
			endpoint_format(&to->addr, to->port, text));
}

static int write_service(struct datapath *datapath, __u32 id, const struct serin_service *from,
			 const struct serin_service *to, struct complaint *complaint)
{
	int r = datapath_clear_versions(datapath, from, to, id);

	if (r)
		return complain(complaint, r, "cannot clear the counts of service %u: %s", id, strerror(-r));
	return write_entry(MAP_FD(datapath, services), id, to, "service", complaint);
}

int datapath_apply_backends(struct datapath *datapath, const struct image *from, const struct image *to,
			    struct complaint *complaint)
{
	__u32 id;
	int r = 0;

	for (id = 0; !r && id < SERIN_MAX_BACKENDS; id++)
		r = check_snat_kept(&from->backends[id], &to->backends[id], complaint);
	for (id = 0; !r && id < SERIN_MAX_SNAT; id++)
		if (memcmp(&from->snat[id], &to->snat[id], sizeof(to->snat[id])))
			r = write_entry(MAP_FD(datapath, snat), id, &to->snat[id], "SNAT address", complaint);
	for (id = 0; !r && id < SERIN_MAX_SERVICES; id++)
		if (memcmp(&from->services[id], &to->services[id], sizeof(to->services[id])))
			r = write_service(datapath, id, &from->services[id], &to->services[id], complaint);
	if (!r)
		r = datapath_provide_observed(datapath, to, complaint);
	for (id = 0; !r && id < SERIN_MAX_BACKENDS; id++) {
		if (!memcmp(&from->backends[id], &to->backends[id], sizeof(to->backends[id])))
			continue;
		r = provide_owners(datapath, &to->backends[id], complaint);
		if (!r)
			r = write_entry(MAP_FD(datapath, backends), id, &to->backends[id], "backend", complaint);
	}
	return r;
}

int datapath_set_plan(struct datapath *datapath, unsigned int service, const struct serin_plan *plan,
		      struct complaint *complaint)
{
	__u32 zero = 0, id = service;
	int inner, r = 0;

	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "serin_plan", sizeof(__u32), sizeof(*plan), 1, NULL);
	if (inner < 0 || bpf_map_update_elem(inner, &zero, plan, BPF_ANY) ||
	    bpf_map_update_elem(MAP_FD(datapath, plans), &id, &inner, BPF_ANY))
		r = complain(complaint, -errno, "cannot put a plan into the kernel: %s", strerror(errno));
	if (inner >= 0)
		close(inner);
	return r;
}

int datapath_get_plan(struct datapath *datapath, unsigned int service, struct serin_plan *ret)
{
	__u32 zero = 0, id = service, map_id;
	int inner, r = 0;

	if (bpf_map_lookup_elem(MAP_FD(datapath, plans), &id, &map_id))
		return -errno;
	inner = bpf_map_get_fd_by_id(map_id);
	if (inner < 0)
		return -errno;
	if (bpf_map_lookup_elem(inner, &zero, ret))
		r = -errno;
	close(inner);
	return r;
}

int datapath_set_settings(struct datapath *datapath, const struct serin_settings *settings, struct complaint *complaint)
{
	struct serin_settings now, next = *settings;
	__u32 zero = 0;

	if (bpf_map_lookup_elem(MAP_FD(datapath, settings), &zero, &now))
		return complain(complaint, -errno, "cannot read the kernel's settings: %s", strerror(errno));
	if (now.snat_port_count &&
	    (now.snat_port_first != next.snat_port_first || now.snat_port_count != next.snat_port_count))
		return complain(complaint, -EUCLEAN,
				"the SNAT ports were %u-%u and flows may hold some of them: "
				"expected the same range, or `serin detach` first, which drops the flows",
				now.snat_port_first, now.snat_port_first + now.snat_port_count - 1);
	next.routes_generation = now.routes_generation ? now.routes_generation : 1;
	return write_entry(MAP_FD(datapath, settings), 0, &next, "settings", complaint);
}

int datapath_pinned_ports(const char *pin_dir, uint16_t *ret_first, uint16_t *ret_last)
{
	struct serin_settings settings;
	char path[PINS_PATH_LEN];
	__u32 zero = 0;
	int fd, r = 0;

	pins_path(pin_dir, "settings", path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	if (bpf_map_lookup_elem(fd, &zero, &settings))
		r = -errno;
	else if (!settings.snat_port_count)
		r = -ENOENT;
	close(fd);
	if (r)
		return r;
	*ret_first = settings.snat_port_first;
	*ret_last = (uint16_t)(settings.snat_port_first + settings.snat_port_count - 1);
	return 0;
}

int datapath_bump_routes(struct datapath *datapath)
{
	struct serin_settings settings;
	__u32 zero = 0;

	if (bpf_map_lookup_elem(MAP_FD(datapath, settings), &zero, &settings))
		return -errno;
	settings.routes_generation++;
	return bpf_map_update_elem(MAP_FD(datapath, settings), &zero, &settings, BPF_EXIST) ? -errno : 0;
}

int datapath_read_per_cpu(struct datapath *datapath, int fd, __u32 id, size_t size, void *ret)
{
	size_t words = size / sizeof(uint64_t), cpu, i;
	const uint64_t *values = datapath->per_cpu;
	uint64_t *sum = ret;

	_Static_assert(sizeof(struct serin_observed) >= sizeof(struct serin_stats) &&
			       sizeof(struct serin_observed) >= sizeof(struct serin_table_stats),
		       "the room is that of the largest value");
	if (bpf_map_lookup_elem(fd, &id, datapath->per_cpu))
		return -errno;
	memcpy(ret, values, size);
	for (cpu = 1; cpu < (size_t)datapath->cpus; cpu++)
		for (i = 0; i < words; i++)
			sum[i] += values[cpu * words + i];
	return 0;
}

int datapath_read_stats(struct datapath *datapath, unsigned int backend, struct serin_stats *ret)
{
	return datapath_read_per_cpu(datapath, MAP_FD(datapath, stats), backend, sizeof(*ret), ret);
}

int datapath_read_table_stats(struct datapath *datapath, struct serin_table_stats *ret)
{
	return datapath_read_per_cpu(datapath, MAP_FD(datapath, table_stats), 0, sizeof(*ret), ret);
}

int datapath_read_drops(struct datapath *datapath, uint64_t ret[SERIN_DROPS])
{
	unsigned int reason;
	int r = 0;

	for (reason = 0; !r && reason < SERIN_DROPS; reason++)
		r = datapath_read_per_cpu(datapath, MAP_FD(datapath, drops), reason, sizeof(*ret), &ret[reason]);
	return r;
}
