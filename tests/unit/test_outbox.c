/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications to real receivers on loopback that refuse, hang and come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <curl/curl.h>

#include "outbox_agent.h"

static void test_delivered(void **state)
{
	struct receiver *receiver = receiver_start();
	char *url = receiver_url(receiver, "/services/T0/secret");
	struct agent agent;
	json_t *body;

	(void)state;
	agent_new(&agent);
	tell(&agent, url, 1);
	assert_int_equal(receiver->count, 0); /* from the loop only */
	assert_true(run_until(&agent, 1, 10000));
	assert_int_equal(agent.reports[0].fate, OUTBOX_DELIVERED);
	assert_string_equal(agent.reports[0].service, "shop");
	assert_string_equal(agent.reports[0].key, "shop-7-0-rollback-1-0");
	assert_null(strstr(agent.reports[0].text, "secret"));
	assert_int_equal(receiver->count, 1);
	assert_string_equal(receiver->received[0].path, "/services/T0/secret");
	assert_string_equal(receiver->received[0].key, "shop-7-0-rollback-1-0");
	body = json_loads(receiver->received[0].body, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(body, "key")), "shop-7-0-rollback-1-0");
	assert_string_equal(json_string_value(json_object_get(body, "kind")), "rollback");
	json_decref(body);
	tell(&agent, url, 1); /* said again */
	assert_false(run_until(&agent, 2, 200));
	assert_int_equal(receiver->count, 1);
	assert_int_equal(figures_of(&agent).pending, 0);
	assert_int_equal(figures_of(&agent).fates[OUTBOX_DELIVERED], 1);
	agent_stop(&agent);
	free(url);
	receiver_stop(receiver);
}

/* Receivers get what they asked for, and each but once. */
static void test_for_whom(void **state)
{
	struct receiver *receiver = receiver_start();
	char *urls[] = { receiver_url(receiver, "/a"), receiver_url(receiver, "/b"), receiver_url(receiver, "/c") };
	struct config_notify receivers[] = {
		{ .url = urls[0], .on = 1 << CONFIG_NOTICE_ROLLBACK | 1 << CONFIG_NOTICE_PAUSE },
		{ .url = urls[1], .on = 1 << CONFIG_NOTICE_DONE },
		{ .url = urls[2], .on = 1 << CONFIG_NOTICE_ROLLBACK },
		{ .url = urls[2], .on = 1 << CONFIG_NOTICE_ROLLBACK },
	};
	struct agent agent;

	(void)state;
	agent_new(&agent);
	assert_int_equal(tell_all(&agent, &receivers[1], 1, 1), 0);
	assert_int_equal(figures_of(&agent).pending, 0);
	assert_int_equal(tell_all(&agent, receivers, 4, 1), 0);
	assert_int_equal(figures_of(&agent).pending, 2);
	assert_true(run_until(&agent, 2, 10000));
	assert_false(run_until(&agent, 3, 200));
	assert_int_equal(receiver->count, 2);
	assert_string_not_equal(receiver->received[0].path, receiver->received[1].path);
	agent_stop(&agent);
	for (int i = 0; i < 3; i++)
		free(urls[i]);
	receiver_stop(receiver);
}

static void test_refused(void **state)
{
	static const int statuses[] = { 400, 401, 403, 404, 410, 422, 301, 302 };
	struct receiver *receiver = receiver_start();
	char *url = receiver_url(receiver, "/x");
	struct agent agent;
	unsigned int count = sizeof(statuses) / sizeof(statuses[0]);

	(void)state;
	agent_new(&agent);
	for (unsigned int i = 0; i < count; i++) {
		char text[512], origin[80];

		receiver->status = statuses[i];
		tell(&agent, url, i);
		assert_true(run_until(&agent, i + 1, 10000));
		assert_int_equal(agent.reports[i].fate, OUTBOX_REFUSED);
		snprintf(text, sizeof(text), "%s refuses a notification: status %d: said",
			 fetch_origin(url, origin, sizeof(origin)), statuses[i]);
		assert_string_equal(agent.reports[i].text, text);
	}
	assert_false(run_until(&agent, count + 1, 200));
	assert_int_equal(receiver->count, count);
	agent_stop(&agent);
	free(url);
	receiver_stop(receiver);
}

/* What may pass is tried again, later and later, and only the first failure is talked about. */
static void test_tried_again(void **state)
{
	static const int statuses[] = { 500, 408, 425, 429, 503, 0 };
	struct receiver *receiver = receiver_start();
	char *url = receiver_url(receiver, "/x");
	struct agent agent;

	(void)state;
	agent_new(&agent);
	for (unsigned int i = 0; i < 6; i++) {
		receiver->next_status = statuses[i];
		receiver->status = statuses[i];
		tell(&agent, url, i);
		assert_true(run_until(&agent, 2 * i + 1, 10000));
		assert_int_equal(agent.reports[2 * i].fate, OUTBOX_LATE);
		receiver->status = 200;
		assert_true(run_until(&agent, 2 * i + 2, 10000));
		assert_int_equal(agent.reports[2 * i + 1].fate, OUTBOX_DELIVERED);
		assert_string_equal(agent.reports[2 * i].key, agent.reports[2 * i + 1].key);
	}
	agent_stop(&agent);
	free(url);
	receiver_stop(receiver);
}

