/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines about flows that have ended: what they say, and how many there may be. */
#include "flow_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 256u /* events of one turn of the loop: some milliseconds */

struct flow_log {
	struct datapath *datapath;
	const struct image *image;
	struct log_bucket bucket;
	uint64_t left_out; /* for the lines' rate */
	uint64_t lost;     /* of the kernel's count of those that found no room in the ring: what has been said */
	struct log_limit limit;
};

const char *flow_log_ended_name(unsigned int how)
{
	static const char *const names[SERIN_ENDED_KINDS] = {
		[SERIN_ENDED_CLOSED] = "closed",
		[SERIN_ENDED_RESET_BY_CLIENT] = "reset by client",
		[SERIN_ENDED_RESET_BY_BACKEND] = "reset by backend",
		[SERIN_ENDED_EMPTIED] = "emptied",
		[SERIN_ENDED_EXPIRED] = "expired",
		[SERIN_ENDED_EVICTED] = "evicted",
		[SERIN_ENDED_MOVED] = "moved",
	};

	return how < SERIN_ENDED_KINDS ? names[how] : "unknown";
}

static const char *seconds_text(const struct serin_flow_end *end, char *ret, size_t size)
{
	__s32 stamps = (__s32)(end->ended - end->opened);

	/* Another CPU's clock may have been a tick ahead. */
	snprintf(ret, size, "%.1f", (double)((__u64)(stamps < 0 ? 0 : stamps) << SERIN_STAMP_SHIFT) / 1e9);
	return ret;
}

void flow_log_describe(const struct serin_flow_end *end, const struct image *image, struct flow_log_line *ret)
{
	const struct serin_backend *backend = &image->backends[end->backend % SERIN_MAX_BACKENDS];
	const struct serin_service *service = &image->services[backend->service % SERIN_MAX_SERVICES];
	bool known = backend->flags & SERIN_BACKEND_USED;
	struct log_field *field = ret->fields;

	*field++ = log_text("msg", "flow");
	*field++ = log_text("service", known ? service->name : "");
	*field++ = log_text("version", known ? service->version[backend->version % SERIN_MAX_VERSIONS] : "");
	*field++ = log_text("backend", known ? backend_format(&backend->addr, backend->port, ret->backend) : "");
	*field++ = log_text("client", endpoint_format(&end->client, end->client_port, ret->client));
	*field++ = log_number("bytes_to_backend", (int64_t)end->bytes[SERIN_TO_BACKEND]);
	if (!SERIN_IS_ONE_WAY(end->forward))
		*field++ = log_number("bytes_to_client", (int64_t)end->bytes[SERIN_TO_CLIENT]);
	*field++ = log_text("seconds", seconds_text(end, ret->seconds, sizeof(ret->seconds)));
	*field++ = log_text("ended", flow_log_ended_name(end->how));
	ret->count = (size_t)(field - ret->fields);
}

static void flow_ended(void *context, const struct serin_flow_end *end)
{
	struct flow_log *log = context;
	struct flow_log_line line;
	unsigned int kept_back;

	if (!log_bucket_take(&log->bucket, loop_now_ms(), &kept_back)) {
		log->left_out++;
		return;
	}
	flow_log_describe(end, log->image, &line);
	log_write(LOG_LEVEL_INFO, line.fields, line.count);
}

static int count_lost(struct flow_log *log, uint64_t *ret)
{
	struct serin_table_stats stats;
	int r = datapath_read_table_stats(log->datapath, &stats);

	if (!r)
		*ret = stats.unlogged;
	return r;
}

int flow_log_open(struct datapath *datapath, const struct image *image, struct flow_log **ret,
		  struct complaint *complaint)
{
	struct flow_log *log = calloc(1, sizeof(*log));
	int r;

	if (!log)
		return complain(complaint, -ENOMEM, "not enough memory for the flow log");
	log->datapath = datapath;
	log->image = image;
	log->bucket = (struct log_bucket){ .per_second = FLOW_LOG_PER_SECOND, .burst = FLOW_LOG_BURST };
	r = datapath_open_flow_log(datapath, flow_ended, log, complaint);
	if (r) {
		flow_log_close(log);
		return r;
	}
	count_lost(log, &log->lost);
	*ret = log;
	return 0;
}

struct flow_log *flow_log_close(struct flow_log *log)
{
	free(log);
	return NULL;
}

static void ring_is_filled(void *context)
{
	struct flow_log *log = context;
	unsigned int kept_back;
	int r = datapath_read_flow_log(log->datapath, MOST);

	if (r && log_allowed(&log->limit, loop_now_ms(), 60000, &kept_back))
		log_error("cannot read the flow log", log_text("error", strerror(-r)),
			  log_number("kept_back", kept_back));
}

static void tell_left_out(void *context)
{
	struct flow_log *log = context;
	uint64_t lost = log->lost;

	if (count_lost(log, &lost) || (lost == log->lost && !log->left_out))
		return;
	log_warn("flows left out of the log", log_number("too_many", (int64_t)log->left_out),
		 log_number("ring_full", (int64_t)(lost - log->lost)));
	log->left_out = 0;
	log->lost = lost;
}

int flow_log_add_to_loop(struct flow_log *log, struct loop *loop)
{
	struct loop_source *timer;
	int r = loop_add_fd(loop, datapath_flow_log_fd(log->datapath), ring_is_filled, log, NULL);

	if (!r)
		r = loop_add_timer(loop, tell_left_out, log, &timer);
	return r ? r : loop_set_timer(timer, FLOW_LOG_TELL_MS, FLOW_LOG_TELL_MS);
}
