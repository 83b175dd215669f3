/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: descriptors, timers and signals, on one thread. */
#ifndef SERIN_LOOP_H
#define SERIN_LOOP_H

#include <stdint.h>

struct loop;
struct loop_source; /* a descriptor, a timer or the signals; belongs to its loop */

typedef void (*loop_fn)(void *context);
typedef void (*loop_signal_fn)(void *context, int signal);

int loop_new(struct loop **ret);
/* Takes its sources along; descriptors given to loop_add_fd stay open. NULL is fine. Returns NULL. */
struct loop *loop_free(struct loop *loop);

/* Call `fn` as long as `fd` is readable (level-triggered). */
int loop_add_fd(struct loop *loop, int fd, loop_fn fn, void *context, struct loop_source **ret);

/* A timer on CLOCK_MONOTONIC that does not run yet. */
int loop_add_timer(struct loop *loop, loop_fn fn, void *context, struct loop_source **ret);
/* First after `first_ms` (0: at once), then every `every_ms` (0: not again). Replaces what was set before; rounds that
 * were missed while the loop was busy are one call. */
int loop_set_timer(struct loop_source *timer, int64_t first_ms, int64_t every_ms);
int loop_stop_timer(struct loop_source *timer);

/* Block these signals (a list that ends with 0) and hand them to `fn` from the loop. Call before any other thread or
 * child process is made. */
int loop_add_signals(struct loop *loop, const int *signals, loop_signal_fn fn, void *context);

/* Until loop_stop: 0, or what epoll_wait gave. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* CLOCK_MONOTONIC; in nanoseconds also what the kernel's programs go by. */
int64_t loop_now_ms(void);
int64_t loop_now_us(void);
uint64_t loop_now_ns(void);
/* CLOCK_REALTIME: since 1970. */
int64_t loop_wall_ms(void);

#endif
