/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications to real receivers on loopback that refuse, hang and come back; restarts and kills at any moment; a disk that
 * is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "../scratch.h"
#include "outbox.h"
#include "receiver.h"

#define MANY 64

static int64_t wall = 1763920000;

static int64_t clock_of_test(void)
{
	return wall;
}

static const struct outbox_settings quick = {
	.timeout_ms = 300, .first_ms = 40, .longest_ms = 160, .give_up_s = 86400, .clock = clock_of_test
};

struct seen_report {
	enum outbox_fate fate;
	char service[32], key[NOTICE_KEY_LEN], text[512];
};

/* An agent's worth: made anew by each restart. */
struct agent {
	char directory[SCRATCH_LEN];
	struct loop *loop;
	struct fetcher *fetcher;
	struct outbox *outbox;
	struct loop_source *guard;
	struct seen_report reports[MANY];
	unsigned int count, wanted;
};

static void on_report(void *context, const struct outbox_report *report)
{
	struct agent *agent = context;
	struct seen_report *seen = &agent->reports[agent->count++ % MANY];

	seen->fate = report->fate;
	snprintf(seen->service, sizeof(seen->service), "%s", report->service ? report->service : "");
	snprintf(seen->key, sizeof(seen->key), "%s", report->key ? report->key : "");
	snprintf(seen->text, sizeof(seen->text), "%s", report->text);
	if (agent->count == agent->wanted)
		loop_stop(agent->loop);
}

static void on_guard(void *context)
{
	loop_stop(context);
}

static void agent_start(struct agent *agent)
{
	struct complaint complaint = { "" };

	assert_int_equal(loop_new(&agent->loop), 0);
	assert_int_equal(loop_add_timer(agent->loop, on_guard, agent->loop, &agent->guard), 0);
	assert_int_equal(fetcher_new(agent->loop, &agent->fetcher), 0);
	assert_int_equal(outbox_open(agent->loop, agent->fetcher, agent->directory, &quick, on_report, agent,
				     &agent->outbox, &complaint),
			 0);
	agent->count = agent->wanted = 0;
}

static void agent_stop(struct agent *agent)
{
	outbox_free(agent->outbox);
	fetcher_free(agent->fetcher);
	loop_free(agent->loop);
}

static void agent_new(struct agent *agent)
{
	memset(agent, 0, sizeof(*agent));
	assert_int_equal(scratch_directory(agent->directory), 0);
	agent_start(agent);
}

/* True when there were so many reports before `ms` were over. */
static bool run_until(struct agent *agent, unsigned int reports, int64_t ms)
{
	agent->wanted = reports;
	if (agent->count >= reports)
		return true;
	loop_set_timer(agent->guard, ms, 0);
	assert_int_equal(loop_run(agent->loop), 0);
	return agent->count >= reports;
}

static struct outbox_figures figures_of(const struct agent *agent)
{
	struct outbox_figures figures;

	outbox_measure(agent->outbox, &figures);
	return figures;
}

static struct notice notice_of(unsigned int step)
{
	return (struct notice){ .kind = CONFIG_NOTICE_ROLLBACK,
				.service = "shop",
				.version = "canary",
				.from = "progressing",
				.to = "rolled_back",
				.reason = "errors",
				.who = "agent",
				.at = wall,
				.rollout = 7,
				.step = step };
}

static int tell_all(struct agent *agent, const struct config_notify *receivers, size_t count, unsigned int step)
{
	struct notice notice = notice_of(step);
	struct complaint complaint;

	return outbox_add(agent->outbox, receivers, count, &notice, &complaint);
}

static void tell(struct agent *agent, char *url, unsigned int step)
{
	struct config_notify receiver = { .url = url, .on = 1 << CONFIG_NOTICE_ROLLBACK };

	assert_int_equal(tell_all(agent, &receiver, 1, step), 0);
}

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

static void test_restart(void **state)
{
	struct receiver *receiver = receiver_start();
	char *url = receiver_url(receiver, "/x"), path[128];
	struct agent agent;
	struct stat st;

	(void)state;
	agent_new(&agent);
	receiver->status = 503;
	for (unsigned int step = 0; step < 3; step++)
		tell(&agent, url, step);
	snprintf(path, sizeof(path), "%s/" OUTBOX_FILE, agent.directory);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600); /* URLs are secrets */
	assert_true(run_until(&agent, 1, 10000));
	agent_stop(&agent);
	receiver->status = 200;
	receiver->count = 0;
	agent_start(&agent);
	assert_int_equal(figures_of(&agent).pending, 3);
	tell(&agent, url, 2); /* as an agent does that is not sure */
	assert_int_equal(figures_of(&agent).pending, 3);
	assert_true(run_until(&agent, 3, 10000));
	assert_string_equal(receiver->received[0].key, "shop-7-0-rollback-0-0");
	assert_string_equal(receiver->received[2].key, "shop-7-0-rollback-2-0");
	assert_true(strlen(receiver->received[2].body) > 100);
	agent_stop(&agent);
	agent_start(&agent);
	assert_int_equal(figures_of(&agent).pending, 0);
	tell(&agent, url, 0); /* delivered by another life */
	assert_false(run_until(&agent, 1, 200));
	assert_int_equal(receiver->count, 3);
	agent_stop(&agent);
	free(url);
	receiver_stop(receiver);
}

