/* SPDX-License-Identifier: BSD-2-Clause */
/* Expectations of cmocka tests about frames and counters. */
#ifndef SERIN_TEST_EXPECT_H
#define SERIN_TEST_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flowtable.h"
#include "lab.h"

/* A whole test program: in a network of its own, on one CPU, the tests are run once through every door, or through that of
 * SERIN_TEST_DOOR (xdp, tc). Returns how many have failed. */
int expect_run_doors(const char *name, const struct CMUnitTest *tests, size_t count);
#define EXPECT_RUN(name, tests) expect_run_doors((name), (tests), sizeof(tests) / sizeof((tests)[0]))

/* Fail with both frames as text and bytes, the differences marked, unless they are the same. */
void expect_same_frame(const char *name, const struct frame *found, const struct frame *expected);

/* "dropped", "sent on", ... */
const char *expect_verdict_name(enum lab_verdict verdict);
/* A frame as text and bytes. */
void expect_print(const char *title, const struct frame *frame);

/* Put `in` through the program: this verdict and, for all but LAB_DROP, these bytes. `out` NULL: unchanged. */
void expect_frame(struct lab *lab, const char *name, enum lab_arm arm, const struct frame *in, enum lab_verdict verdict,
		  const struct frame *out);
void expect_segment(struct lab *lab, const char *name, enum lab_arm arm, const struct segment *in,
		    enum lab_verdict verdict, const struct segment *out);

/* A packet of a flow of that backend, forwarded: the same, and every counter: one packet, its bytes, and `change` (NULL:
 * nothing else). The table stays consistent. */
struct expect_counters;
void expect_passage(struct lab *lab, const char *name, enum lab_arm arm, const struct frame *in,
		    enum lab_verdict verdict, const struct frame *out, unsigned int backend,
		    enum serin_direction direction, const struct expect_counters *change);

/* A packet that is not forwarded, but passed or dropped or answered, and counted so and nowhere else. */
void expect_counted(struct lab *lab, const char *name, enum lab_arm arm, const struct frame *in,
		    enum lab_verdict verdict, const struct frame *out, const struct expect_counters *change);

/* Everything that is counted. `stats` by backend id, the first EXPECT_BACKENDS. */
#define EXPECT_BACKENDS 16
struct expect_counters {
	struct serin_stats stats[EXPECT_BACKENDS];
	uint64_t drops[SERIN_DROPS];
	struct serin_table_stats table;
};

struct expect_counters expect_read_counters(struct lab *lab);

/* Fail, naming the counter, unless the counters are now `before` plus `change`, every one of them. */
void expect_changes(struct lab *lab, const char *name, const struct expect_counters *before,
		    const struct expect_counters *change);

#endif
