/* SPDX-License-Identifier: BSD-2-Clause */
/* libcurl's sockets are in an epoll set of their own, one descriptor of the loop's; its timer is one of the loop's. Every
 * turn does a bounded piece of work and gives the loop back. */
#include "transfers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SOCKETS_AT_ONCE 32

struct transfers {
	const struct transfers_ops *ops;
	void *context;
	CURLM *multi;
	int epoll;
	struct loop_source *timer;
	int64_t curl_ms;  /* when libcurl wants to be called without a socket's reason */
	int64_t armed_ms; /* what the timer is set to */
};

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
	struct epoll_event event = { .data.fd = fd };
	struct transfers *transfers = context;

	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(transfers->epoll, EPOLL_CTL_DEL, fd, &event);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (!epoll_ctl(transfers->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event))
		curl_multi_assign(transfers->multi, fd, transfers);
	else
		transfers->ops->deaf(transfers->context, easy, errno);
	return 0;
}

static int on_curl_timer(CURLM *multi, long ms, void *context)
{
	struct transfers *transfers = context;

	(void)multi;
	transfers->curl_ms = ms < 0 ? INT64_MAX : loop_now_ms() + ms;
	return 0;
}

/* A timer that is set too early is left alone: to be called once in vain is cheaper than to set it for every transfer. */
void transfers_kick(struct transfers *transfers)
{
	int64_t now_ms;

	if (transfers->curl_ms >= transfers->armed_ms)
		return;
	transfers->armed_ms = transfers->curl_ms;
	now_ms = loop_now_ms();
	loop_set_timer(transfers->timer, transfers->armed_ms > now_ms ? transfers->armed_ms - now_ms : 0, 0);
}

static void collect(struct transfers *transfers)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(transfers->multi, &left))) {
		if (message->msg == CURLMSG_DONE)
			transfers->ops->done(transfers->context, message->easy_handle, message->data.result);
	}
}

bool transfers_hear(struct transfers *transfers)
{
	struct epoll_event events[SOCKETS_AT_ONCE];
	int n, running;

	if (transfers->curl_ms <= loop_now_ms()) {
		transfers->curl_ms = INT64_MAX;
		curl_multi_socket_action(transfers->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	n = epoll_wait(transfers->epoll, events, SOCKETS_AT_ONCE, 0);
	for (int i = 0; i < n; i++) {
		int what = 0;

		if (events[i].events & EPOLLIN)
			what |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			what |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			what |= CURL_CSELECT_ERR;
		curl_multi_socket_action(transfers->multi, events[i].data.fd, what, &running);
	}
	collect(transfers);
	transfers_kick(transfers);
	return n < SOCKETS_AT_ONCE;
}

static void end_turn(struct transfers *transfers, int64_t began_us)
{
	if (transfers->ops->turned)
		transfers->ops->turned(transfers->context, loop_now_us() - began_us);
}

static void on_sockets(void *context)
{
	int64_t began_us = loop_now_us();

	transfers_hear(context);
	end_turn(context, began_us);
}

static void on_timer(void *context)
{
	struct transfers *transfers = context;
	int64_t began_us = loop_now_us();

	transfers->armed_ms = INT64_MAX;
	transfers_hear(transfers);
	end_turn(transfers, began_us);
}

static int set_up_multi(struct transfers *transfers)
{
	int failed = 0;

	transfers->multi = curl_multi_init();
	if (!transfers->multi)
		return -ENOMEM;
	failed |= curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	failed |= curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
	failed |= curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	failed |= curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
	return failed ? -ENOMEM : 0;
}

int transfers_new(struct loop *loop, const struct transfers_ops *ops, void *context, struct transfers **ret)
{
	struct transfers *transfers = calloc(1, sizeof(*transfers));
	int r;

	if (!transfers)
		return -ENOMEM;
	transfers->ops = ops;
	transfers->context = context;
	transfers->curl_ms = INT64_MAX;
	transfers->armed_ms = INT64_MAX;
	transfers->epoll = epoll_create1(EPOLL_CLOEXEC);
	r = transfers->epoll < 0 ? -errno : set_up_multi(transfers);
	if (!r)
		r = loop_add_timer(loop, on_timer, transfers, &transfers->timer);
	if (!r)
		r = loop_add_fd(loop, transfers->epoll, on_sockets, transfers, NULL);
	if (r) {
		transfers_free(transfers);
		return r;
	}
	*ret = transfers;
	return 0;
}

struct transfers *transfers_free(struct transfers *transfers)
{
	if (!transfers)
		return NULL;
	if (transfers->multi)
		curl_multi_cleanup(transfers->multi);
	if (transfers->timer)
		loop_stop_timer(transfers->timer);
	if (transfers->epoll >= 0)
		close(transfers->epoll);
	free(transfers);
	return NULL;
}

int transfers_add(struct transfers *transfers, CURL *easy)
{
	return curl_multi_add_handle(transfers->multi, easy) ? -ENOMEM : 0;
}

void transfers_remove(struct transfers *transfers, CURL *easy)
{
	curl_multi_remove_handle(transfers->multi, easy);
}
