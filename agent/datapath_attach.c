/* SPDX-License-Identifier: BSD-2-Clause */
/* Putting the program on interfaces and taking it off again. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/if_link.h>

#include "datapath_private.h"

static int program_fd(const struct datapath *datapath)
{
	return bpf_program__fd(datapath->skeleton->progs.serin_xdp);
}

static int device_facts(const char *interface, struct serin_device *ret)
{
	struct ifreq request;
	int fd, r = 0;

	memset(&request, 0, sizeof(request));
	memset(ret, 0, sizeof(*ret));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	ret->ifindex = if_nametoindex(interface);
	if (!ret->ifindex || ioctl(fd, SIOCGIFMTU, &request)) {
		r = -errno;
		goto out;
	}
	ret->mtu = (unsigned int)request.ifr_mtu;
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		r = -errno;
	memcpy(ret->mac, request.ifr_hwaddr.sa_data, sizeof(ret->mac));
out:
	close(fd);
	return r;
}

int datapath_refresh_device(struct datapath *datapath, unsigned int device, const char *interface)
{
	struct serin_device facts, old;
	__u32 id = device, holder;
	int r;

	r = device_facts(interface, &facts);
	if (r)
		return r;
	/* The interface that had this id before may have another one by now. */
	if (!bpf_map_lookup_elem(MAP_FD(datapath, devices), &id, &old) && old.ifindex && old.ifindex != facts.ifindex &&
	    !bpf_map_lookup_elem(MAP_FD(datapath, device_ids), &old.ifindex, &holder) && holder == id)
		bpf_map_delete_elem(MAP_FD(datapath, device_ids), &old.ifindex);
	if (bpf_map_update_elem(MAP_FD(datapath, devices), &id, &facts, BPF_ANY) ||
	    bpf_map_update_elem(MAP_FD(datapath, device_ids), &facts.ifindex, &id, BPF_ANY))
		return -errno;
	return 0;
}

/* Says whose program is in the way. */
static int complain_busy(const char *interface, unsigned int ifindex, struct complaint *complaint)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info;
	__u32 length = sizeof(info), id;
	int fd;

	memset(&info, 0, sizeof(info));
	if (bpf_xdp_query((int)ifindex, 0, &query))
		memset(&query, 0, sizeof(query));
	id = query.prog_id ? query.prog_id : query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd >= 0) {
		if (bpf_obj_get_info_by_fd(fd, &info, &length))
			info.name[0] = '\0';
		close(fd);
	}
	return complain(
		complaint, -EBUSY,
		"%s: the XDP program '%s' (id %u) of somebody else is attached, expected none: it was left alone",
		interface, info.name[0] ? info.name : "?", id);
}

static int create_link(struct datapath *datapath, unsigned int ifindex, __u32 flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
	int fd = bpf_link_create(program_fd(datapath), (int)ifindex, BPF_XDP, &options);

	return fd < 0 ? -errno : fd;
}

static const char *mode_name(__u32 flags)
{
	return flags == XDP_FLAGS_SKB_MODE ? "xdp-generic" : "xdp";
}

/* The mode that an interface's program runs in, 0 when there is none. */
static __u32 attached_flags(unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query((int)ifindex, 0, &query))
		return 0;
	if (query.attach_mode == XDP_ATTACHED_SKB)
		return XDP_FLAGS_SKB_MODE;
	return query.attach_mode == XDP_ATTACHED_NONE ? 0 : XDP_FLAGS_DRV_MODE;
}

static bool mode_suits(__u32 flags, enum config_attach attach)
{
	return attach == ATTACH_AUTO || (attach == ATTACH_XDP_GENERIC) == (flags == XDP_FLAGS_SKB_MODE);
}

/* Does this pinned link still hold the interface? An interface made anew under an old index does not. */
static bool link_is_alive(int fd, unsigned int ifindex)
{
	struct bpf_link_info info;
	__u32 length = sizeof(info);

	memset(&info, 0, sizeof(info));
	return !bpf_obj_get_info_by_fd(fd, &info, &length) && info.type == BPF_LINK_TYPE_XDP &&
	       info.xdp.ifindex == ifindex;
}

