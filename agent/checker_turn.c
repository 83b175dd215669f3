/* SPDX-License-Identifier: BSD-2-Clause */
/* When checks begin and end. Every turn does a bounded piece of work and gives the loop back. */
#include "checker_private.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#define SOCKETS_AT_ONCE 32
#define STARTS_AT_ONCE 16
#define EXPIRIES_AT_ONCE 16

int checker_on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
	struct epoll_event event = { .data.fd = fd };
	struct checker *checker = context;
	struct probe *probe = NULL;

	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(checker->epoll, EPOLL_CTL_DEL, fd, &event);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (!epoll_ctl(checker->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event)) {
		curl_multi_assign(checker->multi, fd, checker);
		return 0;
	}
	/* It will not be heard: the check ends by its deadline, and not as the backend's fault. */
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &probe);
	if (probe)
		probe->local_error = errno;
	return 0;
}

int checker_on_curl_timer(CURLM *multi, long ms, void *context)
{
	struct checker *checker = context;

	(void)multi;
	checker->curl_ms = ms < 0 ? INT64_MAX : loop_now_ms() + ms;
	return 0;
}

static struct probe *take_probe(struct checker *checker)
{
	struct probe *probe = checker->resting;

	if (!probe)
		return probe_new();
	checker->resting = probe->next;
	return probe;
}

/* Closes its connection. */
void checker_rest(struct checker *checker, struct probe *probe)
{
	curl_multi_remove_handle(checker->multi, probe->easy);
	probe->checked = NULL;
	probe->next = checker->resting;
	checker->resting = probe;
}

/* Moments that depend on the id and the interval alone, so that a check that is set anew keeps its own, and that are
 * spread evenly for ids in a row: multiples of the golden ratio, modulo 1. */
int64_t checker_next_due(const struct checked *checked, int64_t now_ms)
{
	int64_t every = checked->check.every_ms;
	int64_t phase = (int64_t)((uint64_t)(uint32_t)(checked->id * 2654435769u) * (uint64_t)every >> 32);
	int64_t since = ((now_ms - phase) % every + every) % every;

	return now_ms + every - since;
}

struct checked *checker_forget(struct checker *checker, struct checked *checked)
{
	checker->by_id[checked->id] = NULL;
	checker->figures.checks--;
	return checked_free(checked);
}

/* The callback is last: it may set and remove whatever it likes. */
static void finish(struct checker *checker, struct checked *checked, struct check_result *result, int64_t now_ms)
{
	unsigned int id = checked->id;

	if (checked->probe) {
		result->took_ms = (unsigned int)(now_ms - checked->probe->began_ms);
		due_remove(&checker->running, &checked->due);
		checker_rest(checker, checked->probe);
		checked->probe = NULL;
	}
	if (checked->check.every_ms)
		due_add(&checker->waiting, &checked->due, checker_next_due(checked, now_ms));
	else
		checker_forget(checker, checked);
	checker->figures.results[result->verdict]++;
	checker->fn(checker->context, id, result);
}

/* It has been taken out of the waiting ones. */
static void start(struct checker *checker, struct checked *checked, int64_t now_ms)
{
	struct check_result result = { .verdict = CHECK_IMPOSSIBLE, .text = "out of memory" };
	struct probe *probe = take_probe(checker);

	if (probe && !probe_aim(probe, checked, now_ms) && !curl_multi_add_handle(checker->multi, probe->easy)) {
		checked->probe = probe;
		due_add(&checker->running, &checked->due, now_ms + checked->check.timeout_ms);
		return;
	}
	if (probe)
		checker_rest(checker, probe);
	finish(checker, checked, &result, now_ms);
}

static void start_due(struct checker *checker, int64_t now_ms)
{
	for (int i = 0; i < STARTS_AT_ONCE && checker->running.count < CHECKER_MAX_RUNNING; i++) {
		struct checked *checked = (struct checked *)due_first(&checker->waiting);

		if (!checked || checked->due.at_ms > now_ms)
			return;
		due_remove(&checker->waiting, &checked->due);
		start(checker, checked, now_ms);
	}
}

static void collect(struct checker *checker)
{
	char text[CHECK_TEXT_LEN];
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(checker->multi, &left))) {
		struct check_result result = { .text = text };
		struct probe *probe = NULL;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &probe);
		probe_judge(probe, message->data.result, text, &result);
		finish(checker, probe->checked, &result, loop_now_ms());
	}
}

/* Some of the sockets that have something to say. True when these were all. */
static bool hear(struct checker *checker)
{
	struct epoll_event events[SOCKETS_AT_ONCE];
	int n = epoll_wait(checker->epoll, events, SOCKETS_AT_ONCE, 0), running;

	for (int i = 0; i < n; i++) {
		int what = 0;

		if (events[i].events & EPOLLIN)
			what |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			what |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			what |= CURL_CSELECT_ERR;
		curl_multi_socket_action(checker->multi, events[i].data.fd, what, &running);
	}
	collect(checker);
	return n < SOCKETS_AT_ONCE;
}

static void expire(struct checker *checker, int64_t now_ms)
{
	char text[CHECK_TEXT_LEN];

	for (int i = 0; i < EXPIRIES_AT_ONCE && due_first_ms(&checker->running) <= now_ms; i++) {
		struct checked *checked = (struct checked *)due_first(&checker->running);
		struct check_result result = { .text = text };

		probe_expire(checked->probe, text, &result);
		finish(checker, checked, &result, now_ms);
	}
}

void checker_arm(struct checker *checker)
{
	int64_t next = checker->curl_ms, first = due_first_ms(&checker->running), now_ms = loop_now_ms();

	if (first < next)
		next = first;
	first = due_first_ms(&checker->waiting);
	if (checker->running.count < CHECKER_MAX_RUNNING && first < next)
		next = first;
	if (next == checker->armed_ms)
		return;
	checker->armed_ms = next;
	if (next == INT64_MAX)
		loop_stop_timer(checker->timer);
	else
		loop_set_timer(checker->timer, next > now_ms ? next - now_ms : 0, 0);
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static void end_turn(struct checker *checker, int64_t began_us)
{
	int64_t held;

	checker_arm(checker);
	held = now_us() - began_us;
	if (held > checker->figures.longest_us)
		checker->figures.longest_us = held;
}

void checker_on_sockets(void *context)
{
	struct checker *checker = context;
	int64_t began_us = now_us();

	hear(checker);
	end_turn(checker, began_us);
}

void checker_on_timer(void *context)
{
	struct checker *checker = context;
	int64_t began_us = now_us(), now_ms = loop_now_ms();
	int running;

	checker->armed_ms = INT64_MAX;
	start_due(checker, now_ms);
	if (checker->curl_ms <= loop_now_ms()) {
		checker->curl_ms = INT64_MAX;
		curl_multi_socket_action(checker->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	/* While the loop was held elsewhere, answers may have come in time: nobody is late before all have been heard. */
	if (hear(checker))
		expire(checker, now_ms);
	end_turn(checker, began_us);
}
