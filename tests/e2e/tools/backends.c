/* SPDX-License-Identifier: BSD-2-Clause */
/* Which backends answered how often: backends name themselves in their answers. */
#include <stdio.h>
#include <string.h>

#include "backends.h"
#include "common.h"

int backends_find(struct backends *backends, const char *name)
{
	unsigned int i;

	for (i = 0; i < backends->count; i++)
		if (!strcmp(backends->list[i].name, name))
			return (int)i;
	if (i == MAX_BACKENDS)
		die("more than %d backends answered", MAX_BACKENDS);
	strncpy(backends->list[i].name, name, NAME_LEN - 1);
	backends->count++;
	return (int)i;
}

void backends_print(const struct backends *backends)
{
	unsigned int i;

	printf("{");
	for (i = 0; i < backends->count; i++)
		printf("%s\"%s\": {\"connections\": %llu, \"requests\": %llu}", i ? ", " : "", backends->list[i].name,
		       (unsigned long long)backends->list[i].connections,
		       (unsigned long long)backends->list[i].requests);
	printf("}");
}
