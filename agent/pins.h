/* SPDX-License-Identifier: BSD-2-Clause */
/* The directory of pinned objects: what keeps the data path alive without an agent. */
#ifndef SERIN_PINS_H
#define SERIN_PINS_H

#include <stdbool.h>

#define PINS_DIR_LEN 128
#define PINS_PATH_LEN 512
/* Then the interface's index (bpffs allows no dots, interface names may have them), and which of its links it is. */
#define PINS_LINK_PREFIX "link_"

/* Both write PINS_PATH_LEN bytes into `buffer`. `suffix`: "" or what tells an interface's links apart. */
void pins_path(const char *pin_dir, const char *name, char *buffer);
void pins_link_path(const char *pin_dir, unsigned int ifindex, const char *suffix, char *buffer);

/* Call `visit` with the name and the interface index of every pinned link. */
void pins_each_link(const char *pin_dir, void (*visit)(void *context, const char *name, unsigned int ifindex),
		    void *context);

/* May the directory be taken for ours? 0: on bpffs, and every object in it is a link of ours or has a name that `is_ours`
 * knows; -EINVAL: not on bpffs; -EEXIST: *ret_stranger is not ours; -ENOENT and others: as the system says. */
int pins_check(const char *pin_dir, bool (*is_ours)(void *context, const char *name), void *context,
	       const char **ret_stranger);

/* Remove every pin, links first. 0 or a negative errno. */
int pins_empty(const char *pin_dir, unsigned int *ret_removed);

/* The same, and the directory. ret_removed (may be NULL): how many. 0, also when there is no such
 * directory, or a negative errno. */
int pins_remove(const char *pin_dir, unsigned int *ret_removed);

#endif
