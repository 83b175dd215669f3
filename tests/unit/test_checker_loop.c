/* SPDX-License-Identifier: BSD-2-Clause */
/* Many checks in one loop: when they come, how many at a time, changes while they are under way, a loop that is held,
 * and a backend that is frozen and thaws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <curl/curl.h>

#include "check_servers.h"
#include "checker_private.h"

static struct check tcp(const struct server *server, unsigned int every_ms)
{
	return (struct check){
		.kind = CHECK_TCP, .endpoint = server->endpoint, .every_ms = every_ms, .timeout_ms = LONG_MS
	};
}

static struct check http(const struct server *server, unsigned int every_ms, unsigned int timeout_ms)
{
	return (struct check){ .kind = CHECK_HTTP,
			       .endpoint = server->endpoint,
			       .path = "/",
			       .status_first = 200,
			       .status_last = 200,
			       .every_ms = every_ms,
			       .timeout_ms = timeout_ms };
}

static struct checker_figures measure(const struct run *run)
{
	struct checker_figures figures;

	checker_measure(run->checker, &figures);
	return figures;
}

/* Within any interval, as many fall into one twentieth as into another; and they stay where they are. */
static void test_moments_are_spread(void **state)
{
	static const unsigned int intervals[] = { 200, 1000, 2000, 5000 };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int every = intervals[i], count[20] = { 0 };

		for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++) {
			struct checked checked = { .id = id, .check.every_ms = every };
			int64_t next = checker_next_due(&checked, 123456789);

			assert_in_range(next, 123456790, 123456789 + every);
			assert_true(checker_next_due(&checked, next - 1) == next);
			assert_true(checker_next_due(&checked, next) == next + every);
			count[(next - 123456790) * 20 / every]++;
		}
		for (unsigned int n = 0; n < 20; n++)
			assert_in_range(count[n], SERIN_MAX_BACKENDS / 20 - 25, SERIN_MAX_BACKENDS / 20 + 25);
	}
}

static void test_again_and_again(void **state)
{
	struct server server;
	struct check check;
	struct run run;
	int64_t began;

	(void)state;
	server_listen(&server, "127.0.0.1", 64);
	check = tcp(&server, 50);
	run_new(&run, NULL);
	began = loop_now_ms();
	assert_int_equal(checker_set(run.checker, 3, &check), 0);
	assert_true(run_for(&run, 6, 20000));
	assert_true(loop_now_ms() - began >= 250);
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(run.seen[i].verdict, CHECK_PASSED);
	assert_int_equal(measure(&run).results[CHECK_PASSED], 6);
	checker_remove(run.checker, 3);
	checker_remove(run.checker, 3);
	assert_false(run_for(&run, 1, 200));
	assert_int_equal(measure(&run).checks, 0);
	run_free(&run);
	server_stop(&server);
}

/* A reload sets everything again: what has not changed goes on, what has begins anew, and no old result comes. */
static void test_set_again(void **state)
{
	struct server hangs, answers;
	struct check check, other;
	struct run run;

	(void)state;
	server_listen(&hangs, "127.0.0.1", 64);
	server_start(&answers, "127.0.0.1", say_it, "HTTP/1.1 200 OK\r\n\r\n");
	run_new(&run, NULL);
	check = http(&hangs, 100, SHORT_MS);
	assert_int_equal(checker_set(run.checker, 0, &check), 0);
	assert_false(run_for(&run, 1, 150)); /* under way by now */
	assert_int_equal(measure(&run).running, 1);
	assert_int_equal(checker_set(run.checker, 0, &check), 0);
	assert_int_equal(measure(&run).running, 1);
	assert_true(run_for(&run, 1, 20000));
	assert_int_equal(run.seen[0].why, HEALTH_TIMEOUT);
	assert_false(run_for(&run, 1, 150));
	assert_int_equal(measure(&run).running, 1);
	other = http(&answers, 100, SHORT_MS);
	assert_int_equal(checker_set(run.checker, 0, &other), 0);
	assert_int_equal(measure(&run).running, 0);
	assert_int_equal(measure(&run).checks, 1);
	assert_true(run_for(&run, 3, 20000));
	for (unsigned int i = 1; i < 4; i++)
		assert_string_equal(run.seen[i].text, "status 200");
	/* Any part of it counts. */
	other.status_first = other.status_last = 204;
	assert_int_equal(checker_set(run.checker, 0, &other), 0);
	assert_true(run_for(&run, 1, 20000));
	assert_string_equal(run.seen[4].text, "status 200, expected 204");
	run_free(&run);
	server_stop(&hangs);
	server_stop(&answers);
}

