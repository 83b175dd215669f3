/* SPDX-License-Identifier: BSD-2-Clause */
#include "pins.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

void pins_path(const char *pin_dir, const char *name, char *buffer)
{
	snprintf(buffer, PINS_PATH_LEN, "%s/%s", pin_dir, name);
}

void pins_link_path(const char *pin_dir, unsigned int ifindex, const char *suffix, char *buffer)
{
	snprintf(buffer, PINS_PATH_LEN, "%s/" PINS_LINK_PREFIX "%u%s", pin_dir, ifindex, suffix);
}

static bool is_link(const char *name)
{
	return !strncmp(name, PINS_LINK_PREFIX, strlen(PINS_LINK_PREFIX));
}

void pins_each_link(const char *pin_dir, void (*visit)(void *context, const char *name, unsigned int ifindex),
		    void *context)
{
	struct dirent *entry;
	DIR *dir = opendir(pin_dir);

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (is_link(entry->d_name))
			visit(context, entry->d_name,
			      (unsigned int)strtoul(entry->d_name + strlen(PINS_LINK_PREFIX), NULL, 10));
	closedir(dir);
}

/* One pass over the directory: links, or all the rest. */
static int remove_some(const char *pin_dir, bool links, unsigned int *removed)
{
	char path[PINS_PATH_LEN];
	struct dirent *entry;
	DIR *dir = opendir(pin_dir);
	int r = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || is_link(entry->d_name) != links)
			continue;
		pins_path(pin_dir, entry->d_name, path);
		if (unlink(path))
			r = -errno;
		else
			(*removed)++;
	}
	closedir(dir);
	return r;
}

int pins_check(const char *pin_dir, bool (*is_ours)(void *context, const char *name), void *context,
	       const char **ret_stranger)
{
	static char stranger[NAME_MAX + 1];
	struct dirent *entry;
	struct statfs fs;
	DIR *dir;
	int r = 0;

	if (statfs(pin_dir, &fs))
		return -errno;
	if (fs.f_type != BPF_FS_MAGIC)
		return -EINVAL;
	dir = opendir(pin_dir);
	if (!dir)
		return -errno;
	while (!r && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || is_link(entry->d_name) || is_ours(context, entry->d_name))
			continue;
		snprintf(stranger, sizeof(stranger), "%s", entry->d_name);
		*ret_stranger = stranger;
		r = -EEXIST;
	}
	closedir(dir);
	return r;
}

int pins_empty(const char *pin_dir, unsigned int *ret_removed)
{
	unsigned int removed = 0;
	int r;

	r = remove_some(pin_dir, true, &removed);
	if (!r)
		r = remove_some(pin_dir, false, &removed);
	if (ret_removed)
		*ret_removed = removed;
	return r;
}

int pins_remove(const char *pin_dir, unsigned int *ret_removed)
{
	int r = pins_empty(pin_dir, ret_removed);

	if (!r && rmdir(pin_dir))
		r = -errno;
	return r == -ENOENT ? 0 : r;
}
