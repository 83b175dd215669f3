/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications outlive restarts and kills at any moment; a file that is damaged or cannot be written; and those that nobody
 * waits for any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <curl/curl.h>

#include "outbox_agent.h"

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
		cmocka_unit_test(test_restart),           cmocka_unit_test(test_killed),
		cmocka_unit_test(test_too_many),          cmocka_unit_test(test_receiver_is_gone),
		cmocka_unit_test(test_damaged_file),      cmocka_unit_test(test_cannot_be_written),
		cmocka_unit_test(test_stopped_under_way),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
