/* SPDX-License-Identifier: BSD-2-Clause */
/* The real program, loaded, attached to both interfaces of net.h and configured, with a way to put frames through it.
 * What cannot be is the test's fault: every failure here is printed and exits with 1. No test framework. */
#ifndef SERIN_TEST_LAB_H
#define SERIN_TEST_LAB_H

#include <stddef.h>
#include <stdint.h>

#include <serin/abi.h>
#include "config.h"
#include "datapath.h"
#include "frame.h"
#include "image.h"
#include "net.h"

/* Where a frame comes in. */
enum lab_arm { LAB_FRONT, LAB_REAR, LAB_ARMS };

/* By which program: the same core behind each. */
enum lab_door { LAB_XDP, LAB_TC, LAB_DOORS };

/* What becomes of it, whatever the door calls that. */
enum lab_verdict {
	LAB_DROP,
	LAB_PASS,  /* goes on to the host */
	LAB_BACK,  /* leaves by the interface that it came by */
	LAB_ON,    /* leaves by another one */
	LAB_OTHER, /* nothing that the program may ever say */
};

struct lab {
	struct datapath *datapath;
	struct config *config; /* the last one */
	struct image *image;   /* what the tables hold */
	uint32_t max_flows;
	int door_programs[LAB_DOORS];
	unsigned int ifindex[LAB_ARMS];
	int maps[48]; /* fds, of all programs that share the flow table */
	uint32_t map_ids[48];
	char map_names[48][16];
	size_t map_count;
	int programs[8];
	char program_names[8][16];
	size_t program_count;
	uint32_t plan_generation;
};

/* Load with `max_flows`, attach to front and rear. net_enter() comes before the first one. One at a time: every opening
 * takes over what the one before has loaded, with its tables emptied, if it is of the same size. */
struct lab *lab_open(uint32_t max_flows);
struct lab *lab_close(struct lab *lab); /* returns NULL; the program goes when the process does */

/* Empty every table but the constants. */
void lab_clear(struct lab *lab);

/* Configure from a YAML text, as the agent does at its start: settings, backends, plans, listeners. The text's
 * `interfaces`, `flows` and `http` are not looked at. Call again for a changed configuration. */
void lab_configure(struct lab *lab, const char *yaml);

enum lab_parts { LAB_ALL, LAB_WITHOUT_PLANS };
void lab_configure_parts(struct lab *lab, const char *yaml, enum lab_parts parts);

/* Give a version on trial another weight (basis points), the baseline takes the rest; all other trials: 0. */
void lab_set_weight(struct lab *lab, const char *service, const char *version, unsigned int weight);

/* Put a frame through the program once, as if it came in by `arm`. `frame` is what came out. */
enum lab_verdict lab_run(struct lab *lab, enum lab_arm arm, struct frame *frame);

/* TC only: with a tag beside the frame, as the stack has taken it out. Whether it is kept does not show. */
enum lab_verdict lab_run_tagged(struct lab *lab, enum lab_arm arm, struct frame_tag tag, struct frame *frame);

/* What a process of this host sends, by TC's other end: out of `arm`. */
enum lab_verdict lab_run_egress(struct lab *lab, enum lab_arm arm, struct frame *frame);

/* The door of all labs from here on; the default is LAB_XDP. */
void lab_use_door(enum lab_door door);
enum lab_door lab_door(void);
const char *lab_door_name(enum lab_door door);
/* The longest frame that the kernel lets a test put through it. */
size_t lab_longest_frame(void);

/* The fd of another program of the same object, by its name. */
int lab_program(const struct lab *lab, const char *name);

/* The fd of a map of the program, by its name. */
int lab_map(const struct lab *lab, const char *name);
void lab_read(const struct lab *lab, const char *map, uint32_t key, void *ret);
void lab_write(const struct lab *lab, const char *map, uint32_t key, const void *value);

/* Ids, by what the configuration calls them; `address` as in "10.0.0.11:3000". */
unsigned int lab_service(const struct lab *lab, const char *name);
unsigned int lab_backend(const struct lab *lab, const char *service, const char *version, const char *address);

/* The backend that the program must choose for a connection, by include/serin/split.h. */
unsigned int lab_choose(struct lab *lab, const char *service, const struct segment *syn);

struct serin_settings lab_settings(const struct lab *lab);
void lab_change_settings(struct lab *lab, const struct serin_settings *settings);

/* Keep this thread on one CPU: what the program keeps per CPU is then one thing. */
void lab_stay_on_one_cpu(void);

/* The program's clock, in stamps (SERIN_STAMP_SHIFT). */
uint32_t lab_now(void);

void lab_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
