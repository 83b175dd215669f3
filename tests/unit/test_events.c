/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring of events: ids, what falls out, what a filter leaves; and an event as a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "events_text.h"

#define START 1795438800123LL /* 2026-11-23T13:00:00.123Z */

static struct events *make(void)
{
	struct events *events;

	assert_int_equal(events_new(START, &events), 0);
	return events;
}

static void add(struct events *events, const char *service, const char *text)
{
	const struct log_field fields[] = { log_text("service", service) };

	assert_int_equal(events_add(events, START + 1500, EVENT_WEIGHT, text, fields, 1), 0);
}

static json_t *list(const struct events *events, uint64_t after, const char *service, size_t limit)
{
	const struct events_filter filter = { after, service, limit };
	json_t *json = events_to_json(events, &filter);

	assert_non_null(json);
	assert_true(events_any(events, &filter) == (json_array_size(json) > 0));
	return json;
}

/* "text text" of a list, which is dropped. */
static const char *texts(json_t *json)
{
	static char all[512];
	json_t *event;
	size_t i;

	all[0] = '\0';
	json_array_foreach (json, i, event) {
		strcat(all, i ? " " : "");
		strcat(all, json_string_value(json_object_get(event, "text")));
	}
	json_decref(json);
	return all;
}

static void test_an_event_as_json(void **state)
{
	const struct log_field fields[] = {
		log_text("service", "shop"),   log_text("by", "uid 0"),     log_text("reason", ""),
		log_text("to", "stable 100%"), log_number("generation", 7),
	};
	struct events *events = make();
	json_t *all;
	char *text;

	(void)state;
	assert_int_equal(events_add(events, START + 77, EVENT_ROLLBACK, "shop rolled back", fields, 5), 0);
	all = list(events, 0, NULL, 10);
	text = json_dumps(json_array_get(all, 0), JSON_COMPACT);
	assert_string_equal(text,
			    "{\"id\":1795438800123,\"time\":\"2026-11-23T13:00:00.200Z\",\"service\":\"shop\","
			    "\"kind\":\"rollback\",\"by\":\"uid 0\",\"reason\":null,"
			    "\"figures\":{\"to\":\"stable 100%\",\"generation\":7},\"text\":\"shop rolled back\"}");
	free(text);
	json_decref(all);
	events_free(events);
}

static void test_nothing(void **state)
{
	struct events *events = make();

	(void)state;
	assert_int_equal(events_newest(events), START - 1);
	assert_string_equal(texts(list(events, 0, NULL, 10)), "");
	assert_false(events_know_service(events, "shop"));
	events_free(events);
	assert_null(events_free(NULL));
}

static void test_filters(void **state)
{
	struct events *events = make();

	(void)state;
	add(events, "shop", "a");
	add(events, "", "b");
	add(events, "cart", "c");
	add(events, "shop", "d");
	assert_string_equal(texts(list(events, 0, NULL, 10)), "a b c d");
	assert_string_equal(texts(list(events, 0, NULL, 2)), "c d");
	assert_string_equal(texts(list(events, START, NULL, 10)), "b c d");
	assert_string_equal(texts(list(events, 0, "shop", 10)), "a d");
	assert_string_equal(texts(list(events, 0, "shop", 1)), "d");
	assert_string_equal(texts(list(events, START, "shop", 10)), "d");
	assert_string_equal(texts(list(events, START + 3, NULL, 10)), "");
	assert_string_equal(texts(list(events, START + 1000, NULL, 10)), "");
	assert_string_equal(texts(list(events, 0, "other", 10)), "");
	assert_string_equal(texts(list(events, 0, NULL, 0)), "");
	assert_true(events_know_service(events, "cart"));
	assert_false(events_know_service(events, "car"));
	events_free(events);
}

/* The oldest go one by one; ids stay consecutive. */
static void test_the_ring_is_full(void **state)
{
	struct events *events = make();
	json_t *all;
	char text[16];

	(void)state;
	for (int i = 0; i < 3 * EVENTS_KEPT + 7; i++) {
		snprintf(text, sizeof(text), "%d", i);
		add(events, "shop", text);
	}
	assert_int_equal(events_newest(events), START + 3 * EVENTS_KEPT + 6);
	all = list(events, 0, NULL, 5 * EVENTS_KEPT);
	assert_int_equal(json_array_size(all), EVENTS_KEPT);
	for (int i = 0; i < EVENTS_KEPT; i++) {
		json_t *event = json_array_get(all, (size_t)i);

		snprintf(text, sizeof(text), "%d", 2 * EVENTS_KEPT + 7 + i);
		assert_string_equal(json_string_value(json_object_get(event, "text")), text);
		assert_int_equal(json_integer_value(json_object_get(event, "id")), START + 2 * EVENTS_KEPT + 7 + i);
	}
	json_decref(all);
	events_free(events);
}

static void test_broken_bytes(void **state)
{
	const struct log_field fields[] = { log_text("config", "/tmp/\xff") };
	struct events *events = make();
	json_t *all;

	(void)state;
	assert_int_equal(events_add(events, START, EVENT_FAILED, "cannot read /tmp/\xff", fields, 1), 0);
	all = list(events, 0, NULL, 10);
	assert_string_equal(json_string_value(json_object_get(json_array_get(all, 0), "text")), "cannot read /tmp/?");
	json_decref(all);
	events_free(events);
}

static void assert_line(const char *json, bool brief, bool colours, const char *line)
{
	json_t *event = json_loads(json, 0, NULL);
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(event);
	assert_int_equal(event_print(out, event, brief, colours), line ? 0 : -EBADMSG);
	fclose(out);
	assert_string_equal(text, line ? line : "");
	free(text);
	json_decref(event);
}

#define AT "\"id\":1,\"time\":\"2026-11-23T13:00:00.200Z\","

static void test_lines(void **state)
{
	(void)state;
	assert_line("{" AT "\"kind\":\"weight\",\"text\":\"shop set\",\"by\":\"token\",\"reason\":\"why\\u001b[1m\"}",
		    false, true, "2026-11-23T13:00:00.200Z  weight     shop set, by a token's holder: why?[1m\n");
	assert_line("{" AT "\"kind\":\"rollback\",\"text\":\"x\",\"by\":\"uid 0\",\"reason\":null}", true, true,
		    "13:00:00  \033[31mrollback\033[0m   x, by uid 0\n");
	assert_line("{" AT "\"kind\":\"exhausted\",\"text\":\"x\",\"by\":null,\"reason\":\"no_port\"}", true, false,
		    "13:00:00  exhausted  x\n");
	assert_line("{\"time\":\"T\",\"kind\":\"of-another-agent\",\"text\":\"x\"}", true, false,
		    "T  of-another-agent  x\n");
	assert_line("{\"time\":\"T\",\"kind\":\"weight\"}", true, false, NULL);
	assert_line("[]", true, false, NULL);
}

static void test_kinds(void **state)
{
	(void)state;
	assert_string_equal(event_kind_name(EVENT_START), "start");
	assert_string_equal(event_kind_name(EVENT_INTERFACE), "interface");
	assert_string_equal(event_kind_name(EVENT_KIND_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_event_as_json),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_the_ring_is_full),
		cmocka_unit_test(test_broken_bytes),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
