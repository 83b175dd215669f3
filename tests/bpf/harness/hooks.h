/* SPDX-License-Identifier: BSD-2-Clause */
/* What hangs on an interface, as the kernel tells it, and programs of somebody else to hang beside it. */
#ifndef SERIN_TEST_HOOKS_H
#define SERIN_TEST_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#define HOOKS_CHAIN 8

struct hooks_chain {
	uint32_t count;
	uint32_t program[HOOKS_CHAIN]; /* ids, in the order in which they run */
};

/* Ids of programs; 0: none. */
uint32_t hooks_xdp(const char *interface);
void hooks_tcx(const char *interface, bool egress, struct hooks_chain *ret);
uint32_t hooks_filter(const char *interface, bool egress, uint32_t priority, uint32_t handle);
bool hooks_has_qdisc(const char *interface);
bool hooks_kernel_has_tcx(void);

/* No XDP, no TCX, no clsact qdisc; else the test fails. */
void hooks_expect_nothing(const char *interface);

/* A program 'somebody' that lets everything pass. The links end with the fd that is returned. */
int hooks_add_xdp(const char *interface);
int hooks_add_tcx(const char *interface, bool egress);
void hooks_add_filter(const char *interface, bool egress, uint32_t priority, uint32_t handle);

/* Run one `tc` command, without the word "tc". */
void hooks_tc(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
