/* SPDX-License-Identifier: BSD-2-Clause */
/* One file of the watched ones. Internal to listfile*.c. */
#ifndef SERIN_LISTFILE_PRIVATE_H
#define SERIN_LISTFILE_PRIVATE_H

#include <sys/stat.h>

#include "listfile.h"

struct listfile {
	struct listfiles *files;
	struct listfile *next;
	char *path, *directory;
	struct backend_form form;
	struct discovered found;
	discovered_fn fn;
	void *context;
	int watch;    /* inotify's, of the directory; -1: none */
	bool touched; /* something changed in its directory */
	bool removed;
	struct stat seen; /* when it was last read; st_nlink 0: it could not be */
};

/* listfile_read.c: whether it is another file, or its text may be another one, than when it was last read. */
bool listfile_differs(const struct listfile *file);

/* Read and check it. Whether its list or its trouble are others now. */
bool listfile_read(struct listfile *file);

#endif
