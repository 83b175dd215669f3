/* SPDX-License-Identifier: BSD-2-Clause */
/* The state file: comes back as it was, replaced whole, and damage of any kind is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../scratch.h"
#include "state.h"
#include "state_json.h"

static char directory[SCRATCH_LEN];

static int setup(void **state)
{
	(void)state;
	return scratch_directory(directory);
}

static const char *file(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static int teardown(void **state)
{
	(void)state;
	unlink(file(STATE_FILE));
	return rmdir(directory);
}

static struct state_service make_service(const char *name, uint16_t canary)
{
	struct state_service service = {
		.versions = { { "stable", (uint16_t)(SERIN_SLOTS - canary) }, { "canary", canary } },
		.version_count = 2,
		.generation = 7,
		.rollout = 3,
		.changed = { .reset = true,
			     .by = "uid 0",
			     .reason = "a \"quoted\" reason, caf\xc3\xa9",
			     .at = 1795410000,
			     .kind = STATE_ROLLBACK },
	};

	snprintf(service.name, sizeof(service.name), "%s", name);
	return service;
}

static void assert_same(const struct state_service *a, const struct state_service *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->version_count, b->version_count);
	for (size_t i = 0; i < a->version_count; i++) {
		assert_string_equal(a->versions[i].name, b->versions[i].name);
		assert_int_equal(a->versions[i].weight, b->versions[i].weight);
	}
	assert_int_equal(a->baseline, b->baseline);
	assert_int_equal(a->lost, b->lost);
	assert_int_equal(a->generation, b->generation);
	assert_int_equal(a->rollout, b->rollout);
	assert_string_equal(a->changed.by, b->changed.by);
	assert_string_equal(a->changed.reason, b->changed.reason);
	assert_int_equal(a->changed.at, b->changed.at);
	assert_int_equal(a->changed.kind, b->changed.kind);
	assert_int_equal(a->changed.reset, b->changed.reset);
}

static void test_comes_back_as_it_was(void **state)
{
	struct state_service shop = make_service("shop", 500), api = make_service("api", 10000);
	struct state before = { .devices = { [0] = "eth0", [3] = "eth1.7" } }, after;

	(void)state;
	shop.baseline = 1;
	assert_int_equal(state_put_service(&before, &shop), 0);
	assert_int_equal(state_put_service(&before, &api), 0);
	assert_int_equal(state_save(directory, &before, NULL), 0);
	assert_int_equal(state_load(directory, &after, NULL), 0);
	assert_int_equal(after.service_count, 2);
	assert_same(state_find_service(&after, "shop"), &shop);
	assert_same(state_find_service(&after, "api"), &api);
	assert_memory_equal(after.devices, before.devices, sizeof(after.devices));
	assert_null(state_find_service(&after, "shp"));
	state_free(&before);
	state_free(&after);
	assert_int_equal(access(file(STATE_FILE ".new"), F_OK), -1);
}

/* Of a lost baseline no name is written that somebody could take for it. */
static void test_lost_baseline(void **state)
{
	struct state_service shop = make_service("shop", 0);
	struct state before = { 0 }, after;
	char *text;

	(void)state;
	shop.lost = true;
	assert_int_equal(state_put_service(&before, &shop), 0);
	text = state_encode(&before);
	assert_non_null(strstr(text, "\"baseline\": null"));
	assert_int_equal(state_decode(text, strlen(text), &after, NULL), 0);
	assert_same(&after.services[0], &shop);
	free(text);
	state_free(&after);
	before.services[0].baseline = 1;
	before.services[0].versions[0].weight = 0;
	before.services[0].versions[1].weight = SERIN_SLOTS;
	text = state_encode(&before);
	assert_int_equal(state_decode(text, strlen(text), &after, NULL), 0);
	assert_same(&after.services[0], &before.services[0]);
	free(text);
	state_free(&after);
	state_free(&before);
}

