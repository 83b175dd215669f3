/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that wait: suspended, and asked again when something has happened or their time is over. */
#include "http_private.h"

#include "loop.h"

#define MAX_WAITING 8u     /* at a door, and so of one address: others must always come in */
#define CLOSING_ROUNDS 100 /* of answering those who wait, at the end */

bool http_may_wait(const struct door *door, const struct exchange *exchange)
{
	if (door->http->is_closing || !exchange->connection || exchange->too_large)
		return false;
	return exchange->until_ms ? loop_now_ms() < exchange->until_ms : door->waiting_count < MAX_WAITING;
}

void http_suspend(struct door *door, struct exchange *exchange, int wait_ms)
{
	if (!exchange->until_ms)
		exchange->until_ms = loop_now_ms() + wait_ms;
	exchange->next = door->waiting;
	exchange->at = &door->waiting;
	if (exchange->next)
		exchange->next->at = &exchange->next;
	door->waiting = exchange;
	door->waiting_count++;
	exchange->connection->waits = true;
	MHD_suspend_connection(exchange->mhd);
}

static void resume(struct door *door, struct exchange *exchange)
{
	*exchange->at = exchange->next;
	if (exchange->next)
		exchange->next->at = exchange->at;
	door->waiting_count--;
	exchange->connection->waits = false;
	exchange->connection->since_ms = loop_now_ms();
	MHD_resume_connection(exchange->mhd);
}

void http_resume_due(struct door *door, int64_t now_ms)
{
	struct exchange *next;
	bool any = false;

	for (struct exchange *exchange = door->waiting; exchange; exchange = next) {
		next = exchange->next;
		if (exchange->until_ms > now_ms)
			continue;
		resume(door, exchange);
		any = true;
	}
	if (any)
		http_drive(door);
}

/* From the loop: a decision may be made inside a request. */
void http_wake_now(void *context)
{
	struct http *http = context;

	for (int i = 0; i < DOORS; i++)
		http_resume_due(&http->doors[i], INT64_MAX);
}

void http_wake(struct http *http)
{
	if (http->wake_timer && (http->doors[DOOR_TCP].waiting || http->doors[DOOR_UNIX].waiting))
		loop_set_timer(http->wake_timer, 0, 0);
}

void http_answer_waiting(struct door *door)
{
	struct exchange *next;

	for (struct exchange *exchange = door->waiting; exchange; exchange = next) {
		next = exchange->next;
		resume(door, exchange);
	}
	for (int i = 0; i < CLOSING_ROUNDS; i++)
		MHD_run(door->daemon);
}