/* Everything goes away while some is under way: the sanitizer looks on. */
static void test_freed_under_way(void **state)
{
	struct server hangs, deaf;
	struct run run;

	(void)state;
	server_listen(&hangs, "127.0.0.1", 64);
	server_deaf(&deaf);
	run_new(&run, NULL);
	for (unsigned int id = 0; id < 30; id++) {
		struct check check = http(id % 2 ? &hangs : &deaf, id % 3 ? 0 : 20, LONG_MS);

		assert_int_equal(checker_set(run.checker, id, &check), 0);
	}
	assert_false(run_for(&run, 1, 100));
	assert_int_equal(measure(&run).running, 30);
	for (unsigned int id = 0; id < 10; id++)
		checker_remove(run.checker, id);
	assert_int_equal(measure(&run).running, 20);
	run_free(&run);
	server_stop(&hangs);
	server_stop(&deaf);
}

static void test_so_many_at_a_time(void **state)
{
	unsigned int many = CHECKER_MAX_RUNNING + 88, most = 0, count;
	struct server hangs, answers;
	struct check check;
	struct run run;

	(void)state;
	server_listen(&hangs, "127.0.0.1", 1024);
	server_start(&answers, "127.0.0.1", say_it, "HTTP/1.1 200 OK\r\n\r\n");
	run_new(&run, NULL);
	check = http(&hangs, 0, 1500);
	for (unsigned int id = 0; id < many; id++)
		assert_int_equal(checker_set(run.checker, id, &check), 0);
	check = http(&answers, 0, LONG_MS); /* the last in the queue */
	assert_int_equal(checker_set(run.checker, 4000, &check), 0);
	for (count = 0; count < 200 && run.count <= many; count++) {
		run_for(&run, many + 1 - run.count, 100);
		if (measure(&run).running > most)
			most = measure(&run).running;
	}
	assert_int_equal(most, CHECKER_MAX_RUNNING);
	assert_int_equal(run.count, many + 1);
	for (unsigned int id = 0; id < many; id++)
		assert_int_equal(run_find(&run, id)->why, HEALTH_TIMEOUT);
	assert_string_equal(run_find(&run, 4000)->text, "status 200");
	assert_int_equal(measure(&run).checks, 0);
	run_free(&run);
	server_stop(&hangs);
	server_stop(&answers);
}

struct chain {
	struct run run; /* first: run_result() gets it */
	struct server server;
};

/* A trial connection after another: each sets the next in its own callback, and the third takes the rest away. */
static void next_in_chain(void *context, unsigned int id, const struct check_result *result)
{
	struct chain *chain = context;
	struct check check = tcp(&chain->server, 0);

	run_result(context, id, result);
	if (chain->run.count < 3) {
		assert_int_equal(checker_set(chain->run.checker, id + 1, &check), 0);
		return;
	}
	for (unsigned int other = 0; other < SERIN_MAX_BACKENDS; other++)
		checker_remove(chain->run.checker, other);
}

