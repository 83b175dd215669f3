/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames through XDP and TC by BPF_PROG_TEST_RUN: what each wants to be given, and what its answers mean. */
#include "door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>

#include "tc_entry.h"

#define MAX_MAPS (sizeof(((struct lab *)0)->maps) / sizeof(int))
#define MAX_PROGRAMS (sizeof(((struct lab *)0)->programs) / sizeof(int))

static const char *const door_names[LAB_DOORS] = { "xdp", "tc" };
static const char *const door_programs[LAB_DOORS] = { "serin_xdp", "serin_tc_ingress" };
static enum lab_door current;

void lab_use_door(enum lab_door door)
{
	current = door;
}

enum lab_door lab_door(void)
{
	return current;
}

const char *lab_door_name(enum lab_door door)
{
	return door_names[door];
}

size_t lab_longest_frame(void)
{
	/* An skb of a test is one page, its headroom and its own description included. */
	return current == LAB_TC ? 3500 : FRAME_ROOM;
}

/* Kernel names are cut at 15 characters. */
static int find_name(char names[][16], size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strncmp(names[i], name, 15))
			return (int)i;
	return -1;
}

static void add_map(struct lab *lab, __u32 id)
{
	struct bpf_map_info map;
	__u32 length = sizeof(map);
	size_t n = lab->map_count, i;

	for (i = 0; i < n; i++)
		if (lab->map_ids[i] == id)
			return;
	if (n == MAX_MAPS)
		lab_die("more than %zu maps", MAX_MAPS);
	memset(&map, 0, sizeof(map));
	lab->maps[n] = bpf_map_get_fd_by_id(id);
	if (lab->maps[n] < 0 || bpf_obj_get_info_by_fd(lab->maps[n], &map, &length))
		lab_die("cannot open map %u: %s", id, strerror(errno));
	lab->map_ids[n] = id;
	snprintf(lab->map_names[n], sizeof(lab->map_names[n]), "%s", map.name);
	lab->map_count++;
}

/* Keep the program open when it uses the map `wanted` (0: in any case). */
static bool add_program(struct lab *lab, __u32 id, __u32 wanted)
{
	__u32 ids[MAX_MAPS], length = sizeof(struct bpf_prog_info), i;
	struct bpf_prog_info info;
	int fd = bpf_prog_get_fd_by_id(id);
	bool found = !wanted;

	memset(&info, 0, sizeof(info));
	info.nr_map_ids = MAX_MAPS;
	info.map_ids = (uintptr_t)ids;
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length)) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (i = 0; i < info.nr_map_ids && i < MAX_MAPS; i++)
		found |= ids[i] == wanted;
	/* A test's own program may share the maps. */
	if (!found || strncmp(info.name, "serin_", 6) || lab->program_count == MAX_PROGRAMS) {
		close(fd);
		return false;
	}
	for (i = 0; i < info.nr_map_ids && i < MAX_MAPS; i++)
		add_map(lab, ids[i]);
	lab->programs[lab->program_count] = fd;
	snprintf(lab->program_names[lab->program_count++], 16, "%s", info.name);
	return true;
}

void door_find(struct lab *lab)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	__u32 id = 0, ways;
	int at, door;

	if (bpf_xdp_query((int)lab->ifindex[LAB_FRONT], 0, &query) || !query.prog_id ||
	    !add_program(lab, query.prog_id, 0))
		lab_die("no program is attached to %s", NET_FRONT);
	at = find_name(lab->map_names, lab->map_count, "ways");
	if (at < 0)
		lab_die("the program has no flow table");
	ways = lab->map_ids[at];
	while (!bpf_prog_get_next_id(id, &id))
		if (id != query.prog_id)
			add_program(lab, id, ways);
	for (door = 0; door < LAB_DOORS; door++) {
		at = find_name(lab->program_names, lab->program_count, door_programs[door]);
		lab->door_programs[door] = at < 0 ? -1 : lab->programs[at];
	}
}

int lab_program(const struct lab *lab, const char *name)
{
	char names[8][16];
	int at;

	memcpy(names, lab->program_names, sizeof(names));
	at = find_name(names, lab->program_count, name);
	if (at < 0)
		lab_die("there is no program '%s'", name);
	return lab->programs[at];
}

/* By whose address a frame leaves: that of a device that the agent has written down, or the one that it came to. */
static enum lab_verdict way_out(const struct lab *lab, enum lab_arm arm, const uint8_t *to, const struct frame *out)
{
	struct serin_device device;
	uint32_t id;

	for (id = 0; id < LAB_ARMS; id++) {
		lab_read(lab, "devices", id, &device);
		if (out->length >= 12 && !memcmp(device.mac, out->data + 6, 6))
			return device.ifindex == lab->ifindex[arm] ? LAB_BACK : LAB_ON;
	}
	return out->length >= 12 && !memcmp(to, out->data + 6, 6) ? LAB_BACK : LAB_OTHER;
}

/* What a program's answer means. TC does not say where a frame goes, its source address does; `to`: the target that it came
 * with. */
