/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring of events. Ids are consecutive: an event's place follows from its id. */
#include "events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct event {
	int64_t ms;
	json_t *json; /* without id and time */
};

struct events {
	uint64_t first, next; /* ids: of the oldest that is kept, of the one to come */
	struct event kept[EVENTS_KEPT];
};

static const char *const kind_names[] = {
#define EVENT_NAME(upper, label, text) #label,
	EVENT_KINDS(EVENT_NAME)
#undef EVENT_NAME
};

const char *event_kind_name(enum event_kind kind)
{
	return (unsigned int)kind < EVENT_KIND_COUNT ? kind_names[kind] : "unknown";
}

int events_new(int64_t ms, struct events **ret)
{
	struct events *events = calloc(1, sizeof(*events));

	if (!events)
		return -ENOMEM;
	events->first = events->next = ms > 0 ? (uint64_t)ms : 1;
	*ret = events;
	return 0;
}

struct events *events_free(struct events *events)
{
	if (!events)
		return NULL;
	for (uint64_t id = events->first; id < events->next; id++)
		json_decref(events->kept[id % EVENTS_KEPT].json);
	free(events);
	return NULL;
}

/* jansson takes no broken UTF-8, and a path on the command line may have some. */
static json_t *to_string(const char *text)
{
	json_t *string = json_string(text);
	char *copy;

	if (string)
		return string;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *c = copy; *c; c++) {
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	}
	string = json_string(copy);
	free(copy);
	return string;
}

static bool is_own(const struct log_field *field)
{
	return field->text &&
	       (!strcmp(field->key, "service") || !strcmp(field->key, "by") || !strcmp(field->key, "reason"));
}

static json_t *make_event(enum event_kind kind, const char *text, const struct log_field *fields, size_t count)
{
	json_t *figures = json_object();
	json_t *json = json_pack("{s:n, s:s, s:n, s:n}", "service", "kind", event_kind_name(kind), "by", "reason");
	int bad = !json || !figures;

	for (size_t i = 0; !bad && i < count; i++) {
		const struct log_field *field = &fields[i];

		if (is_own(field))
			bad = *field->text && json_object_set_new(json, field->key, to_string(field->text));
		else
			bad = json_object_set_new(figures, field->key,
						  field->text ? to_string(field->text) : json_integer(field->number));
	}
	if (!bad)
		bad = json_object_set(json, "figures", figures) || json_object_set_new(json, "text", to_string(text));
	json_decref(figures);
	if (!bad)
		return json;
	json_decref(json);
	return NULL;
}

int events_add(struct events *events, int64_t ms, enum event_kind kind, const char *text,
	       const struct log_field *fields, size_t count)
{
	json_t *json = make_event(kind, text, fields, count);

	if (!json)
		return -ENOMEM;
	if (events->next - events->first == EVENTS_KEPT)
		json_decref(events->kept[events->first++ % EVENTS_KEPT].json);
	events->kept[events->next++ % EVENTS_KEPT] = (struct event){ ms, json };
	return 0;
}

uint64_t events_newest(const struct events *events)
{
	return events->next - 1;
}

static bool is_about(const struct event *event, const char *service)
{
	const char *name = json_string_value(json_object_get(event->json, "service"));

	return name && !strcmp(name, service);
}

static bool is_wanted(const struct events *events, const struct events_filter *filter, uint64_t id)
{
	return id > filter->after && (!filter->service || is_about(&events->kept[id % EVENTS_KEPT], filter->service));
}

bool events_any(const struct events *events, const struct events_filter *filter)
{
	/* The newest first: whoever waits has seen the others. */
	for (uint64_t id = events->next; id > events->first && id > filter->after + 1; id--) {
		if (is_wanted(events, filter, id - 1))
			return filter->limit > 0;
	}
	return false;
}

bool events_know_service(const struct events *events, const char *service)
{
	const struct events_filter filter = { .service = service, .limit = 1 };

	return events_any(events, &filter);
}

static json_t *event_to_json(const struct event *event, uint64_t id)
{
	time_t seconds = (time_t)(event->ms / 1000);
	char day[32] = "", when[48];
	struct tm tm;
	json_t *json;

	if (gmtime_r(&seconds, &tm))
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(when, sizeof(when), "%s.%03dZ", day, (int)(event->ms % 1000));
	json = json_pack("{s:I, s:s}", "id", (json_int_t)id, "time", when);
	if (!json || json_object_update(json, event->json)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

/* The id from which on `limit` wanted ones follow. */
static uint64_t find_first(const struct events *events, const struct events_filter *filter)
{
	uint64_t id = events->next;
	size_t found = 0;

	for (; id > events->first && found < filter->limit; id--)
		found += is_wanted(events, filter, id - 1);
	return id;
}

json_t *events_to_json(const struct events *events, const struct events_filter *filter)
{
	json_t *list = json_array();

	for (uint64_t id = find_first(events, filter); list && id < events->next; id++) {
		if (!is_wanted(events, filter, id))
			continue;
		if (json_array_append_new(list, event_to_json(&events->kept[id % EVENTS_KEPT], id))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}
