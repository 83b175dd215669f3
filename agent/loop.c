/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: epoll, with timerfd for time and signalfd for signals. */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32

struct loop_source {
	struct loop *loop;
	struct loop_source *next;
	int fd;
	bool own_fd;
	loop_fn fn; /* for descriptors and timers */
	loop_signal_fn on_signal;
	void *context;
	void (*dispatch)(struct loop_source *source);
};

struct loop {
	int epoll;
	bool stop;
	struct loop_source *sources;
};

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t loop_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t loop_now_us(void)
{
	return (int64_t)(loop_now_ns() / 1000);
}

int64_t loop_now_ms(void)
{
	return (int64_t)(loop_now_ns() / 1000000);
}

int64_t loop_wall_ms(void)
{
	return (int64_t)(read_clock(CLOCK_REALTIME) / 1000000);
}

int loop_new(struct loop **ret)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return -ENOMEM;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		r = -errno;
		free(loop);
		return r;
	}
	*ret = loop;
	return 0;
}

static void source_free(struct loop_source *source)
{
	if (source->own_fd)
		close(source->fd);
	free(source);
}

struct loop *loop_free(struct loop *loop)
{
	if (!loop)
		return NULL;
	while (loop->sources) {
		struct loop_source *source = loop->sources;

		loop->sources = source->next;
		source_free(source);
	}
	close(loop->epoll);
	free(loop);
	return NULL;
}

/* On failure the descriptor is left to the caller. */
static int add_source(struct loop *loop, struct loop_source source, struct loop_source **ret)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct loop_source *new = malloc(sizeof(*new));
	int r;

	if (!new)
		return -ENOMEM;
	*new = source;
	new->loop = loop;
	event.data.ptr = new;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, new->fd, &event)) {
		r = -errno;
		free(new);
		return r;
	}
	new->next = loop->sources;
	loop->sources = new;
	if (ret)
		*ret = new;
	return 0;
}

static void dispatch_fd(struct loop_source *source)
{
	source->fn(source->context);
}

int loop_add_fd(struct loop *loop, int fd, loop_fn fn, void *context, struct loop_source **ret)
{
	return add_source(loop, (struct loop_source){ .fd = fd, .fn = fn, .context = context, .dispatch = dispatch_fd },
			  ret);
}

static void dispatch_timer(struct loop_source *source)
{
	uint64_t rounds;

	/* Set anew or stopped by an earlier callback of this batch: then there is nothing to read. */
	if (read(source->fd, &rounds, sizeof(rounds)) == sizeof(rounds))
		source->fn(source->context);
}

int loop_add_timer(struct loop *loop, loop_fn fn, void *context, struct loop_source **ret)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int r;

	if (fd < 0)
		return -errno;
	r = add_source(loop,
		       (struct loop_source){
			       .fd = fd, .own_fd = true, .fn = fn, .context = context, .dispatch = dispatch_timer },
		       ret);
	if (r)
		close(fd);
	return r;
}

static struct timespec to_timespec(int64_t ms)
{
	return (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
}

int loop_set_timer(struct loop_source *timer, int64_t first_ms, int64_t every_ms)
{
	struct itimerspec when = { .it_value = to_timespec(first_ms), .it_interval = to_timespec(every_ms) };

	if (first_ms <= 0)
		when.it_value = (struct timespec){ .tv_nsec = 1 }; /* all zero would stop it */
	return timerfd_settime(timer->fd, 0, &when, NULL) ? -errno : 0;
}

int loop_stop_timer(struct loop_source *timer)
{
	struct itimerspec never = { .it_value = { 0, 0 } };

	return timerfd_settime(timer->fd, 0, &never, NULL) ? -errno : 0;
}

static void dispatch_signals(struct loop_source *source)
{
	struct signalfd_siginfo info;

	while (read(source->fd, &info, sizeof(info)) == sizeof(info))
		source->on_signal(source->context, (int)info.ssi_signo);
}

int loop_add_signals(struct loop *loop, const int *signals, loop_signal_fn fn, void *context)
{
	sigset_t set;
	int fd, r;

	sigemptyset(&set);
	for (; *signals; signals++)
		sigaddset(&set, *signals);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = add_source(
		loop,
		(struct loop_source){
			.fd = fd, .own_fd = true, .on_signal = fn, .context = context, .dispatch = dispatch_signals },
		NULL);
	if (r)
		close(fd);
	return r;
}

int loop_run(struct loop *loop)
{
	struct epoll_event events[BATCH];

	loop->stop = false;
	while (!loop->stop) {
		int n = epoll_wait(loop->epoll, events, BATCH, -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n && !loop->stop; i++) {
			struct loop_source *source = events[i].data.ptr;

			source->dispatch(source);
		}
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}
