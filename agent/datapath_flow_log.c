/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the kernel's ring of flows that have ended. */
#include <errno.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "datapath_private.h"

/* An error ends libbpf's round behind the event at hand. */
static int take(void *context, void *data, size_t size)
{
	struct flow_log_reader *reader = context;

	if (size >= sizeof(struct serin_flow_end))
		reader->fn(reader->context, data);
	return --reader->left ? 0 : -EAGAIN;
}

int datapath_open_flow_log(struct datapath *datapath, datapath_flow_end_fn fn, void *context,
			   struct complaint *complaint)
{
	struct ring_buffer *ring;

	datapath->flow_log_reader = (struct flow_log_reader){ .fn = fn, .context = context };
	ring = ring_buffer__new(MAP_FD(datapath, flow_log), take, &datapath->flow_log_reader, NULL);
	if (!ring)
		return complain(complaint, -errno, "cannot read the flow log's ring: %s", strerror(errno));
	ring_buffer__free(datapath->flow_log);
	datapath->flow_log = ring;
	return 0;
}

int datapath_flow_log_fd(const struct datapath *datapath)
{
	return MAP_FD(datapath, flow_log);
}

int datapath_read_flow_log(struct datapath *datapath, unsigned int most)
{
	int r;

	datapath->flow_log_reader.left = most;
	r = most ? ring_buffer__consume(datapath->flow_log) : 0;
	return r < 0 && r != -EAGAIN ? r : 0;
}
