/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole file in memory, but no more of it than is allowed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "config_parts.h"

/* Read up to `size` bytes. The number of them, or a negative errno. */
static ssize_t read_all(const char *path, char *buffer, size_t size)
{
	size_t used = 0;
	ssize_t got = 1;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (used < size && got) {
		got = read(fd, buffer + used, size - used);
		if (got < 0 && errno != EINTR)
			break;
		used += got > 0 ? (size_t)got : 0;
	}
	got = got < 0 ? -errno : (ssize_t)used;
	close(fd);
	return got;
}

int config_read_file(const char *path, size_t max, char **ret, size_t *ret_length)
{
	/* One byte more than is allowed: whoever fills it is too large. Untouched pages cost nothing. */
	char *text = malloc(max + 1);
	ssize_t length;

	if (!text)
		return -ENOMEM;
	length = read_all(path, text, max + 1);
	if (length < 0 || (size_t)length > max) {
		free(text);
		return length < 0 ? (int)length : -EFBIG;
	}
	*ret = text;
	*ret_length = (size_t)length;
	return 0;
}
