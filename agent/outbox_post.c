/* SPDX-License-Identifier: BSD-2-Clause */
/* Posting, receiver by receiver: what an answer means, and when to try again. */
#include "outbox_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "scalar.h"

#define LONGEST_ANSWER 300u       /* enough for a receiver's complaint */
#define LONGEST_RETRY_AFTER 3600u /* seconds that a receiver may ask for */
#define OUTBOX_TEXT_LEN 768

static bool is_final(int status)
{
	return status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
}

/* "status 404: no_service", "timeout after 10s" */
static void explain(const struct fetch_answer *answer, char *text, size_t size)
{
	char quoted[LONGEST_ANSWER + 1];

	fetch_quote(answer->body, quoted, sizeof(quoted));
	if (!answer->status)
		snprintf(text, size, "%s", answer->why);
	else
		snprintf(text, size, "status %d%s%s", answer->status, quoted[0] ? ": " : "", quoted);
}

static void finish(struct outbox *outbox, struct outbox_entry *entry, enum outbox_fate fate, const char *text)
{
	outbox_list_remove(&outbox->list, entry);
	outbox_save_or_report(outbox); /* before anybody hears of it: a restart must not repeat it */
	outbox_report(outbox, fate, entry, text);
	outbox_entry_free(entry);
}

static void try_again(struct outbox *outbox, struct outbox_entry *entry, const struct fetch_answer *answer)
{
	const struct outbox_settings *settings = &outbox->settings;
	unsigned int after_s = answer->retry_after;
	uint32_t random = 0;
	int64_t wait_ms;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0; /* later is fine, too */
	wait_ms = outbox_backoff(entry->attempts, settings->first_ms, settings->longest_ms, random);
	if (after_s > LONGEST_RETRY_AFTER)
		after_s = LONGEST_RETRY_AFTER;
	if (wait_ms < after_s * INT64_C(1000))
		wait_ms = after_s * INT64_C(1000);
	entry->due_ms = loop_now_ms() + wait_ms;
}

static void decide(struct outbox *outbox, struct outbox_entry *entry, const struct fetch_answer *answer)
{
	bool is_old = outbox->settings.clock() - entry->at >= outbox->settings.give_up_s;
	char origin[128], why[LONGEST_ANSWER + 32], text[OUTBOX_TEXT_LEN];

	entry->attempts++;
	fetch_origin(entry->url, origin, sizeof(origin));
	explain(answer, why, sizeof(why));
	if (answer->status >= 200 && answer->status < 300) {
		snprintf(text, sizeof(text), "%s has taken a notification", origin);
		finish(outbox, entry, OUTBOX_DELIVERED, text);
	} else if (is_final(answer->status)) {
		snprintf(text, sizeof(text), "%s refuses a notification: %s", origin, why);
		finish(outbox, entry, OUTBOX_REFUSED, text);
	} else if (is_old) {
		snprintf(text, sizeof(text), "%s has not taken a notification for too long, which is given up: %s",
			 origin, why);
		finish(outbox, entry, OUTBOX_GIVEN_UP, text);
	} else {
		try_again(outbox, entry, answer);
		if (entry->attempts > 1)
			return;
		snprintf(text, sizeof(text), "%s has not taken a notification, which is tried again: %s", origin, why);
		outbox_report(outbox, OUTBOX_LATE, entry, text);
	}
}

static void on_answer(void *context, const struct fetch_answer *answer)
{
	struct outbox_entry *entry = context;
	struct outbox *outbox = entry->outbox;

	entry->fetch = NULL;
	decide(outbox, entry, answer);
	outbox_arm(outbox);
}

static void post(struct outbox *outbox, struct outbox_entry *entry)
{
	char header[32 + NOTICE_KEY_LEN];
	struct fetch_request request = { .url = entry->url,
					 .body = entry->body,
					 .header = header,
					 .timeout_ms = outbox->settings.timeout_ms,
					 .limit = LONGEST_ANSWER };
	struct fetch_answer none = { .why = "not enough memory", .body = "" };

	snprintf(header, sizeof(header), "Idempotency-Key: %s", entry->key);
	entry->outbox = outbox;
	if (fetch_start(outbox->fetcher, &request, on_answer, entry, &entry->fetch))
		on_answer(entry, &none);
}

/* INT64_MAX: nothing waits for its time. */
static int64_t next_due(const struct outbox *outbox)
{
	int64_t next_ms = outbox->unsaved ? outbox->save_ms : INT64_MAX;

	if (outbox->aside.text[0])
		return 0;
	for (size_t i = 0; i < outbox->list.count; i++) {
		const struct outbox_entry *entry = outbox->list.entries[i];

		if (!entry->fetch && entry->due_ms < next_ms && outbox_list_is_first(&outbox->list, i))
			next_ms = entry->due_ms;
	}
	return next_ms;
}

void outbox_arm(struct outbox *outbox)
{
	int64_t next_ms = next_due(outbox), now_ms = loop_now_ms();

	if (next_ms == INT64_MAX)
		loop_stop_timer(outbox->timer);
	else
		loop_set_timer(outbox->timer, next_ms > now_ms ? next_ms - now_ms : 0, 0);
}

static void report_aside(struct outbox *outbox)
{
	struct complaint aside = outbox->aside;

	outbox->aside.text[0] = '\0';
	if (aside.text[0])
		outbox_report(outbox, OUTBOX_DAMAGED, NULL, aside.text);
}

void outbox_turn(void *context)
{
	struct outbox *outbox = context;
	int64_t now_ms = loop_now_ms();

	report_aside(outbox);
	if (outbox->unsaved && outbox->save_ms <= now_ms)
		outbox_save_or_report(outbox);
	for (size_t i = 0; i < outbox->list.count; i++) {
		struct outbox_entry *entry = outbox->list.entries[i];

		if (!entry->fetch && entry->due_ms <= now_ms && outbox_list_is_first(&outbox->list, i))
			post(outbox, entry);
	}
	outbox_arm(outbox);
}
