/* SPDX-License-Identifier: BSD-2-Clause */
/* What every packaged compiler makes of the program loads, and costs the verifier no more than it may. */
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "net.h"

#define BUCKETS 16
#define MOST_INSTRUCTIONS 700000 /* of a million: room for older kernels, which need up to a third more */

static char last_words[4096];

static int __attribute__((format(printf, 2, 0))) remember(enum libbpf_print_level level, const char *format,
							  va_list args)
{
	if (level == LIBBPF_WARN)
		vsnprintf(last_words, sizeof(last_words), format, args);
	return 0;
}

/* The object beside the directory that this test is in. */
static void object_path(const char *name, char *ret, size_t size)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(length > 0);
	self[length] = '\0';
	snprintf(ret, size, "%s/../%s", dirname(self), name);
}

static void resize(struct bpf_object *object, const char *name, __u32 entries)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	assert_non_null(map);
	assert_int_equal(bpf_map__set_max_entries(map, entries), 0);
}

static void load(const char *name)
{
	struct bpf_prog_info info;
	__u32 length = sizeof(info);
	struct bpf_object *object;
	struct bpf_program *program;
	char path[PATH_MAX + 64];
	unsigned int programs = 0;

	object_path(name, path, sizeof(path));
	object = bpf_object__open_file(path, NULL);
	if (!object)
		fail_msg("%s: cannot be opened: %s", path, last_words);
	resize(object, "tags", BUCKETS);
	resize(object, "ways", BUCKETS * 8);
	if (bpf_object__load(object))
		fail_msg("%s: does not load: %s", path, last_words);
	bpf_object__for_each_program (program, object) {
		memset(&info, 0, sizeof(info));
		assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length), 0);
		print_message("%s, %s: %u instructions, %u verified\n", name, bpf_program__name(program),
			      info.xlated_prog_len / 8, info.verified_insns);
		assert_true(info.verified_insns > 0);
		assert_true(info.verified_insns < MOST_INSTRUCTIONS);
		programs++;
	}
	assert_true(programs > 0);
	bpf_object__close(object);
}

static void newest_clang(void **state)
{
	(void)state;
	load("serin.bpf.o");
}

static void clang_14(void **state)
{
	(void)state;
	load("serin-clang14.bpf.o");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_clang),
		cmocka_unit_test(clang_14),
	};

	net_enter();
	libbpf_set_print(remember);
	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
