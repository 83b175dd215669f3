/* SPDX-License-Identifier: BSD-2-Clause */
/* Comparing what came out with what should have. */
#include "expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame_kinds.h"

static const char *const verdict_names[] = { "dropped", "passed", "sent back", "sent on", "no verdict" };

const char *expect_verdict_name(enum lab_verdict verdict)
{
	return verdict_names[verdict];
}

/* Sixteen bytes a line; a byte that differs from the other frame's is marked. */
static void print_bytes(const char *title, const struct frame *frame, const struct frame *other)
{
	char line[600];
	size_t i, n = 0;

	print_message("  %s: %s\n", title, frame_text(frame, line, sizeof(line)));
	for (i = 0; i < frame->length && i < 160; i++) {
		bool differs = i >= other->length || frame->data[i] != other->data[i];

		if (i % 16 == 0)
			n = (size_t)snprintf(line, sizeof(line), "    %04zx ", i);
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%c%02x", differs ? '*' : ' ', frame->data[i]);
		if (i % 16 == 15 || i + 1 == frame->length)
			print_message("%s\n", line);
	}
}

void expect_print(const char *title, const struct frame *frame)
{
	print_bytes(title, frame, frame);
}

void expect_same_frame(const char *name, const struct frame *found, const struct frame *expected)
{
	if (found->length == expected->length && !memcmp(found->data, expected->data, found->length))
		return;
	print_message("%s: other bytes came out (%zu, expected %zu)\n", name, found->length, expected->length);
	print_bytes("found", found, expected);
	print_bytes("expected", expected, found);
	fail_msg("%s: other bytes than expected", name);
}

static struct frame work; /* too large for the stack of a test that has two of its own */

void expect_frame(struct lab *lab, const char *name, enum lab_arm arm, const struct frame *in, enum lab_verdict verdict,
		  const struct frame *out)
{
	enum lab_verdict found;

	work.length = in->length;
	memcpy(work.data, in->data, in->length);
	found = lab_run(lab, arm, &work);
	if (found != verdict) {
		char text[600];

		fail_msg("%s: %s, expected %s, for %s", name, verdict_names[found], verdict_names[verdict],
			 frame_text(in, text, sizeof(text)));
	}
	if (verdict != LAB_DROP)
		expect_same_frame(name, &work, out ? out : in);
}

void expect_segment(struct lab *lab, const char *name, enum lab_arm arm, const struct segment *in,
		    enum lab_verdict verdict, const struct segment *out)
{
	static struct frame frame_in, frame_out;

	segment_write(in, &frame_in);
	if (out)
		segment_write(out, &frame_out);
	expect_frame(lab, name, arm, &frame_in, verdict, out ? &frame_out : NULL);
}

struct expect_counters expect_read_counters(struct lab *lab)
{
	struct expect_counters counters;
	unsigned int i;
	int r = 0;

	for (i = 0; !r && i < EXPECT_BACKENDS; i++)
		r = datapath_read_stats(lab->datapath, i, &counters.stats[i]);
	if (!r)
		r = datapath_read_drops(lab->datapath, counters.drops);
	if (!r)
		r = datapath_read_table_stats(lab->datapath, &counters.table);
	if (r)
		lab_die("cannot read the counters: %s", strerror(-r));
	return counters;
}

#define STAT_WORDS (sizeof(struct serin_stats) / sizeof(uint64_t))
/* What turns and failures are made of is not compared: that is for test_turns alone. */
#define FORWARDING_WORDS (offsetof(struct serin_stats, failures) / sizeof(uint64_t))
#define COUNTER_WORDS (sizeof(struct expect_counters) / sizeof(uint64_t))