bool datapath_is_attached(const struct datapath *datapath, unsigned int ifindex)
{
	char path[PINS_PATH_LEN];
	bool alive = false;
	int fd;

	if (!datapath->pin_dir[0]) {
		for (size_t i = 0; i < SERIN_MAX_DEVICES; i++)
			alive |= datapath->link[i] && link_is_alive(datapath->link[i], ifindex);
		return alive;
	}
	pins_link_path(datapath->pin_dir, ifindex, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return false;
	alive = link_is_alive(fd, ifindex);
	close(fd);
	return alive;
}

struct liveness {
	const struct datapath *datapath;
	bool found;
};

static void note_alive(void *context, unsigned int ifindex)
{
	struct liveness *liveness = context;

	liveness->found |= datapath_is_attached(liveness->datapath, ifindex);
}

bool datapath_has_links(const struct datapath *datapath)
{
	struct liveness liveness = { .datapath = datapath };

	if (datapath->pin_dir[0])
		pins_each_link(datapath->pin_dir, note_alive, &liveness);
	for (size_t i = 0; i < SERIN_MAX_DEVICES; i++)
		liveness.found |= datapath->link[i] != 0;
	return liveness.found;
}

static int complain_no_interface(const char *interface, int error, struct complaint *complaint)
{
	return complain(complaint, error, "%s: %s, expected an Ethernet interface of this host", interface,
			strerror(-error));
}

/* Going over to the other mode would leave the interface without a program for a moment, or for good. */
static int complain_mode(const char *interface, __u32 flags, struct complaint *complaint)
{
	return complain(complaint, -EUCLEAN,
			"%s: the program runs as %s, expected `attach: %s` or `auto`, or `serin detach` first",
			interface, mode_name(flags), mode_name(flags));
}

int datapath_can_attach(const struct datapath *datapath, const char *interface, enum config_attach attach,
			struct complaint *complaint)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct serin_device facts;
	int r;

	r = device_facts(interface, &facts);
	if (r)
		return complain_no_interface(interface, r, complaint);
	if (datapath_is_attached(datapath, facts.ifindex)) {
		__u32 flags = attached_flags(facts.ifindex);

		return mode_suits(flags, attach) ? 0 : complain_mode(interface, flags, complaint);
	}
	/* Where nobody can be asked, attaching will tell. */
	if (bpf_xdp_query((int)facts.ifindex, 0, &query))
		return 0;
	return query.attach_mode == XDP_ATTACHED_NONE ? 0 : complain_busy(interface, facts.ifindex, complaint);
}