static void test_callback_may_change_everything(void **state)
{
	struct chain chain;
	struct check check;

	(void)state;
	server_listen(&chain.server, "127.0.0.1", 64);
	run_new(&chain.run, next_in_chain);
	check = http(&chain.server, 100, LONG_MS);
	for (unsigned int id = 0; id < 20; id++)
		assert_int_equal(checker_set(chain.run.checker, id, &check), 0);
	check = tcp(&chain.server, 0);
	assert_int_equal(checker_set(chain.run.checker, 1000, &check), 0);
	assert_true(run_for(&chain.run, 3, 20000));
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(chain.run.seen[i].id, 1000 + i);
	assert_int_equal(measure(&chain.run).checks, 0);
	assert_int_equal(measure(&chain.run).running, 0);
	run_free(&chain.run);
	server_stop(&chain.server);
}

/* The answers come while the loop does something else, for longer than the checks' timeout. */
static void hold(void *context)
{
	struct server *server = context;

	server->pid = fork();
	if (!server->pid)
		serve_forever(server, say_it, "HTTP/1.1 200 OK\r\n\r\n");
	usleep(1200000);
}

static void test_loop_is_held(void **state)
{
	struct loop_source *holder;
	struct server server;
	struct run run;

	(void)state;
	server_listen(&server, "127.0.0.1", 256);
	run_new(&run, NULL);
	assert_int_equal(loop_add_timer(run.loop, hold, &server, &holder), 0);
	for (unsigned int id = 0; id < 200; id++) {
		struct check check = http(&server, 0, 1000);

		assert_int_equal(checker_set(run.checker, id, &check), 0);
	}
	loop_set_timer(holder, 300, 0); /* when all are under way */
	assert_true(run_for(&run, 200, 20000));
	for (unsigned int i = 0; i < 200; i++)
		assert_string_equal(run.seen[i].text, "status 200");
	run_free(&run);
	server_stop(&server);
}

struct patient {
	struct run run; /* first: run_result() gets it */
	struct health health;
	struct health_rules rules;
	enum health_change waits_for;
};

static void heal(void *context, unsigned int id, const struct check_result *result)
{
	struct patient *patient = context;
	enum health_change change;

	run_result(context, id, result);
	change = health_checked(&patient->health, &patient->rules, result->verdict == CHECK_PASSED, result->why,
				loop_now_ms());
	if (change == patient->waits_for)
		loop_stop(patient->run.loop);
}

/* A server that is stopped still shakes hands by its kernel; only its silence shows. */
static void test_frozen_and_thawed(void **state)
{
	struct patient patient = { .rules = { HEALTH_BY_CHECKS, .fall = 3, .rise = 2 } };
	struct server server;
	struct check check;

	(void)state;
	server_start(&server, "127.0.0.1", say_it, "HTTP/1.1 200 OK\r\n\r\n");
	check = http(&server, 100, 80);
	run_new(&patient.run, heal);
	assert_int_equal(checker_set(patient.run.checker, 0, &check), 0);
	assert_true(run_for(&patient.run, 1, 20000));
	assert_true(health_in_service(&patient.health));
	kill(server.pid, SIGSTOP);
	patient.waits_for = HEALTH_WENT_OUT;
	assert_true(run_for(&patient.run, MAX_RESULTS, 20000));
	assert_int_equal(patient.health.why, HEALTH_TIMEOUT);
	assert_false(health_in_service(&patient.health));
	kill(server.pid, SIGCONT);
	patient.waits_for = HEALTH_CAME_BACK;
	assert_true(run_for(&patient.run, MAX_RESULTS, 20000));
	assert_true(health_in_service(&patient.health));
	run_free(&patient.run);
	server_stop(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moments_are_spread), cmocka_unit_test(test_again_and_again),
		cmocka_unit_test(test_set_again),          cmocka_unit_test(test_freed_under_way),
		cmocka_unit_test(test_so_many_at_a_time),  cmocka_unit_test(test_callback_may_change_everything),
		cmocka_unit_test(test_loop_is_held),       cmocka_unit_test(test_frozen_and_thawed),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
