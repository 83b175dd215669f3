/* SPDX-License-Identifier: BSD-2-Clause */
/* Expectations of cmocka tests about frames and counters. */
#ifndef SERIN_TEST_EXPECT_H
#define SERIN_TEST_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/bpf.h>

#include "flowtable.h"
#include "lab.h"

/* Fail with both frames as text and bytes, the differences marked, unless they are the same. */
void expect_same_frame(const char *name, const struct frame *found, const struct frame *expected);

/* Put `in` through the program: this verdict and, for all but XDP_DROP, these bytes. `out` NULL: unchanged. */
void expect_frame(struct lab *lab, const char *name, enum lab_arm arm, const struct frame *in, uint32_t verdict,
		  const struct frame *out);
void expect_segment(struct lab *lab, const char *name, enum lab_arm arm, const struct segment *in, uint32_t verdict,
		    const struct segment *out);

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
