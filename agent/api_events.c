/* SPDX-License-Identifier: BSD-2-Clause */
/* The agent's last decisions, and waiting for the next one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api_call.h"
#include "events.h"
#include "scalar.h"

#define MAX_WAIT 60 /* seconds */
#define MAX_ID INT64_MAX

/* Ids are larger than what parse_unsigned takes. */
static bool read_after(struct api_call *call, uint64_t *ret)
{
	const char *text = api_parameter(call, "after");
	char *end = NULL;
	uint64_t id;

	if (!text)
		return true;
	errno = 0;
	id = strtoull(text, &end, 10);
	if (strspn(text, "0123456789") != strlen(text) || !*text || errno || id >= MAX_ID) {
		api_error(call, 400, "bad_request", "after is '%.32s', expected the id of an event", text);
		return false;
	}
	*ret = id;
	return true;
}

static bool read_number(struct api_call *call, const char *name, unsigned int min, unsigned int max, unsigned int *ret)
{
	const char *text = api_parameter(call, name);

	if (!text || !parse_unsigned(text, min, max, ret))
		return true;
	api_error(call, 400, "bad_request", "%s is '%.32s', expected %u to %u", name, text, min, max);
	return false;
}

/* One that a reload took away may still have events. */
static bool read_service(struct api_call *call, const char **ret)
{
	const char *name = api_parameter(call, "service");

	if (name && !controller_find_service(call->controller, name) &&
	    !events_know_service(call->controller->options.events, name)) {
		api_error(call, 404, "unknown_service", "no service and no event of one is named '%.64s'", name);
		return false;
	}
	*ret = name;
	return true;
}

void api_get_events(struct api_call *call)
{
	static const char *const names[] = { "after", "service", "wait", "limit", NULL };
	const struct events *events = call->controller->options.events;
	struct events_filter filter = { .limit = EVENTS_KEPT };
	unsigned int wait = 0, limit = EVENTS_KEPT;
	json_t *list;

	if (!api_check_parameters(call, names) || !read_after(call, &filter.after) ||
	    !read_service(call, &filter.service) || !read_number(call, "wait", 0, MAX_WAIT, &wait) ||
	    !read_number(call, "limit", 1, EVENTS_KEPT, &limit))
		return;
	filter.limit = limit;
	if (wait && call->request->may_wait && !events_any(events, &filter)) {
		call->response->wait_ms = (int)wait * 1000;
		return;
	}
	list = events_to_json(events, &filter);
	if (!list)
		api_error(call, 500, "internal", "not enough memory for events");
	else
		api_json(call, 200,
			 json_pack("{s:o, s:I}", "events", list, "newest", (json_int_t)events_newest(events)));
}
