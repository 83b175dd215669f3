/* SPDX-License-Identifier: BSD-2-Clause */
/* A list of backends in a file that is replaced, spoiled, removed, and brought back under the watching loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../scratch.h"
#include "listfile.h"
#include "turning.h"

#define SOON 900     /* by inotify; looking once a second would often be later */
#define BY_LOOK 2500 /* once a second */
#define REPLACED 100

static const struct backend_form nat = { SERIN_FORWARD_NAT, true, true };
static char root[SCRATCH_LEN], directory[128], path[160], other_path[160];
static struct listfiles *files;
static struct listfile *file;
static unsigned int calls, torn;

static const struct discovered *found(void)
{
	return listfile_found(file);
}

static const char *text(void)
{
	static char buffer[DISCOVERED_TEXT_LEN];

	return discovered_describe(found(), 0, loop_now_ms(), buffer);
}

static void on_news(void *context)
{
	(void)context;
	calls++;
}

static bool try_write(const char *at, const char *json)
{
	int fd = open(at, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	bool done = fd >= 0 && write(fd, json, strlen(json)) == (ssize_t)strlen(json);

	if (fd >= 0)
		close(fd);
	return done;
}

/* By rename, as it should be. */
static bool try_replace(const char *json)
{
	char aside[sizeof(directory) + 16];

	snprintf(aside, sizeof(aside), "%s/.new", directory);
	return try_write(aside, json) && !rename(aside, path);
}

static void write_at(const char *at, const char *json)
{
	assert_true(try_write(at, json));
}

static void replace(const char *json)
{
	assert_true(try_replace(json));
}

static bool has_one(void)
{
	return !found()->keeps && found()->list.count == 1;
}

static bool has_two(void)
{
	return !found()->keeps && found()->list.count == 2;
}

static bool is_troubled(void)
{
	return found()->keeps;
}

#define ONE "[\"10.0.0.1:80\"]"
#define TWO "[\"10.0.0.1:80\", \"10.0.0.2:80\"]"

static void watch(void)
{
	assert_int_equal(listfile_add(files, path, &nat, on_news, NULL, &file), 0);
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(scratch_directory(root), 0);
	snprintf(directory, sizeof(directory), "%s/watched", root);
	snprintf(path, sizeof(path), "%s/canary.json", directory);
	snprintf(other_path, sizeof(other_path), "%s/other.json", directory);
	assert_int_equal(mkdir(directory, 0755), 0);
	calls = torn = 0;
	assert_int_equal(turning_begin(), 0);
	return listfiles_new(turning.loop, &files);
}

static int teardown(void **state)
{
	(void)state;
	files = listfiles_free(files);
	turning_end();
	return 0;
}

static void test_read_at_once(void **state)
{
	char expected[512];

	(void)state;
	replace(TWO);
	watch();
	assert_true(has_two());
	assert_int_equal(found()->changes, 1);
	snprintf(expected, sizeof(expected), "%s: 2 addresses, read 0 s ago", path);
	assert_string_equal(text(), expected);
	turn_for(1500); /* nothing happens, nobody is called */
	assert_int_equal(calls, 0);
}

static void test_missing_then_there(void **state)
{
	char expected[512];

	(void)state;
	watch();
	snprintf(
		expected, sizeof(expected),
		"%s: No such file or directory, expected a file of at most 256 KiB (for 0 s): has given no addresses yet",
		path);
	assert_string_equal(text(), expected);
	replace(ONE);
	assert_true(turn_until(has_one, SOON));
	assert_int_equal(calls, 1);
}

static void test_garbage_and_back(void **state)
{
	static const char *const spoiled[] = { "", "[]", "[\"10.0.0.1:80\"", "\xff\xfe\xfd", "{}", "[\"here\"]" };
	char expected[512];

	(void)state;
	replace(TWO);
	watch();
	for (size_t i = 0; i < sizeof(spoiled) / sizeof(spoiled[0]); i++) {
		replace(spoiled[i]);
		assert_true(turn_until(is_troubled, SOON));
		assert_int_equal(found()->list.count, 2);
		assert_non_null(strstr(text(), "canary.json:1:"));
		assert_non_null(strstr(text(), ": keeps the last 2 addresses"));
		replace(TWO);
		assert_true(turn_until(has_two, SOON));
	}
	assert_int_equal(found()->changes, 1);
	replace("[\n\n  \"10.0.0.300:80\"]");
	assert_true(turn_until(is_troubled, SOON));
	snprintf(expected, sizeof(expected),
		 "%s:3:3: invalid backend address '10.0.0.300:80', expected ADDR:PORT such as 10.0.0.11:3000 or "
		 "[2001:db8::11]:3000 (for 0 s): keeps the last 2 addresses",
		 path);
	assert_string_equal(text(), expected);
}

static void test_removed_and_back(void **state)
{
	(void)state;
	replace(TWO);
	watch();
	assert_int_equal(unlink(path), 0);
	assert_true(turn_until(is_troubled, SOON));
	assert_non_null(strstr(text(), "No such file or directory"));
	assert_int_equal(found()->list.count, 2);
	turn_for(1500);
	assert_int_equal(calls, 1); /* it is gone once, however often that is looked at */
	replace(ONE);
	assert_true(turn_until(has_one, SOON));
	assert_int_equal(found()->changes, 2);
}

static void test_directory_removed_and_back(void **state)
{
	(void)state;
	replace(TWO);
	watch();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(unlink(path), 0);
		assert_int_equal(rmdir(directory), 0);
		assert_true(turn_until(is_troubled, SOON));
		assert_int_equal(found()->list.count, 2 - i);
		assert_int_equal(mkdir(directory, 0755), 0);
		replace(ONE);
		assert_true(turn_until(has_one, BY_LOOK));
	}
	replace(TWO);
	assert_true(turn_until(has_two, SOON)); /* inotify is at work again */
}

