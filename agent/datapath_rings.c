/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the kernel's rings: flows that have ended, and what the agent should act on at once. */
#include <errno.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "datapath_private.h"

/* An error ends libbpf's round behind the record at hand. */
static int go_on(struct ring_reader *reader)
{
	return --reader->left ? 0 : -EAGAIN;
}

static int take_flow_end(void *context, void *data, size_t size)
{
	struct datapath *datapath = context;

	if (size >= sizeof(struct serin_flow_end))
		datapath->flow_log.ended(datapath->flow_log.context, data);
	return go_on(&datapath->flow_log);
}

static int take_verdict(void *context, void *data, size_t size)
{
	struct datapath *datapath = context;

	if (size >= sizeof(struct serin_verdict))
		datapath->verdicts.judged(datapath->verdicts.context, data);
	return go_on(&datapath->verdicts);
}

static int open_ring(struct datapath *datapath, struct ring_reader *reader, int fd, ring_buffer_sample_fn fn,
		     const char *what, struct complaint *complaint)
{
	struct ring_buffer *ring = ring_buffer__new(fd, fn, datapath, NULL);

	if (!ring)
		return complain(complaint, -errno, "cannot read the kernel's ring of %s: %s", what, strerror(errno));
	ring_buffer__free(reader->ring);
	reader->ring = ring;
	return 0;
}

static int read_ring(struct ring_reader *reader, unsigned int most)
{
	int r;

	reader->left = most;
	r = most ? ring_buffer__consume(reader->ring) : 0;
	return r < 0 && r != -EAGAIN ? r : 0;
}

int datapath_open_flow_log(struct datapath *datapath, datapath_flow_end_fn fn, void *context,
			   struct complaint *complaint)
{
	datapath->flow_log.ended = fn;
	datapath->flow_log.context = context;
	return open_ring(datapath, &datapath->flow_log, MAP_FD(datapath, flow_log), take_flow_end, "flows", complaint);
}

int datapath_flow_log_fd(const struct datapath *datapath)
{
	return MAP_FD(datapath, flow_log);
}

int datapath_read_flow_log(struct datapath *datapath, unsigned int most)
{
	return read_ring(&datapath->flow_log, most);
}

int datapath_open_verdicts(struct datapath *datapath, datapath_verdict_fn fn, void *context,
			   struct complaint *complaint)
{
	datapath->verdicts.judged = fn;
	datapath->verdicts.context = context;
	return open_ring(datapath, &datapath->verdicts, MAP_FD(datapath, verdicts), take_verdict, "verdicts",
			 complaint);
}

int datapath_verdicts_fd(const struct datapath *datapath)
{
	return MAP_FD(datapath, verdicts);
}

int datapath_read_verdicts(struct datapath *datapath, unsigned int most)
{
	return read_ring(&datapath->verdicts, most);
}