static void test_copy(void **state)
{
	struct state_service shop = make_service("shop", 500), api = make_service("api", 10000);
	struct state all = { .devices = { [2] = "eth0" } }, none = { 0 }, copy;

	(void)state;
	assert_int_equal(state_copy(&none, &copy), 0);
	assert_int_equal(copy.service_count, 0);
	state_free(&copy);
	assert_int_equal(state_put_service(&all, &shop), 0);
	assert_int_equal(state_copy(&all, &copy), 0);
	assert_int_equal(state_put_service(&copy, &api), 0);
	copy.services[0].generation++;
	assert_int_equal(all.service_count, 1);
	assert_same(&all.services[0], &shop);
	assert_same(&copy.services[1], &api);
	assert_string_equal(copy.devices[2], "eth0");
	state_free(&all);
	state_free(&copy);
}

static void test_drained_backends(void **state)
{
	struct state before = { 0 }, after, copy;

	(void)state;
	assert_int_equal(state_set_drained(&before, "shop", "10.0.0.11:3000", true), 0);
	assert_int_equal(state_set_drained(&before, "shop", "[2001:db8::11]:3000", true), 0);
	assert_int_equal(state_set_drained(&before, "shop", "10.0.0.11:3000", true), 0);
	assert_int_equal(state_set_drained(&before, "api", ":3001", true), 0);
	assert_int_equal(before.drain_count, 3);
	assert_int_equal(state_save(directory, &before, NULL), 0);
	assert_int_equal(state_load(directory, &after, NULL), 0);
	assert_int_equal(after.drain_count, 3);
	assert_true(state_is_drained(&after, "shop", "[2001:db8::11]:3000"));
	assert_true(state_is_drained(&after, "api", ":3001"));
	assert_false(state_is_drained(&after, "api", "10.0.0.11:3000"));
	assert_int_equal(state_copy(&after, &copy), 0);
	assert_int_equal(state_set_drained(&copy, "shop", "10.0.0.11:3000", false), 0);
	assert_int_equal(state_set_drained(&copy, "shop", "10.0.0.99:3000", false), 0);
	assert_int_equal(copy.drain_count, 2);
	assert_false(state_is_drained(&copy, "shop", "10.0.0.11:3000"));
	assert_true(state_is_drained(&copy, "api", ":3001"));
	assert_true(state_is_drained(&after, "shop", "10.0.0.11:3000"));
	state_free(&before);
	state_free(&after);
	state_free(&copy);
}

static void test_put_replaces(void **state)
{
	struct state_service shop = make_service("shop", 500);
	struct state all = { 0 };

	(void)state;
	assert_int_equal(state_put_service(&all, &shop), 0);
	shop.generation++;
	assert_int_equal(state_put_service(&all, &shop), 0);
	assert_int_equal(all.service_count, 1);
	assert_int_equal(all.services[0].generation, 8);
	state_free(&all);
}

/* A file that somebody may be reading is never written into: it is another one afterwards. */
static void test_replaced_whole(void **state)
{
	struct state empty = { 0 };
	struct stat first, second;
	char text[16] = "";
	int fd;

	(void)state;
	assert_int_equal(state_save(directory, &empty, NULL), 0);
	fd = open(file(STATE_FILE), O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &first), 0);
	assert_int_equal(first.st_mode & 0777, 0600);
	assert_int_equal(state_save(directory, &empty, NULL), 0);
	assert_int_equal(stat(file(STATE_FILE), &second), 0);
	assert_true(first.st_ino != second.st_ino);
	assert_true(read(fd, text, 1) == 1 && text[0] == '{');
	close(fd);
}

static void test_nothing_there(void **state)
{
	struct complaint complaint = { "" };
	struct state untouched = { .service_count = 42 };

	(void)state;
	assert_int_equal(state_load(directory, &untouched, &complaint), -ENOENT);
	assert_int_equal(untouched.service_count, 42);
}

