/* SPDX-License-Identifier: BSD-2-Clause */
/* The harness's own: the programs of a lab and how a frame gets into them. */
#ifndef SERIN_TEST_DOOR_H
#define SERIN_TEST_DOOR_H

#include "lab.h"

/* Find the attached program, every other program that works on its flow table, and all their maps, through the kernel:
 * the data path's interface needs no hooks for tests. */
void door_find(struct lab *lab);

/* What a program's answer means. `out`: the frame as it left; TC does not say where to, its source address does. */
enum lab_verdict door_verdict(const struct lab *lab, enum lab_door door, enum lab_arm arm, uint32_t answer,
			      const struct frame *out);

#endif