static enum lab_verdict verdict_of(const struct lab *lab, enum lab_door door, enum lab_arm arm, uint32_t answer,
				   const uint8_t *to, const struct frame *out)
{
	if (door == LAB_XDP)
		return answer == XDP_DROP       ? LAB_DROP
		       : answer == XDP_PASS     ? LAB_PASS
		       : answer == XDP_TX       ? LAB_BACK
		       : answer == XDP_REDIRECT ? LAB_ON
						: LAB_OTHER;
	if (answer == TC_ACT_REDIRECT)
		return way_out(lab, arm, to, out);
	/* TC_ACT_OK would keep the programs behind this one from seeing what is not ours. */
	return answer == TC_ACT_SHOT ? LAB_DROP : answer == (uint32_t)TC_ACT_UNSPEC ? LAB_PASS : LAB_OTHER;
}

static uint32_t run_xdp(const struct lab *lab, enum lab_arm arm, struct bpf_test_run_opts *options)
{
	struct xdp_md context = { .data_end = options->data_size_in, .ingress_ifindex = lab->ifindex[arm] };

	options->ctx_in = &context;
	options->ctx_size_in = sizeof(context);
	if (bpf_prog_test_run_opts(lab->door_programs[LAB_XDP], options))
		lab_die("cannot run the program on %u bytes: %s", options->data_size_in, strerror(errno));
	return options->retval;
}

/* The entry program, loaded once, made to go on into that program. */
static int tc_entry(int program)
{
	static struct bpf_object *object;
	char path[PATH_MAX] = "", file[PATH_MAX + 32];
	uint32_t zero = 0;
	int array;

	if (!object) {
		if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
			lab_die("/proc/self/exe: %s", strerror(errno));
		snprintf(file, sizeof(file), "%s/tc_entry.bpf.o", dirname(path));
		object = bpf_object__open_file(file, NULL);
		if (!object || bpf_object__load(object))
			lab_die("cannot load %s: %s", file, strerror(errno));
	}
	array = bpf_object__find_map_fd_by_name(object, "real_program");
	if (bpf_map_update_elem(array, &zero, &program, BPF_ANY))
		lab_die("tc_entry cannot go on into the real program: %s", strerror(errno));
	return bpf_program__fd(bpf_object__find_program_by_name(object, "tc_entry"));
}

/* `ifindex` is of this namespace, or the kernel says no; Linux 6.1 lets nobody say `ingress_ifindex`.
 * The kernel of a test insists on whole IP headers: a frame that is cut off within them comes as another protocol, and
 * tests/bpf/tc_entry.bpf.c gives it its name back. */
static bool hide_type(uint8_t *type, size_t length, struct __sk_buff *context)
{
	uint16_t real = (uint16_t)(type[0] << 8 | type[1]);

	if (!(real == 0x0800 && length < 14 + 20) && !(real == 0x86dd && length < 14 + 40))
		return false;
	context->cb[TC_ENTRY_TYPE] = htons(real);
	type[0] = 0x88; /* for local experiments, IEEE 802 */
	type[1] = 0xb5;
	return true;
}

static uint32_t run_tc(struct __sk_buff *context, struct bpf_test_run_opts *options, int program, bool enter)
{
	if (program < 0)
		lab_die("there is no such program");
	if (hide_type((uint8_t *)(uintptr_t)options->data_in + 12, options->data_size_in, context) || enter)
		program = tc_entry(program);
	options->ctx_in = context;
	options->ctx_size_in = sizeof(*context);
	if (bpf_prog_test_run_opts(program, options))
		lab_die("cannot run the program on %u bytes: %s", options->data_size_in, strerror(errno));
	return options->retval;
}

static enum lab_verdict run(const struct lab *lab, enum lab_arm arm, struct frame *frame, struct __sk_buff *context,
			    int program, bool enter)
{
	static uint8_t out[FRAME_ROOM];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->data, .data_size_in = (__u32)frame->length,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);
	uint32_t answer;
	uint8_t to[6];

	memcpy(to, frame->data, sizeof(to));
	answer = context ? run_tc(context, &options, program, enter) : run_xdp(lab, arm, &options);
	memcpy(frame->data, out, options.data_size_out);
	frame->length = options.data_size_out;
	return verdict_of(lab, context ? LAB_TC : LAB_XDP, arm, answer, to, frame);
}

enum lab_verdict lab_run(struct lab *lab, enum lab_arm arm, struct frame *frame)
{
	struct __sk_buff context = { .ifindex = lab->ifindex[arm] };

	if (current == LAB_XDP)
		return run(lab, arm, frame, NULL, 0, false);
	return run(lab, arm, frame, &context, lab->door_programs[LAB_TC], false);
}

enum lab_verdict lab_run_tagged(struct lab *lab, enum lab_arm arm, struct frame_tag tag, struct frame *frame)
{
	struct __sk_buff context = { .ifindex = lab->ifindex[arm] };

	context.cb[TC_ENTRY_TAG_TYPE] = htons(tag.type);
	context.cb[TC_ENTRY_TAG] = tag.tag;
	return run(lab, arm, frame, &context, lab->door_programs[LAB_TC], true);
}

enum lab_verdict lab_run_egress(struct lab *lab, enum lab_arm arm, struct frame *frame)
{
	struct __sk_buff context = { .ifindex = lab->ifindex[arm] };

	return run(lab, arm, frame, &context, lab_program(lab, "serin_tc_egress"), false);
}
