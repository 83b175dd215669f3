/* SPDX-License-Identifier: BSD-2-Clause */
/* The harness's own: the programs of a lab and how a frame gets into them. */
#ifndef SERIN_TEST_DOOR_H
#define SERIN_TEST_DOOR_H

#include "lab.h"

/* Find the attached program, every other program that works on its flow table, and all their maps, through the kernel:
 * the data path's interface needs no hooks for tests. */
void door_find(struct lab *lab);

#endif
