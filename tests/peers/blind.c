/* SPDX-License-Identifier: BSD-2-Clause */
/* serin without observing, which no configuration asks for: preloaded into the agent, this changes the one constant of the
 * program that says so, before the kernel takes it. The agent is the same otherwise.
 */
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serin.skel.h"

static struct serin_bpf__rodata *constants_of(const struct bpf_object_skeleton *skeleton)
{
	int i;

	for (i = 0; i < skeleton->map_cnt; i++) {
		const struct bpf_map_skeleton *map =
			(const void *)((const char *)skeleton->maps + (size_t)i * (size_t)skeleton->map_skel_sz);
		const char *dot = strchr(map->name, '.');

		if (map->mmaped && dot && !strcmp(dot, ".rodata"))
			return *map->mmaped;
	}
	return NULL;
}

int bpf_object__load_skeleton(struct bpf_object_skeleton *skeleton)
{
	int (*load)(struct bpf_object_skeleton *);
	struct serin_bpf__rodata *constants = constants_of(skeleton);

	*(void **)&load = dlsym(RTLD_NEXT, "bpf_object__load_skeleton");
	if (!constants || !load) {
		fprintf(stderr, "blind: the program has no constants, or libbpf no bpf_object__load_skeleton\n");
		exit(2);
	}
	memcpy((void *)&constants->observe, &(bool){ false }, sizeof(bool));
	return load(skeleton);
}
