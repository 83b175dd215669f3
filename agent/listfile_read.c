/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading one watched file, of which nothing is known but its name. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listfile_parse.h"
#include "listfile_private.h"

#define EXPECTED_FILE "a file of at most 256 KiB"

static bool same_time(const struct timespec *one, const struct timespec *other)
{
	return one->tv_sec == other->tv_sec && one->tv_nsec == other->tv_nsec;
}

bool listfile_differs(const struct listfile *file)
{
	struct stat now;

	if (stat(file->path, &now))
		return file->seen.st_nlink || !file->found.keeps;
	return now.st_dev != file->seen.st_dev || now.st_ino != file->seen.st_ino ||
	       now.st_size != file->seen.st_size || now.st_mode != file->seen.st_mode ||
	       !same_time(&now.st_mtim, &file->seen.st_mtim) || !same_time(&now.st_ctim, &file->seen.st_ctim);
}

/* Up to `size` bytes. The number of them, or a negative errno. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
	size_t used = 0;
	ssize_t got;

	while (used < size) {
		got = read(fd, buffer + used, size - used);
		if (!got)
			break;
		if (got < 0 && errno != EINTR)
			return -errno;
		used += got > 0 ? (size_t)got : 0;
	}
	return (ssize_t)used;
}

static int complain_errno(const struct listfile *file, int err, struct complaint *complaint)
{
	return complain(complaint, err, "%.255s: %s, expected " EXPECTED_FILE, file->path, strerror(-err));
}

/* O_NONBLOCK: a FIFO without a writer would hold the loop for ever. */
static int open_regular(struct listfile *file, struct complaint *complaint)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return complain_errno(file, -errno, complaint);
	if (fstat(fd, &file->seen)) {
		close(fd);
		return complain_errno(file, -errno, complaint);
	}
	if (S_ISREG(file->seen.st_mode))
		return fd;
	close(fd);
	return complain(complaint, -EINVAL, "%.255s: no regular file, expected " EXPECTED_FILE, file->path);
}

static int read_text(struct listfile *file, char *buffer, size_t size, size_t *ret_length, struct complaint *complaint)
{
	int fd = open_regular(file, complaint);
	ssize_t length;

	if (fd < 0)
		return fd;
	length = read_all(fd, buffer, size);
	close(fd);
	if (length < 0)
		return complain_errno(file, (int)length, complaint);
	if ((size_t)length == size)
		return complain(complaint, -EFBIG, "%.255s: the file is too large, expected " EXPECTED_FILE,
				file->path);
	*ret_length = (size_t)length;
	return 0;
}

bool listfile_read(struct listfile *file)
{
	/* One byte more than is allowed: whoever fills it is too large. Untouched pages cost nothing. */
	char *text = malloc(LISTFILE_MAX_BYTES + 1);
	struct backend_list list = { .items = NULL };
	struct complaint complaint = { "" };
	int64_t now = loop_now_ms();
	size_t length = 0;
	int err;

	memset(&file->seen, 0, sizeof(file->seen));
	if (!text)
		return discovered_refuse(&file->found, "out of memory", now);
	err = read_text(file, text, LISTFILE_MAX_BYTES + 1, &length, &complaint);
	if (!err)
		err = listfile_parse(file->path, text, length, &file->form, &list, &complaint);
	free(text);
	if (err)
		return discovered_refuse(&file->found, complaint.text, now);
	return discovered_take(&file->found, &list, "", now);
}
