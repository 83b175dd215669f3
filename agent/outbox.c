/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes into the outbox and what is taken out of it unposted. */
#include "outbox_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const fate_names[] = {
#define OUTBOX_NAME(upper, label, text) [OUTBOX_##upper] = #label,
	OUTBOX_FATES(OUTBOX_NAME)
#undef OUTBOX_NAME
};

const char *outbox_fate_name(enum outbox_fate fate)
{
	return fate_names[fate];
}

static int64_t wall_clock(void)
{
	return time(NULL);
}

const struct outbox_settings outbox_defaults = {
	.timeout_ms = 10000,
	.first_ms = 1000,
	.longest_ms = 15 * 60 * 1000,
	.give_up_s = 24 * 3600,
	.clock = wall_clock,
};

void outbox_report(struct outbox *outbox, enum outbox_fate fate, const struct outbox_entry *entry, const char *text)
{
	struct outbox_report report = { .fate = fate, .text = text };

	outbox->fates[fate]++;
	if (entry) {
		report.service = entry->service;
		report.key = entry->key;
	}
	if (outbox->fn)
		outbox->fn(outbox->context, &report);
}

int outbox_open(struct loop *loop, struct fetcher *fetcher, const char *directory,
		const struct outbox_settings *settings, outbox_fn fn, void *context, struct outbox **ret,
		struct complaint *complaint)
{
	struct outbox *outbox = calloc(1, sizeof(*outbox));
	int r = -ENOMEM;

	if (!outbox)
		return complain(complaint, -ENOMEM, "not enough memory for notifications");
	outbox->fetcher = fetcher;
	outbox->settings = *settings;
	outbox->fn = fn;
	outbox->context = context;
	outbox->directory = strdup(directory);
	if (outbox->directory)
		r = loop_add_timer(loop, outbox_turn, outbox, &outbox->timer);
	if (r)
		complain(complaint, r, "cannot set up notifications: %s", strerror(-r));
	else
		r = outbox_load(outbox, complaint);
	if (r) {
		outbox_free(outbox);
		return r;
	}
	outbox_arm(outbox);
	*ret = outbox;
	return 0;
}

struct outbox *outbox_free(struct outbox *outbox)
{
	if (!outbox)
		return NULL;
	for (size_t i = 0; i < outbox->list.count; i++)
		fetch_cancel(outbox->list.entries[i]->fetch);
	outbox_list_clear(&outbox->list);
	if (outbox->timer)
		loop_stop_timer(outbox->timer);
	free(outbox->directory);
	free(outbox);
	return NULL;
}

static void drop(struct outbox *outbox, struct outbox_entry *entry, const char *why)
{
	char origin[256], text[512];

	snprintf(text, sizeof(text), "a notification to %s is dropped: %s",
		 fetch_origin(entry->url, origin, sizeof(origin)), why);
	outbox_report(outbox, OUTBOX_DROPPED, entry, text);
	outbox_entry_free(entry);
}

static bool is_pending(const struct outbox *outbox, const char *url, const char *key)
{
	for (size_t i = 0; i < outbox->list.count; i++) {
		if (!strcmp(outbox->list.entries[i]->key, key) && !strcmp(outbox->list.entries[i]->url, url))
			return true;
	}
	return false;
}

static int add_for(struct outbox *outbox, const struct notice *notice, const char *url, const char *key,
		   const char *body)
{
	struct outbox_entry *dropped = NULL;
	int r;

	if (is_pending(outbox, url, key)) /* a receiver that is named twice */
		return 0;
	r = outbox_list_add(&outbox->list, notice->service, url, key, body, outbox->settings.clock(), &dropped);
	if (dropped)
		drop(outbox, dropped, "too many wait");
	return r;
}

/* Figures are of any size: rather none than no notification. */
static char *make_body(const struct notice *notice)
{
	struct notice bare = *notice;
	char *body = notice_body(notice);

	if (!body || strlen(body) <= OUTBOX_MAX_BODY)
		return body;
	free(body);
	bare.figures = NULL;
	return notice_body(&bare);
}

int outbox_add(struct outbox *outbox, const struct config_notify *receivers, size_t count, const struct notice *notice,
	       struct complaint *complaint)
{
	char key[NOTICE_KEY_LEN], *body;
	bool any = false;
	int r = 0, first = 0;

	for (size_t i = 0; i < count; i++)
		any |= receivers[i].on >> notice->kind & 1;
	if (!any || outbox_list_knows(&outbox->list, notice_key(notice, key)))
		return 0;
	body = make_body(notice);
	if (!body || outbox_list_remember(&outbox->list, key)) {
		free(body);
		return complain(complaint, -ENOMEM, "not enough memory for a notification");
	}
	for (size_t i = 0; i < count; i++) {
		if (receivers[i].on >> notice->kind & 1)
			r = add_for(outbox, notice, receivers[i].url, key, body);
		if (r && !first)
			first = complain(complaint, r, "a notification is not posted: %s", strerror(-r));
	}
	free(body);
	r = outbox_save(outbox, first ? NULL : complaint);
	outbox_arm(outbox);
	return first ? first : r;
}

void outbox_retain(struct outbox *outbox, bool (*wanted)(void *context, const char *url), void *context)
{
	bool changed = false;

	for (size_t i = outbox->list.count; i-- > 0;) {
		struct outbox_entry *entry = outbox->list.entries[i];

		if (wanted(context, entry->url))
			continue;
		entry->fetch = fetch_cancel(entry->fetch);
		outbox_list_remove(&outbox->list, entry);
		drop(outbox, entry, "the configuration does not name that receiver any more");
		changed = true;
	}
	if (changed)
		outbox_save_or_report(outbox);
	outbox_arm(outbox);
}

void outbox_measure(const struct outbox *outbox, struct outbox_figures *ret)
{
	*ret = (struct outbox_figures){ .pending = outbox->list.count };
	memcpy(ret->fates, outbox->fates, sizeof(ret->fates));
	for (size_t i = 0; i < outbox->list.count; i++) {
		int64_t age = outbox->settings.clock() - outbox->list.entries[i]->at;

		ret->busy += !!outbox->list.entries[i]->fetch;
		if (age > ret->oldest_s)
			ret->oldest_s = age;
	}
}