/* One life of an agent that tells of `steps` and is killed after some time. */
static void one_life(struct agent *agent, char *url, unsigned int steps, unsigned int kill_after_us)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		agent_start(agent);
		for (unsigned int step = 0; step < steps; step++)
			tell(agent, url, step);
		run_until(agent, UINT32_MAX, 20000);
		_exit(0);
	}
	usleep(kill_after_us);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* SIGKILL at any moment: every notification arrives, in order; and what arrives twice was being posted when it happened, so
 * that there is no more of it than there were kills. */
static void test_killed(void **state)
{
	struct receiver *receiver = receiver_start();
	char *url = receiver_url(receiver, "/x");
	unsigned int lives = 30, twice = 0, next = 0;
	struct agent agent;

	(void)state;
	agent_new(&agent);
	agent_stop(&agent);
	receiver->delay_ms = 3;
	for (unsigned int life = 1; life <= lives; life++)
		one_life(&agent, url, 2 * life, 5000 + life * 7919 % 40000);
	agent_start(&agent);
	for (unsigned int step = 0; step < 2 * lives; step++)
		tell(&agent, url, step);
	while (figures_of(&agent).pending)
		assert_true(run_until(&agent, agent.count + 1, 10000));
	assert_true(receiver->count < RECEIVER_MAX);
	for (unsigned int i = 0; i < receiver->count; i++) {
		unsigned int step = 0;

		assert_int_equal(sscanf(receiver->received[i].key, "shop-7-0-rollback-%u-0", &step), 1);
		if (step == next)
			next++;
		else
			twice++;
		assert_true(step + 1 == next);
	}
	assert_int_equal(next, 2 * lives);
	assert_true(twice <= lives);
	agent_stop(&agent);
	free(url);
	receiver_stop(receiver);
}

static void test_too_many(void **state)
{
	struct receiver *receiver = receiver_start();
	char *url = receiver_url(receiver, "/x"), *other = receiver_url(receiver, "/y");
	struct agent agent;

	(void)state;
	agent_new(&agent);
	for (unsigned int step = 0; step < 70; step++)
		tell(&agent, url, step);
	assert_int_equal(figures_of(&agent).pending, 64);
	assert_int_equal(agent.count, 6);
	assert_int_equal(agent.reports[0].fate, OUTBOX_DROPPED);
	assert_string_equal(agent.reports[0].key, "shop-7-0-rollback-0-0");
	assert_non_null(strstr(agent.reports[0].text, "is dropped: too many wait"));
	tell(&agent, other, 100);
	assert_int_equal(agent.count, 6);
	assert_true(run_until(&agent, 6 + 65, 20000));
	assert_int_equal(receiver->count, 65);
	agent_stop(&agent);
	free(url);
	free(other);
	receiver_stop(receiver);
}

static bool is_wanted(void *context, const char *url)
{
	return !strcmp(context, url);
}

static void test_receiver_is_gone(void **state)
{
	struct receiver *receiver = receiver_start();
	char *url = receiver_url(receiver, "/x"), *other = receiver_url(receiver, "/y");
	struct agent agent;

	(void)state;
	agent_new(&agent);
	receiver->delay_ms = 100;
	tell(&agent, url, 1);
	tell(&agent, url, 2);
	tell(&agent, other, 3);
	assert_false(run_until(&agent, 1, 50)); /* under way */
	outbox_retain(agent.outbox, is_wanted, other);
	assert_int_equal(agent.count, 2);
	assert_int_equal(agent.reports[1].fate, OUTBOX_DROPPED);
	assert_int_equal(figures_of(&agent).pending, 1);
	assert_true(run_until(&agent, 3, 10000));
	assert_string_equal(agent.reports[2].key, "shop-7-0-rollback-3-0");
	agent_stop(&agent);
	agent_start(&agent);
	assert_int_equal(figures_of(&agent).pending, 0);
	agent_stop(&agent);
	free(url);
	free(other);
	receiver_stop(receiver);
}

