/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads a BPF object with small maps and says what the verifier thinks of it: load_object FILE.bpf.o. Prints one line
 * with the number of instructions verified per program, or the verifier's last lines, and then exits with 1. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <serin/abi.h>

#define BUCKETS 64u
#define LAST_LINES 12
#define STATS_LOG_SIZE (64u << 10)
#define LOG_SIZE (64u << 20) /* kernels before 6.4 keep a log's beginning, not its end, when the buffer is too small */

enum log_level { LOG_STEPS = 1, LOG_STATS = 4 }; /* BPF_LOG_* are the kernel's own */

static char libbpf_said[512];

__attribute__((format(printf, 2, 0))) static int remember_warning(enum libbpf_print_level level, const char *format,
								  va_list args)
{
	char text[sizeof(libbpf_said)];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), format, args);
	/* The verifier's log comes this way too; it is printed from its own buffer. The first word names the cause. */
	if (!libbpf_said[0])
		memcpy(libbpf_said, text, sizeof(text));
	return 0;
}

static void shrink_maps(struct bpf_object *object)
{
	struct bpf_map *map;

	map = bpf_object__find_map_by_name(object, "tags");
	if (map)
		bpf_map__set_max_entries(map, BUCKETS);
	map = bpf_object__find_map_by_name(object, "ways");
	if (map)
		bpf_map__set_max_entries(map, BUCKETS * SERIN_WAYS_PER_BUCKET);
}

static void print_tail(const char *log)
{
	const char *at = log + strlen(log);
	int lines = 0;

	while (at > log && lines <= LAST_LINES)
		lines += *--at == '\n';
	printf("%s%s", at > log ? at + 1 : at, log[0] ? "" : "(the verifier said nothing)\n");
}

static unsigned int instructions(const struct bpf_program *program)
{
	struct bpf_prog_info info = { .type = 0 };
	__u32 length = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length) ? 0 : info.verified_insns;
}

static void print_programs(const struct bpf_object *object)
{
	struct bpf_program *program;
	const char *separator = "";

	bpf_object__for_each_program (program, object) {
		printf("%s%s: %u instructions verified", separator, bpf_program__name(program), instructions(program));
		separator = ", ";
	}
	putchar('\n');
}

/* 0 or the negative errno of opening or loading; *log_level as the kernel knows it. */
static int try_to_load(const char *path, char *log, size_t size, unsigned int log_level, bool print)
{
	struct bpf_program *program;
	struct bpf_object *object;
	int r;

	log[0] = libbpf_said[0] = '\0';
	object = bpf_object__open_file(path, NULL);
	if (!object)
		return -errno;
	shrink_maps(object);
	bpf_object__for_each_program (program, object) {
		bpf_program__set_log_level(program, log_level);
		bpf_program__set_log_buf(program, log, size);
	}
	r = bpf_object__load(object);
	if (!r && print)
		print_programs(object);
	bpf_object__close(object);
	return r;
}

int main(int argc, char **argv)
{
	char *log;
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: load_object FILE.bpf.o\n");
		return 2;
	}
	libbpf_set_print(remember_warning);
	log = calloc(1, LOG_SIZE);
	if (!log)
		return 2;
	r = try_to_load(argv[1], log, STATS_LOG_SIZE, LOG_STATS, true);
	if (r) {
		/* Once more, for the path that the verifier did not like. */
		r = try_to_load(argv[1], log, LOG_SIZE, LOG_STEPS | LOG_STATS, true);
		printf("%s: %s: %s", argv[1], r ? strerror(-r) : "loaded only at the second try", libbpf_said);
		print_tail(log);
		free(log);
		return 1;
	}
	free(log);
	return 0;
}
