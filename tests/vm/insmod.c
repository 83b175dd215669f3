/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads kernel modules in the given order, so that the virtual machine needs no kmod: insmod FILE.ko ... */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int load(const char *path)
{
	int fd, r = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		r = -errno;
	if (fd >= 0)
		close(fd);
	return r;
}

int main(int argc, char **argv)
{
	int i, r;

	for (i = 1; i < argc; i++) {
		r = load(argv[i]);
		if (r) {
			fprintf(stderr, "insmod: %s: %s\n", argv[i], strerror(-r));
			return 1;
		}
	}
	return 0;
}
