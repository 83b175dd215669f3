/* SPDX-License-Identifier: BSD-2-Clause */
/* The checks that are set, by id. */
#include "checker_private.h"

#include <errno.h>
#include <stdlib.h>

int checker_new(struct loop *loop, checker_fn fn, void *context, struct checker **ret)
{
	struct checker *checker = calloc(1, sizeof(*checker));
	int r;

	if (!checker)
		return -ENOMEM;
	checker->fn = fn;
	checker->context = context;
	checker->armed_ms = INT64_MAX;
	r = transfers_new(loop, &checker_ops, checker, &checker->transfers);
	if (!r)
		r = due_heap_init(&checker->waiting, SERIN_MAX_BACKENDS);
	if (!r)
		r = due_heap_init(&checker->running, CHECKER_MAX_RUNNING);
	if (!r)
		r = loop_add_timer(loop, checker_on_timer, checker, &checker->timer);
	if (r) {
		checker_free(checker);
		return r;
	}
	*ret = checker;
	return 0;
}

struct checker *checker_free(struct checker *checker)
{
	if (!checker)
		return NULL;
	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++)
		checker_remove(checker, id);
	while (checker->resting) {
		struct probe *probe = checker->resting;

		checker->resting = probe->next;
		probe_free(probe);
	}
	transfers_free(checker->transfers);
	if (checker->timer)
		loop_stop_timer(checker->timer);
	due_heap_destroy(&checker->waiting);
	due_heap_destroy(&checker->running);
	free(checker);
	return NULL;
}

/* Nothing that could end a line of the request. */
static bool is_plain(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

static bool is_valid(unsigned int id, const struct check *check)
{
	const struct serin_addr *addr = &check->endpoint.addr;

	if (id >= SERIN_MAX_BACKENDS || !check->timeout_ms || !check->endpoint.port)
		return false;
	if (!addr->quad[0] && !addr->quad[1]) /* of a forward: local: which address to ask is the caller's to know */
		return false;
	if (check->kind == CHECK_TCP)
		return true;
	return check->path && check->path[0] == '/' && is_plain(check->path) &&
	       (!check->host || (check->host[0] && is_plain(check->host)));
}

int checker_set(struct checker *checker, unsigned int id, const struct check *check)
{
	int64_t now_ms = loop_now_ms();
	struct checked *checked;

	if (!is_valid(id, check))
		return -EINVAL;
	checked = checked_new(id, check);
	if (!checked)
		return -ENOMEM;
	if (check->every_ms && checker->by_id[id] && checked_equal(checked, checker->by_id[id])) {
		checked_free(checked);
		return 0;
	}
	checker_remove(checker, id);
	checker->by_id[id] = checked;
	checker->figures.checks++;
	due_add(&checker->waiting, &checked->due, check->every_ms ? checker_next_due(checked, now_ms) : now_ms);
	checker_arm(checker);
	return 0;
}

void checker_remove(struct checker *checker, unsigned int id)
{
	struct checked *checked = id < SERIN_MAX_BACKENDS ? checker->by_id[id] : NULL;

	if (!checked)
		return;
	due_remove(checked->probe ? &checker->running : &checker->waiting, &checked->due);
	if (checked->probe)
		checker_rest(checker, checked->probe);
	checker_forget(checker, checked);
}

void checker_measure(const struct checker *checker, struct checker_figures *ret)
{
	int64_t late_ms = loop_now_ms() - due_first_ms(&checker->waiting);

	*ret = checker->figures;
	ret->running = (unsigned int)checker->running.count;
	ret->late_ms = late_ms > 0 ? late_ms : 0;
}
