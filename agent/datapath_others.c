/* SPDX-License-Identifier: BSD-2-Clause */
/* What serins of other processes do on the interfaces of this network namespace, whether they pin their maps or not: found
 * by their programs, whose maps say it. Takes CAP_SYS_ADMIN. */
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath_private.h"

#define PROGRAMS_MOST 64
#define MAPS_MOST 64
#define TCX_INGRESS ((enum bpf_attach_type)46)

/* Programs that meet what comes in by an interface. */
static __u32 list_programs(unsigned int ifindex, __u32 ret[PROGRAMS_MOST + 2])
{
	const struct own nobody = { .maps = { 0 } };
	struct clsact_filter filter = { .program = 0 };
	LIBBPF_OPTS(bpf_xdp_query_opts, xdp);
	__u32 flags = 0, count = PROGRAMS_MOST;

	if (bpf_prog_query((int)ifindex, TCX_INGRESS, 0, &flags, ret, &count))
		count = 0;
	if (!bpf_xdp_query((int)ifindex, 0, &xdp))
		ret[count++] = xdp.prog_id ? xdp.prog_id : xdp.drv_prog_id ? xdp.drv_prog_id : xdp.skb_prog_id;
	clsact_find(&nobody, ifindex, DOOR_INGRESS, &filter);
	ret[count++] = filter.program;
	return count;
}

/* A new fd of the program's map of that name with values of that size, or -1. */
static int map_of(const __u32 *ids, __u32 count, const char *name, __u32 key_size, __u32 value_size)
{
	struct bpf_map_info info;
	__u32 length;
	int fd;

	for (__u32 i = 0; i < count; i++) {
		fd = bpf_map_get_fd_by_id(ids[i]);
		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		length = sizeof(info);
		if (!bpf_obj_get_info_by_fd(fd, &info, &length) && !strcmp(info.name, name) &&
		    info.key_size == key_size && info.value_size == value_size)
			return fd;
		close(fd);
	}
	return -1;
}

static bool find_listener(const __u32 *ids, __u32 count, __be16 port, uint8_t protocol, struct serin_addr *ret)
{
	int fd = map_of(ids, count, "listener_ids", sizeof(struct serin_listener_key), sizeof(__u32));
	struct serin_listener_key key, *last = NULL;
	bool found = false;

	for (; fd >= 0 && !found && !bpf_map_get_next_key(fd, last, &key); last = &key)
		found = key.port == port && key.protocol == protocol;
	if (fd >= 0)
		close(fd);
	if (found)
		*ret = key.addr;
	return found;
}

static bool look_at_program(__u32 program, __be16 port, uint8_t protocol, struct serin_addr *ret)
{
	struct bpf_prog_info info;
	__u32 maps[MAPS_MOST], length = sizeof(info);
	bool found = false;
	int fd = program ? bpf_prog_get_fd_by_id(program) : -1;

	if (fd < 0)
		return false;
	memset(&info, 0, sizeof(info));
	info.nr_map_ids = MAPS_MOST;
	info.map_ids = (uintptr_t)maps;
	if (!bpf_obj_get_info_by_fd(fd, &info, &length) && info.nr_map_ids <= MAPS_MOST)
		found = find_listener(maps, info.nr_map_ids, port, protocol, ret);
	close(fd);
	return found;
}

bool datapath_find_other(__be16 port, uint8_t protocol, struct serin_addr *ret)
{
	struct if_nameindex *all = if_nameindex(), *one;
	__u32 programs[PROGRAMS_MOST + 2], count;
	bool found = false;

	libbpf_set_print(NULL); /* it would complain about every filter that is not there */
	for (one = all; one && one->if_index && !found; one++) {
		count = list_programs(one->if_index, programs);
		for (__u32 i = 0; i < count && !found; i++)
			found = look_at_program(programs[i], port, protocol, ret);
	}
	if (all)
		if_freenameindex(all);
	return found;
}