static void test_unwritable_directory(void **state)
{
	struct complaint complaint = { "" };
	struct state empty = { 0 };

	(void)state;
	assert_int_equal(state_save("/proc/serin", &empty, &complaint), -ENOENT);
	assert_non_null(strstr(complaint.text, "/proc/serin"));
}

#define CHANGED "\"changed\":{\"by\":\"x\",\"at\":1,\"what\":\"weights\",\"reason\":\"\"}"
#define BASELINE(value)                                                                                           \
	"{\"format\":1,\"devices\":{},\"services\":{\"shop\":{\"generation\":1,\"rollout\":0,\"baseline\":" value \
	"," CHANGED ",\"weights\":{\"a\":10000}}}}"
#define SERVICE(weights)                                                                                                  \
	"{\"format\":1,\"devices\":{},\"services\":{\"shop\":{\"generation\":1,\"rollout\":0,\"baseline\":\"a\"," CHANGED \
	",\"weights\":" weights "}}}"

static int decode(const char *text)
{
	struct complaint complaint = { "" };
	struct state ret = { 0 };
	int r = state_decode(text, strlen(text), &ret, &complaint);

	if (r)
		assert_true(complaint.text[0]);
	state_free(&ret);
	return r;
}

static void test_damage_is_seen(void **state)
{
	static const char *const damaged[] = {
		"",
		"{",
		"[]",
		"null",
		"{}",
		"{\"format\":1}",
		"{\"format\":\"1\"}",
		"{\"format\":0}",
		"{\"format\":1,\"services\":[],\"devices\":{}}",
		"{\"format\":1,\"services\":{\"shop\":{}},\"devices\":{}}",
		"{\"format\":1,\"services\":{},\"devices\":{\"eth0\":16}}",
		"{\"format\":1,\"services\":{},\"devices\":{},\"drained\":{\"shop\":[\"10.0.0.11\"]}}",
		"{\"format\":1,\"services\":{},\"devices\":{},\"drained\":{\"shop\":[1]}}",
		"{\"format\":1,\"services\":{},\"devices\":{},\"drained\":{\"s p\":[\"10.0.0.11:3000\"]}}",
		"{\"format\":1,\"services\":{},\"devices\":{},\"drained\":[]}",
		"{\"format\":1,\"services\":{},\"devices\":{},\"drained\":{\"shop\":\"10.0.0.11:3000\"}}",
		"{\"format\":1,\"services\":{},\"devices\":{\"eth0\":1,\"eth1\":1}}",
		"{\"format\":1,\"services\":{},\"devices\":{\"a-name-of-16-char\":1}}",
		"{\"format\":1,\"services\":{},\"services\":{},\"devices\":{}}",
		BASELINE("1"),
		BASELINE("false"),
		BASELINE("\"\""),
		BASELINE("\"b\""),
		SERVICE("{\"a\":9999}"),
		SERVICE("{\"a\":10001}"),
		SERVICE("{\"a\":10000,\"b\":-1}"),
		SERVICE("{\"b\":10000}"),
		SERVICE("{\"a\":\"10000\"}"),
		SERVICE("{\"a\":10000.0}"),
		SERVICE("{}"),
		SERVICE("[10000]"),
		SERVICE("{\"a\":9000,\"B!\":1000}"),
		SERVICE("{\"a\":10000,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0}"),
	};

	(void)state;
	assert_int_equal(decode(SERVICE("{\"a\":9000,\"b\":1000}")), 0);
	assert_int_equal(decode(BASELINE("\"a\"")), 0);
	assert_int_equal(decode(BASELINE("null")), 0);
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++)
		if (decode(damaged[i]) != -EBADMSG)
			fail_msg("taken for whole: %s", damaged[i]);
	assert_int_equal(decode("{\"format\":2}"), -EPROTO);
}