/* Another directory under the old name. */
static void test_directory_renamed(void **state)
{
	char away[sizeof(root) + 16];

	(void)state;
	replace(TWO);
	watch();
	snprintf(away, sizeof(away), "%s/away", root);
	assert_int_equal(rename(directory, away), 0);
	assert_int_equal(mkdir(directory, 0755), 0);
	replace(ONE);
	assert_true(turn_until(has_one, BY_LOOK));
	replace(TWO);
	assert_true(turn_until(has_two, SOON));
}

/* As Kubernetes mounts a ConfigMap: the file's name leads over a link that is replaced. */
static void test_configmap(void **state)
{
	char one[256], two[256], data[256], aside[256], at[300];

	(void)state;
	snprintf(one, sizeof(one), "%s/..1", directory);
	snprintf(two, sizeof(two), "%s/..2", directory);
	snprintf(data, sizeof(data), "%s/..data", directory);
	snprintf(aside, sizeof(aside), "%s/..data_tmp", directory);
	assert_int_equal(mkdir(one, 0755), 0);
	assert_int_equal(mkdir(two, 0755), 0);
	snprintf(at, sizeof(at), "%s/canary.json", one);
	write_at(at, ONE);
	snprintf(at, sizeof(at), "%s/canary.json", two);
	write_at(at, TWO);
	assert_int_equal(symlink("..1", data), 0);
	assert_int_equal(symlink("..data/canary.json", path), 0);
	watch();
	assert_true(has_one());
	assert_int_equal(symlink("..2", aside), 0);
	assert_int_equal(rename(aside, data), 0);
	assert_true(turn_until(has_two, SOON));
	assert_int_equal(calls, 1);
}

/* A link to where nothing is watched. */
static void test_link_elsewhere(void **state)
{
	char elsewhere[sizeof(root) + 16];

	(void)state;
	snprintf(elsewhere, sizeof(elsewhere), "%s/list.json", root);
	write_at(elsewhere, ONE);
	assert_int_equal(symlink(elsewhere, path), 0);
	watch();
	assert_true(has_one());
	write_at(elsewhere, TWO);
	assert_true(turn_until(has_two, BY_LOOK));
}

static void test_written_in_place(void **state)
{
	(void)state;
	write_at(path, ONE);
	watch();
	write_at(path, TWO);
	assert_true(turn_until(has_two, SOON));
	write_at(path, "[\"10.0.0.1:80\", \"10.0.0.3:80\"]"); /* as long as before */
	turn_for(500);
	assert_true(has_two());
	assert_int_equal(found()->list.items[1].endpoint.addr.byte[15], 3);
}

