/* SPDX-License-Identifier: BSD-2-Clause */
/* Which backends answered how often: backends name themselves in their answers. */
#ifndef SERIN_E2E_BACKENDS_H
#define SERIN_E2E_BACKENDS_H

#include <stdint.h>

#define MAX_BACKENDS 32
#define NAME_LEN 32

struct backends {
	struct {
		char name[NAME_LEN];
		uint64_t requests, connections;
	} list[MAX_BACKENDS];
	unsigned int count;
};

/* The index of the backend `name`, added if it is new; dies when there are more than MAX_BACKENDS. */
int backends_find(struct backends *backends, const char *name);

/* `{"NAME": {"connections": N, "requests": N}, ...}` on stdout. */
void backends_print(const struct backends *backends);

#endif
