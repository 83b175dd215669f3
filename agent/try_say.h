/* SPDX-License-Identifier: BSD-2-Clause */
/* What whoever starts a split should know about this host. */
#ifndef SERIN_TRY_SAY_H
#define SERIN_TRY_SAY_H

#include "try.h"
#include "try_host.h"

/* For try_kernel_open: why an interface was left out. */
void try_say_skipped(void *context, const char *reason);

/* Who does not listen, who has the port itself, what there was no room for, and at last what is split where. */
void try_say_start(const struct try_split *split, const struct try_host *host);

#endif