static void test_no_file(void **state)
{
	char large[300 * 1024];

	(void)state;
	replace(ONE);
	watch();
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_true(turn_until(is_troubled, SOON));
	assert_non_null(strstr(text(), "no regular file, expected a file of at most 256 KiB"));
	memset(large, ' ', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	replace(large);
	turn_for(500);
	assert_non_null(strstr(text(), "the file is too large, expected a file of at most 256 KiB"));
	assert_int_equal(found()->list.count, 1);
	replace(TWO);
	assert_true(turn_until(has_two, SOON));
}

/* List number i: i % 50 + 1 backends, all on port i + 1. Whoever sees two ports in a list has seen half of two files. */
static void write_list(unsigned int i, char *json)
{
	char *at = json + sprintf(json, "[");

	for (unsigned int j = 0; j <= i % 50; j++)
		at += sprintf(at, "%s\"10.0.0.%u:%u\"", j ? ", " : "", j + 1, i + 1);
	sprintf(at, "]\n");
}

static unsigned int port_of(size_t i)
{
	const uint8_t *port = (const uint8_t *)&found()->list.items[i].endpoint.port;

	return (unsigned int)port[0] << 8 | port[1];
}

static void on_list(void *context)
{
	unsigned int port = port_of(0);

	(void)context;
	calls++;
	if (found()->keeps || found()->list.count != (port - 1) % 50 + 1)
		torn++;
	for (size_t i = 0; i < found()->list.count; i++)
		torn += port_of(i) != port;
}

static bool has_last(void)
{
	return found()->list.count == (REPLACED - 1) % 50 + 1 && port_of(0) == REPLACED;
}

/* The child: an assertion would go on with the tests. */
static void replace_often(useconds_t pause)
{
	char json[4096];

	for (unsigned int i = 0; i < REPLACED; i++) {
		write_list(i, json);
		if (!try_replace(json))
			_exit(1);
		usleep(pause);
	}
	_exit(0);
}

/* By another process, while this one reads: every list that is seen is a whole one, and the last one is not missed. */
static void check_replaced_often(useconds_t pause, unsigned int least_seen)
{
	int status;
	pid_t child;

	replace("[\"10.0.0.1:1\"]");
	assert_int_equal(listfile_add(files, path, &nat, on_list, NULL, &file), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		replace_often(pause);
	assert_true(turn_until(has_last, 30000));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	turn_for(300);
	assert_true(has_last());
	assert_int_equal(torn, 0);
	assert_true(calls >= least_seen);
	assert_true(calls <= REPLACED);
}

static void test_replaced_100_times(void **state)
{
	(void)state;
	check_replaced_often(20000, 10);
}

static void test_replaced_100_times_at_once(void **state)
{
	(void)state;
	check_replaced_often(0, 1);
}

/* Two files in one directory share its watch: removing one does not blind the other. */
static struct listfile *second;

static void remove_second(void *context)
{
	(void)context;
	calls++;
	second = listfile_remove(second);
}

static bool second_is_gone(void)
{
	return !second;
}

static void test_two_files(void **state)
{
	(void)state;
	replace(ONE);
	write_at(other_path, ONE);
	watch();
	assert_int_equal(listfile_add(files, other_path, &nat, remove_second, NULL, &second), 0);
	write_at(other_path, TWO);
	assert_true(turn_until(second_is_gone, SOON));
	assert_int_equal(calls, 1);
	replace(TWO);
	assert_true(turn_until(has_two, SOON));
	file = listfile_remove(file);
	replace(ONE);
	turn_for(1200);
	assert_int_equal(calls, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read_at_once),
		TEST(test_missing_then_there),
		TEST(test_garbage_and_back),
		TEST(test_removed_and_back),
		TEST(test_directory_removed_and_back),
		TEST(test_directory_renamed),
		TEST(test_configmap),
		TEST(test_link_elsewhere),
		TEST(test_written_in_place),
		TEST(test_no_file),
		TEST(test_replaced_100_times),
		TEST(test_replaced_100_times_at_once),
		TEST(test_two_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
