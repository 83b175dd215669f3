/* SPDX-License-Identifier: BSD-2-Clause */
/* A split at work in the kernel. Nothing is pinned: whatever way this process ends, the kernel takes it all away. */
#ifndef SERIN_TRY_KERNEL_H
#define SERIN_TRY_KERNEL_H

#include <stdbool.h>

#include "complaint.h"
#include "loop.h"
#include "try.h"
#include "try_host.h"

struct try_kernel;

/* Make the tables, attach to the interfaces of `host`; nothing is split yet. Those that nothing can be attached to are taken
 * out of `host`, and `skipped` is called with the reason. -EADDRINUSE: a serin splits that port on this host. */
int try_kernel_open(const struct try_split *split, struct try_host *host,
		    void (*skipped)(void *context, const char *reason), void *context, struct try_kernel **ret,
		    struct complaint *complaint);
/* Off the interfaces, maps gone. NULL is fine. Returns NULL. */
struct try_kernel *try_kernel_close(struct try_kernel *kernel);

/* From now on, or from now on no longer, new connections are split; those that are open go on. */
int try_kernel_show(struct try_kernel *kernel, struct complaint *complaint);
int try_kernel_hide(struct try_kernel *kernel, struct complaint *complaint);

/* Idle flows end. */
int try_kernel_add_to_loop(struct try_kernel *kernel, struct loop *loop);

/* Counters as of now; `now_ms` as of loop_now_ms. `ret` holds the figures before, or zeros. */
int try_kernel_read(struct try_kernel *kernel, int64_t now_ms, struct try_figures *ret);

#endif
