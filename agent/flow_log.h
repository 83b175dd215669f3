/* SPDX-License-Identifier: BSD-2-Clause */
/* The flow log: a line for every flow of the sample that the configuration's `flow_log` asks for, when it has ended. */
#ifndef SERIN_FLOW_LOG_H
#define SERIN_FLOW_LOG_H

#include <serin/abi.h>
#include "address.h"
#include "complaint.h"
#include "datapath.h"
#include "image.h"
#include "log.h"
#include "loop.h"

/* More lines than this are left out, and counted. */
#define FLOW_LOG_PER_SECOND 200u
#define FLOW_LOG_BURST 1000u
#define FLOW_LOG_TELL_MS 10000 /* how often it is said that some were */

#define FLOW_LOG_FIELDS 10

/* Where a line's texts are. */
struct flow_log_line {
	struct log_field fields[FLOW_LOG_FIELDS];
	size_t count;
	char client[ADDRESS_TEXT_LEN], backend[ADDRESS_TEXT_LEN], seconds[32];
};

/* Of a backend whose id belongs to nobody any more, service and version are "". What a one-way flow's backend has sent is
 * not known, and not said. Pure; the texts of `image` must outlive the line. */
void flow_log_describe(const struct serin_flow_end *end, const struct image *image, struct flow_log_line *ret);

/* "closed", "reset by client", ... */
const char *flow_log_ended_name(unsigned int how);

struct flow_log;

int flow_log_open(struct datapath *datapath, const struct image *image, struct flow_log **ret,
		  struct complaint *complaint);
struct flow_log *flow_log_close(struct flow_log *log); /* NULL is fine; returns NULL */
int flow_log_add_to_loop(struct flow_log *log, struct loop *loop);

#endif
