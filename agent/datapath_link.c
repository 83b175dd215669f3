/* SPDX-License-Identifier: BSD-2-Clause */
/* BPF links: what holds a program on an interface, pinned so that it outlives the agent. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath_private.h"

static const char *const suffixes[DOORS] = { [DOOR_XDP] = "", [DOOR_INGRESS] = "_ingress", [DOOR_EGRESS] = "_egress" };

/* Does it still hold the interface? An interface made anew under an old index is not held. In the kernel's facts about a
 * link of XDP and of TCX the index is at the same place. */
static bool holds(int fd, unsigned int ifindex)
{
	struct bpf_link_info info;
	__u32 length = sizeof(info);

	memset(&info, 0, sizeof(info));
	return !bpf_obj_get_info_by_fd(fd, &info, &length) && info.xdp.ifindex == ifindex;
}

static int get_kept(const struct datapath *datapath, unsigned int ifindex, enum door door)
{
	int fd;

	for (size_t i = 0; i < SERIN_MAX_DEVICES; i++) {
		if (!datapath->link[i][door] || !holds(datapath->link[i][door], ifindex))
			continue;
		fd = fcntl(datapath->link[i][door], F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

int link_get(const struct datapath *datapath, unsigned int ifindex, enum door door)
{
	char path[PINS_PATH_LEN];
	int fd;

	if (!datapath->pin_dir[0])
		return get_kept(datapath, ifindex, door);
	pins_link_path(datapath->pin_dir, ifindex, suffixes[door], path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	if (holds(fd, ifindex))
		return fd;
	close(fd);
	return -ENOENT;
}

int link_keep(struct datapath *datapath, unsigned int device, unsigned int ifindex, enum door door, int fd)
{
	int *kept = &datapath->link[device][door], r = 0;
	char path[PINS_PATH_LEN];

	if (!datapath->pin_dir[0]) {
		if (*kept)
			close(*kept);
		*kept = fd;
		return 0;
	}
	pins_link_path(datapath->pin_dir, ifindex, suffixes[door], path);
	unlink(path); /* a link that holds nothing any more may have the name */
	if (bpf_obj_pin(fd, path))
		r = -errno;
	close(fd); /* the pin holds it from here on: taking that away is enough to detach */
	return r;
}

/* Closing or unpinning alone would leave the program there until the kernel gets round to it. */
static void end(int fd)
{
	bpf_link_detach(fd);
	close(fd);
}

void link_drop_pinned(const char *pin_dir, const char *name)
{
	char path[PINS_PATH_LEN];
	int fd;

	pins_path(pin_dir, name, path);
	fd = bpf_obj_get(path);
	if (fd >= 0)
		end(fd);
	unlink(path);
}

void link_drop(struct datapath *datapath, unsigned int ifindex, enum door door)
{
	char path[PINS_PATH_LEN];

	if (datapath->pin_dir[0]) {
		pins_link_path(datapath->pin_dir, ifindex, suffixes[door], path);
		link_drop_pinned(datapath->pin_dir, strrchr(path, '/') + 1);
		return;
	}
	for (size_t i = 0; i < SERIN_MAX_DEVICES; i++) {
		if (!datapath->link[i][door] || !holds(datapath->link[i][door], ifindex))
			continue;
		end(datapath->link[i][door]);
		datapath->link[i][door] = 0;
	}
}

void link_drop_kept(struct datapath *datapath)
{
	enum door door;

	for (size_t i = 0; i < SERIN_MAX_DEVICES; i++) {
		for (door = 0; door < DOORS; door++) {
			if (datapath->link[i][door])
				end(datapath->link[i][door]);
			datapath->link[i][door] = 0;
		}
	}
}