/* Put our program into our pinned link, in one step for the packets. -ENOENT: there is none to go on with. */
static int replace_program(struct datapath *datapath, unsigned int ifindex, enum config_attach attach,
			   const char **ret_mode)
{
	char path[PINS_PATH_LEN];
	int fd, r = -ENOENT;
	__u32 flags;

	pins_link_path(datapath->pin_dir, ifindex, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : -errno;
	flags = attached_flags(ifindex);
	if (!link_is_alive(fd, ifindex)) {
		unlink(path);
	} else if (!mode_suits(flags, attach)) {
		r = -EUCLEAN;
	} else {
		r = bpf_link_update(fd, program_fd(datapath), NULL) ? -errno : 0;
		*ret_mode = mode_name(flags);
	}
	close(fd);
	return r;
}

/* A new link; where native XDP may be tried, whatever the driver answers but "busy" leads on to generic. */
static int attach_new(struct datapath *datapath, unsigned int ifindex, enum config_attach attach, const char **ret_mode)
{
	int fd = -EOPNOTSUPP;

	if (attach != ATTACH_XDP_GENERIC) {
		fd = create_link(datapath, ifindex, XDP_FLAGS_DRV_MODE);
		*ret_mode = mode_name(XDP_FLAGS_DRV_MODE);
	}
	if (fd < 0 && fd != -EBUSY && fd != -EEXIST && attach != ATTACH_XDP) {
		fd = create_link(datapath, ifindex, XDP_FLAGS_SKB_MODE);
		*ret_mode = mode_name(XDP_FLAGS_SKB_MODE);
	}
	return fd;
}

static int keep_link(struct datapath *datapath, unsigned int device, unsigned int ifindex, int fd)
{
	char path[PINS_PATH_LEN];
	int r = 0;

	if (!datapath->pin_dir[0]) {
		if (datapath->link[device])
			close(datapath->link[device]);
		datapath->link[device] = fd;
		return 0;
	}
	pins_link_path(datapath->pin_dir, ifindex, path);
	if (bpf_obj_pin(fd, path))
		r = -errno;
	close(fd); /* the pin holds it from here on: taking that away is enough to detach */
	return r;
}

int datapath_attach(struct datapath *datapath, unsigned int device, const char *interface, enum config_attach attach,
		    const char **ret_mode, struct complaint *complaint)
{
	const char *mode = NULL;
	unsigned int ifindex;
	int r;

	r = datapath_refresh_device(datapath, device, interface);
	if (r)
		return complain_no_interface(interface, r, complaint);
	ifindex = if_nametoindex(interface);
	r = datapath->pin_dir[0] ? replace_program(datapath, ifindex, attach, &mode) : -ENOENT;
	if (r == -ENOENT) {
		r = attach_new(datapath, ifindex, attach, &mode);
		if (r == -EBUSY || r == -EEXIST)
			return complain_busy(interface, ifindex, complaint);
		if (r >= 0)
			r = keep_link(datapath, device, ifindex, r);
	}
	if (r)
		return complain(complaint, r, "%s: cannot attach the program as %s: %s", interface, mode ? mode : "xdp",
				strerror(-r));
	*ret_mode = mode;
	return 0;
}

struct keeping {
	const struct datapath *datapath;
	const struct config_interface *keep;
	size_t count;
};

static bool is_kept(const struct keeping *keeping, unsigned int ifindex)
{
	size_t i;

	for (i = 0; i < keeping->count; i++)
		if (if_nametoindex(keeping->keep[i].name) == ifindex)
			return true;
	return false;
}

/* Taking the pin away alone would leave the program there until the kernel gets round to it. */
static void detach_link(const char *pin_dir, unsigned int ifindex)
{
	char path[PINS_PATH_LEN];
	int fd;

	pins_link_path(pin_dir, ifindex, path);
	fd = bpf_obj_get(path);
	if (fd >= 0) {
		bpf_link_detach(fd);
		close(fd);
	}
	unlink(path);
}

static void detach_any(void *context, unsigned int ifindex)
{
	detach_link(context, ifindex);
}

void datapath_detach_links(const char *pin_dir)
{
	char dir[PINS_DIR_LEN];

	snprintf(dir, sizeof(dir), "%s", pin_dir);
	pins_each_link(dir, detach_any, dir);
}

static void detach_unless_kept(void *context, unsigned int ifindex)
{
	const struct keeping *keeping = context;

	if (!is_kept(keeping, ifindex))
		detach_link(keeping->datapath->pin_dir, ifindex);
}

/* Next hops must not lead out of an interface that has no program any more: its answers would find no flow. */
static void forget_unless_kept(const struct keeping *keeping, __u32 id)
{
	const struct serin_device none = { .ifindex = 0 };
	const struct datapath *datapath = keeping->datapath;
	struct serin_device device;

	if (bpf_map_lookup_elem(MAP_FD(datapath, devices), &id, &device) || !device.ifindex ||
	    is_kept(keeping, device.ifindex))
		return;
	bpf_map_delete_elem(MAP_FD(datapath, device_ids), &device.ifindex);
	bpf_map_update_elem(MAP_FD(datapath, devices), &id, &none, BPF_ANY);
}

int datapath_detach_others(struct datapath *datapath, const struct config_interface *keep, size_t count)
{
	struct keeping keeping = { datapath, keep, count };
	__u32 id;

	for (id = 0; id < SERIN_MAX_DEVICES; id++)
		forget_unless_kept(&keeping, id);
	datapath_bump_routes(datapath);
	if (datapath->pin_dir[0])
		pins_each_link(datapath->pin_dir, detach_unless_kept, &keeping);
	return 0;
}
