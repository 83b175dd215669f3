/* SPDX-License-Identifier: BSD-2-Clause */
/* Backends in a JSON file that somebody else replaces: watched in the loop, taken over whole or not at all. */
#ifndef SERIN_LISTFILE_H
#define SERIN_LISTFILE_H

#include "discovered.h"
#include "loop.h"

/* What is watched is the directory, since a file that is replaced by rename is another file. Any change there has the
 * files of it read again, at most every 50 ms, which also covers a symbolic link that leads over another one which is
 * renamed (Kubernetes ConfigMaps). What inotify cannot see (the link's target elsewhere, a directory that was removed and
 * comes back) is found by looking once a second. Replace a file by rename: one that is written in place may be read half
 * written, which is an error that passes and keeps the last list. Files are read at once: keep them on a local disk. */

struct listfiles;
struct listfile;

int listfiles_new(struct loop *loop, struct listfiles **ret);

/* With all of its files. Not from within a discovered_fn; the loop keeps a timer of it until its own end. NULL is fine.
 * Returns NULL. */
struct listfiles *listfiles_free(struct listfiles *files);

/* Read it now, bad or missing as it may be (see listfile_found), and watch it. `fn` is called from the loop, never from
 * here. 0 or -ENOMEM. */
int listfile_add(struct listfiles *files, const char *path, const struct backend_form *form, discovered_fn fn,
		 void *context, struct listfile **ret);

/* Forget it: `fn` is not called any more. From a discovered_fn too. NULL is fine. Returns NULL. */
struct listfile *listfile_remove(struct listfile *file);

/* Until it is removed. */
const struct discovered *listfile_found(const struct listfile *file);

#endif
