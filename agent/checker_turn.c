/* SPDX-License-Identifier: BSD-2-Clause */
/* When checks begin and end. Every turn does a bounded piece of work and gives the loop back. */
#include "checker_private.h"

#define STARTS_AT_ONCE 16
#define EXPIRIES_AT_ONCE 16

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
	transfers_remove(checker->transfers, probe->easy);
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

	if (probe && !probe_aim(probe, checked, now_ms) && !transfers_add(checker->transfers, probe->easy)) {
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

static void on_done(void *context, CURL *easy, CURLcode code)
{
	char text[CHECK_TEXT_LEN];
	struct check_result result = { .text = text };
	struct probe *probe = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &probe);
	probe_judge(probe, code, text, &result);
	finish(context, probe->checked, &result, loop_now_ms());
}

/* It will not be heard: the check ends by its deadline, and not as the backend's fault. */
static void on_deaf(void *context, CURL *easy, int error)
{
	struct probe *probe = NULL;

	(void)context;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &probe);
	if (probe)
		probe->local_error = error;
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
	int64_t next = due_first_ms(&checker->running), first = due_first_ms(&checker->waiting);
	int64_t now_ms = loop_now_ms();

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

static void on_turned(void *context, int64_t held_us)
{
	struct checker *checker = context;

	checker_arm(checker);
	if (held_us > checker->figures.longest_us)
		checker->figures.longest_us = held_us;
}

const struct transfers_ops checker_ops = { .done = on_done, .deaf = on_deaf, .turned = on_turned };

void checker_on_timer(void *context)
{
	struct checker *checker = context;
	int64_t began_us = loop_now_us(), now_ms = loop_now_ms();

	checker->armed_ms = INT64_MAX;
	start_due(checker, now_ms);
	/* While the loop was held elsewhere, answers may have come in time: nobody is late before all have been heard. */
	if (transfers_hear(checker->transfers))
		expire(checker, now_ms);
	on_turned(checker, loop_now_us() - began_us);
}
