/* SPDX-License-Identifier: BSD-2-Clause */
/* Written aside, synced, renamed; and the directory synced, or the new name might not outlive a power cut. */
#include "durable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int durable_path(const char *directory, const char *name, char *ret, struct complaint *complaint)
{
	if (snprintf(ret, PATH_MAX, "%s/%s", directory, name) >= PATH_MAX)
		return complain(complaint, -ENAMETOOLONG, "the state directory's name is too long");
	return 0;
}

int durable_read(const char *path, size_t max, char **ret_text, size_t *ret_length)
{
	struct stat st;
	size_t length = 0;
	char *text = NULL;
	ssize_t n = 1;
	int fd, r = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		r = -errno;
	else if (!S_ISREG(st.st_mode) || (size_t)st.st_size > max)
		r = -EFBIG;
	else if (!(text = malloc((size_t)st.st_size + 1)))
		r = -ENOMEM;
	while (!r && length < (size_t)st.st_size && n) {
		n = read(fd, text + length, (size_t)st.st_size - length);
		if (n < 0)
			r = -errno;
		else
			length += (size_t)n;
	}
	close(fd);
	if (r) {
		free(text);
		return r;
	}
	text[length] = '\0';
	*ret_text = text;
	*ret_length = length;
	return 0;
}

static int sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd))
		r = -errno;
	close(fd);
	return r;
}

/* DIRECTORY/NAME, and NAME.damaged-TIME beside it. */
static int aside_paths(const char *directory, const char *name, time_t now, char *ret_path, char *ret_aside,
		       struct complaint *complaint)
{
	char damaged[NAME_MAX], stamp[32] = "";
	struct tm tm;
	int r;

	if (gmtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(damaged, sizeof(damaged), "%s.damaged-%s", name, stamp);
	r = durable_path(directory, name, ret_path, complaint);
	return r ? r : durable_path(directory, damaged, ret_aside, complaint);
}

int durable_set_aside(const char *directory, const char *name, time_t now, char *ret_path, size_t size,
		      struct complaint *complaint)
{
	char path[PATH_MAX], aside[PATH_MAX];
	int r;

	r = aside_paths(directory, name, now, path, aside, complaint);
	if (r)
		return r;
	if (rename(path, aside)) {
		r = -errno;
		return complain(complaint, r, "cannot rename the damaged %.200s: %s", path, strerror(-r));
	}
	snprintf(ret_path, size, "%s", aside);
	return 0;
}

int durable_keep_aside(const char *directory, const char *name, time_t now, char *ret_path, size_t size,
		       struct complaint *complaint)
{
	char path[PATH_MAX], aside[PATH_MAX];
	struct stat st;
	int r;

	r = aside_paths(directory, name, now, path, aside, complaint);
	if (r)
		return r;
	if (!lstat(path, &st) && S_ISREG(st.st_mode) && st.st_nlink > 1) {
		snprintf(ret_path, size, "%s.damaged-*", path);
		return 0;
	}
	/* Not every file system has second names, and a directory can have none. */
	if (link(path, aside))
		return durable_set_aside(directory, name, now, ret_path, size, complaint);
	snprintf(ret_path, size, "%s", aside);
	return 0;
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t n = write(fd, text, length);

		if (n < 0)
			return -errno;
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

static int write_synced(const char *path, const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, text, length);
	if (!r && fsync(fd))
		r = -errno;
	if (close(fd) && !r)
		r = -errno;
	if (r)
		unlink(path);
	return r;
}

int durable_write(const char *directory, const char *name, const char *text, struct complaint *complaint)
{
	char path[PATH_MAX], aside[PATH_MAX], new[NAME_MAX];
	int r;

	snprintf(new, sizeof(new), "%s.new", name);
	r = durable_path(directory, name, path, complaint);
	if (!r)
		r = durable_path(directory, new, aside, complaint);
	if (r)
		return r;
	if (mkdir(directory, 0755) && errno != EEXIST) {
		r = -errno;
		return complain(complaint, r, "cannot make the state directory %.200s: %s", directory, strerror(-r));
	}
	r = write_synced(aside, text, strlen(text));
	if (!r && rename(aside, path))
		r = -errno;
	if (!r)
		r = sync_directory(directory);
	return r ? complain(complaint, r, "cannot write %.200s: %s", path, strerror(-r)) : 0;
}