/* Cut anywhere, it is damaged; with any byte flipped it may be another state, but never one that breaks a rule. */
static void test_cut_and_flipped(void **state)
{
	struct state_service shop = make_service("shop", 500);
	struct state whole = { 0 }, ret;
	char *text;
	size_t length;

	(void)state;
	assert_int_equal(state_put_service(&whole, &shop), 0);
	text = state_encode(&whole);
	assert_non_null(text);
	length = strlen(text);
	for (size_t i = 0; i + 2 < length; i++)
		assert_int_equal(state_decode(text, i, &ret, NULL), -EBADMSG);
	for (size_t i = 0; i < length * 8; i++) {
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		if (!state_decode(text, length, &ret, NULL)) {
			for (size_t j = 0; j < ret.service_count; j++) {
				struct state_service *service = &ret.services[j];
				unsigned int sum = 0;

				for (size_t k = 0; k < service->version_count; k++)
					sum += service->versions[k].weight;
				assert_int_equal(sum, SERIN_SLOTS);
				assert_true(service->baseline < service->version_count && service->generation);
			}
			state_free(&ret);
		}
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
	}
	free(text);
	state_free(&whole);
}

/* Until there is a new one the damaged file stays where it is: a start that comes to nothing must not make the next one look
 * like the first. */
static void test_kept_aside(void **state)
{
	struct complaint complaint = { "" };
	struct state ret, none = { 0 };
	char aside[256], again[256], text[8] = "";
	FILE *out;

	(void)state;
	out = fopen(file(STATE_FILE), "w");
	assert_non_null(out);
	fputs("ruined", out);
	fclose(out);
	assert_int_equal(state_load(directory, &ret, &complaint), -EBADMSG);
	assert_non_null(strstr(complaint.text, file(STATE_FILE)));
	assert_int_equal(state_keep_aside(directory, 1795410000, aside, sizeof(aside), &complaint), 0);
	assert_string_equal(aside, file(STATE_FILE ".damaged-20261123T050000Z"));
	assert_int_equal(state_load(directory, &ret, &complaint), -EBADMSG);
	assert_int_equal(state_keep_aside(directory, 1795410001, again, sizeof(again), &complaint), 0);
	assert_string_equal(again, file(STATE_FILE ".damaged-*"));
	assert_int_equal(access(file(STATE_FILE ".damaged-20261123T050001Z"), F_OK), -1);
	assert_int_equal(state_save(directory, &none, &complaint), 0);
	assert_int_equal(state_load(directory, &ret, &complaint), 0);
	state_free(&ret);
	out = fopen(aside, "r");
	assert_non_null(out);
	assert_non_null(fgets(text, sizeof(text), out));
	assert_string_equal(text, "ruined");
	fclose(out);
	unlink(aside);
	assert_int_equal(unlink(file(STATE_FILE)), 0);
	assert_int_equal(state_keep_aside(directory, 1795410000, aside, sizeof(aside), &complaint), -ENOENT);
}

static void test_not_a_file(void **state)
{
	struct complaint complaint = { "" };
	struct state ret;

	(void)state;
	assert_int_equal(mkfifo(file(STATE_FILE), 0600), 0);
	assert_int_equal(state_load(directory, &ret, &complaint), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_back_as_it_was, setup, teardown),
		cmocka_unit_test(test_copy),
		cmocka_unit_test_setup_teardown(test_drained_backends, setup, teardown),
		cmocka_unit_test(test_put_replaces),
		cmocka_unit_test_setup_teardown(test_replaced_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_there, setup, teardown),
		cmocka_unit_test(test_unwritable_directory),
		cmocka_unit_test(test_damage_is_seen),
		cmocka_unit_test(test_cut_and_flipped),
		cmocka_unit_test_setup_teardown(test_kept_aside, setup, teardown),
		cmocka_unit_test(test_lost_baseline),
		cmocka_unit_test_setup_teardown(test_not_a_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