static void test_backs_off(void **state)
{
	struct receiver *receiver = receiver_start();
	char *url = receiver_url(receiver, "/x");
	struct agent agent;

	(void)state;
	agent_new(&agent);
	receiver->status = 500;
	tell(&agent, url, 1);
	assert_false(run_until(&agent, 2, 1200));
	assert_in_range(receiver->count, 6, 17); /* 20-40, 40-80, then 80-160 ms between them */
	for (unsigned int i = 3; i + 1 < receiver->count; i++)
		assert_true(receiver->received[i + 1].at_ms - receiver->received[i].at_ms >= 79);
	for (unsigned int i = 0; i < receiver->count; i++)
		assert_string_equal(receiver->received[i].key, "shop-7-0-rollback-1-0");
	receiver->headers = "Retry-After: 1\r\n";
	assert_false(run_until(&agent, 2, 400));
	assert_in_range(receiver->received[receiver->count - 1].at_ms, loop_now_ms() - 400, loop_now_ms());
	receiver->count = 0;
	assert_false(run_until(&agent, 2, 500)); /* it does as it was asked */
	assert_int_equal(receiver->count, 0);
	agent_stop(&agent);
	free(url);
	receiver_stop(receiver);
}

static void test_gives_up(void **state)
{
	struct receiver *receiver = receiver_start();
	char *url = receiver_url(receiver, "/x");
	struct agent agent;

	(void)state;
	agent_new(&agent);
	receiver->status = 503;
	tell(&agent, url, 1);
	wall += 86399;
	assert_true(run_until(&agent, 1, 10000));
	assert_false(run_until(&agent, 2, 400));
	assert_int_equal(figures_of(&agent).oldest_s, 86399);
	tell(&agent, url, 2); /* waits behind it */
	wall += 1;
	assert_true(run_until(&agent, 2, 10000));
	assert_int_equal(agent.reports[1].fate, OUTBOX_GIVEN_UP);
	assert_string_equal(agent.reports[1].key, "shop-7-0-rollback-1-0");
	assert_non_null(strstr(agent.reports[1].text, "too long, which is given up: status 503: said"));
	receiver->status = 200;
	assert_true(run_until(&agent, 3, 10000));
	assert_string_equal(agent.reports[2].key, "shop-7-0-rollback-2-0");
	assert_int_equal(agent.reports[2].fate, OUTBOX_DELIVERED);
	agent_stop(&agent);
	free(url);
	receiver_stop(receiver);
}

/* One receiver hangs: the other gets its own at once; and each in order. */
static void test_in_order_for_each(void **state)
{
	struct receiver *good = receiver_start(), *bad = receiver_start();
	char *urls[] = { receiver_url(good, "/good"), receiver_url(bad, "/bad") };
	struct config_notify receivers[] = { { .url = urls[1], .on = 1 << CONFIG_NOTICE_ROLLBACK },
					     { .url = urls[0], .on = 1 << CONFIG_NOTICE_ROLLBACK } };
	struct agent agent;
	int64_t began_ms = loop_now_ms();
	char key[64];

	(void)state;
	agent_new(&agent);
	bad->status = 0;
	bad->delay_ms = 250;
	for (unsigned int step = 0; step < 10; step++)
		assert_int_equal(tell_all(&agent, receivers, 2, step), 0);
	while (good->count < 10 && loop_now_ms() - began_ms < 10000)
		run_until(&agent, agent.count + 1, 1000);
	assert_int_equal(good->count, 10);
	assert_true(bad->count <= 2);
	bad->delay_ms = 0;
	bad->status = 500; /* half of them fail once more */
	run_until(&agent, MANY, 300);
	bad->status = 200;
	while (figures_of(&agent).pending && loop_now_ms() - began_ms < 20000)
		run_until(&agent, agent.count + 1, 1000);
	for (unsigned int i = 0, step = 0; i < bad->count; i++) {
		snprintf(key, sizeof(key), "shop-7-0-rollback-%u-0", step);
		assert_string_equal(bad->received[i].key, key);
		step += bad->received[i].status == 200;
		assert_int_equal(step == 10, i + 1 == bad->count);
	}
	for (unsigned int i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "shop-7-0-rollback-%u-0", i);
		assert_string_equal(good->received[i].key, key);
	}
	agent_stop(&agent);
	free(urls[0]);
	free(urls[1]);
	receiver_stop(good);
	receiver_stop(bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivered),         cmocka_unit_test(test_for_whom),
		cmocka_unit_test(test_refused),           cmocka_unit_test(test_tried_again),
		cmocka_unit_test(test_backs_off),         cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_in_order_for_each),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