static void test_damaged_file(void **state)
{
	struct receiver *receiver = receiver_start();
	char *url = receiver_url(receiver, "/x"), path[128];
	struct agent agent;
	FILE *file;

	(void)state;
	agent_new(&agent);
	receiver->status = 503;
	tell(&agent, url, 1);
	snprintf(path, sizeof(path), "%s/" OUTBOX_FILE, agent.directory);
	agent_stop(&agent);
	assert_int_equal(truncate(path, 100), 0);
	agent_start(&agent);
	assert_true(run_until(&agent, 1, 10000));
	assert_int_equal(agent.reports[0].fate, OUTBOX_DAMAGED);
	assert_non_null(strstr(agent.reports[0].text, OUTBOX_FILE ".damaged-20"));
	assert_int_equal(figures_of(&agent).pending, 0);
	receiver->status = 200;
	tell(&agent, url, 1); /* nobody knows any more that it was taken on */
	assert_true(run_until(&agent, 2, 10000));
	assert_int_equal(agent.reports[1].fate, OUTBOX_DELIVERED);
	agent_stop(&agent);
	file = fopen(path, "w");
	fputs("{\"format\": 2}", file);
	fclose(file);
	agent_start(&agent);
	assert_true(run_until(&agent, 1, 10000));
	assert_non_null(strstr(agent.reports[0].text, "written by a newer serin"));
	agent_stop(&agent);
	free(url);
	receiver_stop(receiver);
}

/* The state directory is gone and cannot be made: it is posted all the same, and said. */
static void test_cannot_be_written(void **state)
{
	struct receiver *receiver = receiver_start();
	char *url = receiver_url(receiver, "/x"), aside[128];
	struct config_notify to = { .url = url, .on = 1 << CONFIG_NOTICE_ROLLBACK };
	struct notice notice = notice_of(1);
	struct complaint complaint;
	struct agent agent;

	(void)state;
	agent_new(&agent);
	snprintf(aside, sizeof(aside), "%s.aside", agent.directory);
	assert_int_equal(rename(agent.directory, aside), 0);
	fclose(fopen(agent.directory, "w")); /* a file in its place */
	assert_int_equal(outbox_add(agent.outbox, &to, 1, &notice, &complaint), -ENOTDIR);
	assert_non_null(strstr(complaint.text, "cannot write "));
	assert_true(run_until(&agent, 2, 10000));
	assert_int_equal(agent.reports[0].fate, OUTBOX_UNSAVED);
	assert_int_equal(agent.reports[1].fate, OUTBOX_DELIVERED);
	assert_int_equal(receiver->count, 1);
	assert_int_equal(unlink(agent.directory), 0);
	assert_int_equal(rename(aside, agent.directory), 0);
	notice.step = 2;
	assert_int_equal(outbox_add(agent.outbox, &to, 1, &notice, &complaint), 0);
	assert_true(run_until(&agent, 3, 10000));
	agent_stop(&agent);
	agent_start(&agent);
	assert_int_equal(figures_of(&agent).pending, 0);
	assert_int_equal(outbox_add(agent.outbox, &to, 1, &notice, &complaint), 0);
	assert_int_equal(figures_of(&agent).pending, 0);
	agent_stop(&agent);
	free(url);
	receiver_stop(receiver);
}

static void test_stopped_under_way(void **state)
{
	struct server hangs;
	struct agent agent;
	char url[128], text[ADDRESS_TEXT_LEN];

	(void)state;
	server_listen(&hangs, "127.0.0.1", 8);
	endpoint_format(&hangs.endpoint.addr, hangs.endpoint.port, text);
	snprintf(url, sizeof(url), "http://%s", text);
	agent_new(&agent);
	tell(&agent, url, 1);
	assert_false(run_until(&agent, 1, 100));
	assert_int_equal(figures_of(&agent).busy, 1);
	agent_stop(&agent);
	agent_start(&agent);
	assert_int_equal(figures_of(&agent).pending, 1);
	assert_true(run_until(&agent, 1, 10000));
	assert_non_null(strstr(agent.reports[0].text, "which is tried again: timeout after 300ms"));
	agent_stop(&agent);
	server_stop(&hangs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivered),
		cmocka_unit_test(test_for_whom),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_tried_again),
		cmocka_unit_test(test_backs_off),
		cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_in_order_for_each),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_receiver_is_gone),
		cmocka_unit_test(test_damaged_file),
		cmocka_unit_test(test_cannot_be_written),
		cmocka_unit_test(test_stopped_under_way),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
