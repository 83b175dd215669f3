/* SPDX-License-Identifier: BSD-2-Clause */
/* The pin directory: is it serin's own, and what were the maps in it made for? */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/magic.h>

#include "datapath_private.h"

#define BPFFS "/sys/fs/bpf"

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
}

/* Names of pins are names of maps; the skeleton, unloaded, knows them all. */
static bool is_map_of_ours(void *context, const char *name)
{
	const struct serin_bpf *skeleton = context;

	return skeleton && bpf_object__find_map_by_name(skeleton->obj, name);
}

/* Of whatever version: another one may have maps that this one does not know. */
static bool has_our_identity(const char *pin_dir)
{
	char path[PINS_PATH_LEN], value[4096];
	struct bpf_map_info info = { .type = 0 };
	__u32 length = sizeof(info), zero = 0;
	__u64 magic = 0;
	int fd;

	pins_path(pin_dir, "identity", path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return false;
	if (!bpf_obj_get_info_by_fd(fd, &info, &length) && info.type == BPF_MAP_TYPE_ARRAY && info.key_size == 4 &&
	    info.value_size >= sizeof(magic) && info.value_size <= sizeof(value) &&
	    !bpf_map_lookup_elem(fd, &zero, value))
		memcpy(&magic, value, sizeof(magic));
	close(fd);
	return magic == SERIN_ABI_MAGIC;
}

static int look_for_strangers(const char *pin_dir, const char **ret_stranger)
{
	struct serin_bpf *skeleton;
	int r;

	if (has_our_identity(pin_dir))
		return 0;
	skeleton = serin_bpf__open();
	r = pins_check(pin_dir, is_map_of_ours, skeleton, ret_stranger);
	serin_bpf__destroy(skeleton);
	return r;
}

static int check_pin_dir(const char *pin_dir, struct complaint *complaint)
{
	const char *stranger = "";
	int r = look_for_strangers(pin_dir, &stranger);

	if (r == -EEXIST)
		return complain(complaint, r,
				"%s: holds '%s', which is not serin's, expected a directory of serin's own", pin_dir,
				stranger);
	if (r == -EINVAL)
		return complain(complaint, r, "%s: is not on a BPF filesystem, expected a directory under %s", pin_dir,
				BPFFS);
	if (r && r != -ENOENT)
		return complain(complaint, r, "%s: %s", pin_dir, strerror(-r));
	return r;
}

int datapath_prepare_pin_dir(const char *pin_dir, struct complaint *complaint)
{
	if (!is_bpffs(BPFFS) && mount("bpf", BPFFS, "bpf", 0, "mode=0700"))
		return complain(complaint, -errno, "%s: cannot mount bpffs: %s", BPFFS, strerror(errno));
	if (mkdir(pin_dir, 0700) && errno != EEXIST)
		return complain(complaint, -errno, "%s: cannot make the directory for pins: %s", pin_dir,
				strerror(errno));
	return check_pin_dir(pin_dir, complaint);
}

int datapath_read_identity(const char *pin_dir, uint32_t buckets, struct serin_identity *ret,
			   struct complaint *complaint)
{
	struct serin_identity found = { .magic = 0 };
	char path[PINS_PATH_LEN];
	struct bpf_map_info info = { .type = 0 };
	__u32 length = sizeof(info), zero = 0;
	int fd, r = 0;

	pins_path(pin_dir, "identity", path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : complain(complaint, -errno, "%s: %s", path, strerror(errno));
	if (bpf_obj_get_info_by_fd(fd, &info, &length) || info.value_size != sizeof(found) ||
	    bpf_map_lookup_elem(fd, &zero, &found))
		r = complain(
			complaint, -EPROTO,
			"%s: was not made by this serin: expected its own maps, run `serin detach` first, which drops "
			"the flows",
			pin_dir);
	else if (!found.magic)
		r = -ENOENT; /* somebody stopped before it was whole, so before any link */
	else if (found.magic != SERIN_ABI_MAGIC || found.abi_version != SERIN_ABI_VERSION)
		r = complain(complaint, -EPROTO,
			     "%s: holds maps of ABI version %u, expected %u: traffic goes on as it is; run `serin "
			     "detach` first, which drops the flows, or start the serin that made them",
			     pin_dir, found.abi_version, SERIN_ABI_VERSION);
	else if (found.buckets != buckets)
		r = complain(complaint, -EUCLEAN,
			     "%s: holds a flow table of %u ways, the configuration asks for %u: "
			     "keep `flows`, or run `serin detach` first, which drops the flows",
			     pin_dir, found.buckets * SERIN_WAYS_PER_BUCKET, buckets * SERIN_WAYS_PER_BUCKET);
	else
		*ret = found;
	close(fd);
	return r;
}

int datapath_draw_identity(uint32_t buckets, struct serin_identity *ret, struct complaint *complaint)
{
	memset(ret, 0, sizeof(*ret));
	ret->magic = SERIN_ABI_MAGIC;
	ret->abi_version = SERIN_ABI_VERSION;
	ret->buckets = buckets;
	if (getrandom(ret->hash_key, sizeof(ret->hash_key), 0) != (ssize_t)sizeof(ret->hash_key))
		return complain(complaint, -EIO, "no random numbers for the flow table's hash: %s", strerror(errno));
	return 0;
}

int datapath_detach(const char *pin_dir, unsigned int *ret_removed, struct complaint *complaint)
{
	int r = check_pin_dir(pin_dir, complaint);
	unsigned int programs;

	*ret_removed = 0;
	if (r)
		return r == -ENOENT ? 0 : r;
	libbpf_set_print(NULL); /* it would complain about every filter that is not there */
	programs = datapath_detach_all(pin_dir);
	r = pins_remove(pin_dir, ret_removed);
	*ret_removed += programs;
	return r ? complain(complaint, r, "%s: cannot remove all pins: %s", pin_dir, strerror(-r)) : 0;
}