/* What the n-th word of all counters is called. */
static const char *counter_name(size_t word)
{
	static const char *const of_backend[STAT_WORDS] = {
		"packets to the backend",
		"packets to the client",
		"bytes to the backend",
		"bytes to the client",
		"opened",
		"established",
		"closed",
		"resets by the client",
		"resets by the backend",
		"gone",
		"placed by a rule",
	};
	static const char *const of_drops[] = {
#define LABEL(upper, label, text) "drops: " #label,
		SERIN_DROP_REASONS(LABEL)
#undef LABEL
	};
	static const char *const of_table[] = {
		"evicted: 0",         "evicted: 1",           "evicted: 2",           "evicted: 3",
		"evicted: embryonic", "evicted: established", "evicted: half-closed", "evicted: closed",
		"evicted: expired",   "ports retaken",        "ports unrested",       "lost races",
		"RSTs sent",          "ICMP errors sent",     "unremembered",         "forgotten",
	};
	static char name[64];

	if (word < EXPECT_BACKENDS * STAT_WORDS) {
		snprintf(name, sizeof(name), "backend %zu: %s", word / STAT_WORDS, of_backend[word % STAT_WORDS]);
		return name;
	}
	word -= EXPECT_BACKENDS * STAT_WORDS;
	return word < SERIN_DROPS ? of_drops[word] : of_table[word - SERIN_DROPS];
}

void expect_changes(struct lab *lab, const char *name, const struct expect_counters *before,
		    const struct expect_counters *change)
{
	struct expect_counters now = expect_read_counters(lab);
	const uint64_t *from = (const uint64_t *)before, *plus = (const uint64_t *)change, *to = (const uint64_t *)&now;
	unsigned int wrong = 0;
	size_t i;

	for (i = 0; i < COUNTER_WORDS; i++) {
		if (to[i] - from[i] == plus[i] ||
		    (i < EXPECT_BACKENDS * STAT_WORDS && i % STAT_WORDS >= FORWARDING_WORDS))
			continue;
		print_message("%s: counter '%s' went up by %llu, expected %llu\n", name, counter_name(i),
			      (unsigned long long)(to[i] - from[i]), (unsigned long long)plus[i]);
		wrong++;
	}
	if (wrong)
		fail_msg("%s: %u counters differ", name, wrong);
}

void expect_counted(struct lab *lab, const char *name, enum lab_arm arm, const struct frame *in,
		    enum lab_verdict verdict, const struct frame *out, const struct expect_counters *change)
{
	struct expect_counters before = expect_read_counters(lab);
	static const struct expect_counters nothing;

	expect_frame(lab, name, arm, in, verdict, out);
	expect_changes(lab, name, &before, change ? change : &nothing);
	if (flowtable_check(lab, stdout))
		fail_msg("%s: the flow table is broken", name);
}

void expect_passage(struct lab *lab, const char *name, enum lab_arm arm, const struct frame *in,
		    enum lab_verdict verdict, const struct frame *out, unsigned int backend,
		    enum serin_direction direction, const struct expect_counters *change)
{
	struct expect_counters all = { .drops = { 0 } };

	if (change)
		all = *change;
	all.stats[backend].packets[direction]++;
	all.stats[backend].bytes[direction] += frame_ip_length(in);
	expect_counted(lab, name, arm, in, verdict, out, &all);
}

int expect_run_doors(const char *name, const struct CMUnitTest *tests, size_t count)
{
	const char *only = getenv("SERIN_TEST_DOOR");
	int failed = 0, ran = 0;
	enum lab_door door;
	char title[64];

	net_enter();
	lab_stay_on_one_cpu();
	for (door = LAB_XDP; door < LAB_DOORS; door++) {
		if (only && strcmp(only, lab_door_name(door)) != 0)
			continue;
		lab_use_door(door);
		if (lab_open(SERIN_MIN_FLOWS)->door_programs[door] < 0) {
			print_message("%s: no program for the door %s\n", name, lab_door_name(door));
			continue;
		}
		snprintf(title, sizeof(title), "%s, %s", name, lab_door_name(door));
		failed += _cmocka_run_group_tests(title, tests, count, NULL, NULL);
		ran++;
	}
	if (!ran)
		lab_die("nothing has run; SERIN_TEST_DOOR is %s, expected xdp or tc", only ? only : "not set");
	return failed;
}
