/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs: which one belongs to which door, and which of those that the kernel runs are ours. */
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath_private.h"

#define PROGRAM_MAPS 64 /* of one program, most that are looked at */

int door_program(const struct datapath *datapath, enum door door)
{
	const struct bpf_program *const programs[DOORS] = {
		[DOOR_XDP] = datapath->skeleton->progs.serin_xdp,
		[DOOR_INGRESS] = datapath->skeleton->progs.serin_tc_ingress,
		[DOOR_EGRESS] = datapath->skeleton->progs.serin_tc_egress,
	};

	return bpf_program__fd(programs[door]);
}

const char *door_name(enum door door)
{
	static const char *const names[DOORS] = { "XDP", "TC ingress", "TC egress" };

	return names[door];
}

static __u32 map_id(int fd)
{
	struct bpf_map_info info = { .type = 0 };
	__u32 length = sizeof(info);

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length) ? 0 : info.id;
}

static __u32 program_id(int fd)
{
	struct bpf_prog_info info = { .type = 0 };
	__u32 length = sizeof(info);

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length) ? 0 : info.id;
}

void own_of_datapath(const struct datapath *datapath, struct own *ret)
{
	enum door door;

	ret->maps[0] = map_id(MAP_FD(datapath, ways));
	ret->maps[1] = map_id(MAP_FD(datapath, listener_ids));
	for (door = 0; door < DOORS; door++)
		ret->programs[door] = program_id(door_program(datapath, door));
}

/* Maps that no program of ours can do without, of whatever version. */
void own_of_pins(const char *pin_dir, struct own *ret)
{
	static const char *const names[OWN_MAPS] = { "ways", "listener_ids" };
	char path[PINS_PATH_LEN];
	int fd, i;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < OWN_MAPS; i++) {
		pins_path(pin_dir, names[i], path);
		fd = bpf_obj_get(path);
		ret->maps[i] = map_id(fd);
		if (fd >= 0)
			close(fd);
	}
}

static bool is_own_map(const struct own *own, __u32 id)
{
	return id && (id == own->maps[0] || id == own->maps[1]);
}

/* A program may be looked up by its id with CAP_SYS_ADMIN only. An agent that has given it up knows its own programs, and
 * those of the agent before it have been replaced by then. */
bool own_program(const struct own *own, __u32 program, char ret_name[OWN_NAME_LEN])
{
	__u32 maps[PROGRAM_MAPS], length = sizeof(struct bpf_prog_info), i;
	struct bpf_prog_info info;
	bool ours = false;
	enum door door;
	int fd;

	memset(&info, 0, sizeof(info));
	strcpy(ret_name, "?");
	for (door = 0; door < DOORS; door++)
		ours |= program && own->programs[door] == program;
	fd = bpf_prog_get_fd_by_id(program);
	if (fd < 0)
		return ours;
	info.nr_map_ids = PROGRAM_MAPS;
	info.map_ids = (uintptr_t)maps;
	if (!bpf_obj_get_info_by_fd(fd, &info, &length)) {
		for (i = 0; i < info.nr_map_ids && i < PROGRAM_MAPS; i++)
			ours |= is_own_map(own, maps[i]);
		if (info.name[0])
			memcpy(ret_name, info.name, OWN_NAME_LEN);
	}
	close(fd);
	return ours;
}
