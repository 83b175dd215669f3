/* SPDX-License-Identifier: BSD-2-Clause */
/* Walking over the flow table and resetting what may be reset, without keeping the loop from anything else. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "leaving_private.h"

#define EVERY_MS 100      /* from the beginning of a walk to that of the next one */
#define NOTHING_MS 1000   /* and where the last one found nothing to end */
#define PAUSE_MS 1        /* between two slices: whoever waits for the loop comes first, but a rollback is urgent */
#define SLICE_US 3000     /* of 5 ms, the longest that anything else should have to wait */
#define LOOK_AT_CLOCK 256 /* ways without anything to do, or one flow that was ended: packets and a system call */

/* What handling a flow came to, if not -EAGAIN. */
enum { DID_NOTHING, DID_SEND };

/* -EAGAIN: come back to this flow. Where one side cannot be reached, the other one is reset all the same. */
static int send_resets(struct leaving *leaving, const struct flow *flow)
{
	struct rst_segment segments[SERIN_DIRECTIONS];
	size_t count = rst_of_flow(flow, leaving->options.image, segments);

	for (size_t i = 0; i < count; i++) {
		if (rst_send(leaving->rst, &segments[i]) == -EAGAIN)
			return -EAGAIN;
	}
	return 0;
}

static void count_end(struct leaving *leaving, struct leaving_backend *backend)
{
	leaving->ended++;
	if (backend->phase == LEAVING_FORCING)
		backend->ended_busy++;
	else
		backend->ended_idle++;
}

static int handle(struct leaving *leaving, const struct flow *flow, uint32_t now)
{
	struct leaving_backend *backend = &leaving->backends[flow->backend];
	uint8_t protocol = leaving->options.image->listeners[flow->listener % SERIN_MAX_LISTENERS].protocol;
	enum leaving_fate fate = leaving_fate(backend, flow, protocol, now);

	if (fate == LEAVING_ALONE)
		return DID_NOTHING;
	leaving->walk.found_any = true;
	leaving->walk.pending[flow->backend]++;
	if (fate == LEAVING_WAIT)
		return DID_NOTHING;
	if (protocol == IPPROTO_TCP && send_resets(leaving, flow))
		return -EAGAIN;
	if (fate == LEAVING_END && datapath_close_flow(leaving->options.datapath, flow->index, flow->generation) == 1)
		count_end(leaving, backend);
	return DID_SEND;
}

static int look(struct leaving *leaving, uint32_t index, uint32_t now)
{
	struct flow flow;
	uint16_t backend;

	if (!flow_glance(&leaving->flows, index, &backend) || backend >= SERIN_MAX_BACKENDS ||
	    leaving->backends[backend].phase < LEAVING_RESETTING || !flow_read(&leaving->flows, index, &flow) ||
	    flow.backend != backend)
		return DID_NOTHING;
	return handle(leaving, &flow, now);
}

/* Until the table's end, or as long as the loop can be away for. */
static void walk_slice(struct leaving *leaving)
{
	struct leaving_walk *walk = &leaving->walk;
	int64_t start = loop_now_us();
	uint32_t now = flows_stamp(start / 1000);
	int looked = 0, did;

	for (; walk->position < leaving->flows.count; walk->position++) {
		did = look(leaving, walk->position, now);
		if (did < 0)
			return;
		looked += did == DID_SEND ? LOOK_AT_CLOCK : 1;
		if (looked < LOOK_AT_CLOCK)
			continue;
		looked = 0;
		if (loop_now_us() - start > SLICE_US)
			return;
	}
}

static void begin_walk(struct leaving *leaving, int64_t now_ms)
{
	struct leaving_walk *walk = &leaving->walk;

	walk->position = 0;
	walk->began_ms = now_ms;
	walk->found_any = false;
	memset(walk->pending, 0, sizeof(walk->pending));
	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++) {
		leaving_advance(&leaving->backends[id], now_ms);
		leaving_set_flag(leaving, id);
	}
}

/* Backends that stay configured are done; the others wait until their id is free. */
static void end_walk(struct leaving *leaving)
{
	const struct leaving_walk *walk = &leaving->walk;

	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++) {
		const struct leaving_backend *backend = &leaving->backends[id];

		if (backend->phase >= LEAVING_RESETTING && !backend->for_good && !walk->pending[id] &&
		    walk->began_ms > backend->since_ms)
			leaving_emptied(leaving, id);
	}
}

static bool is_needed(const struct leaving *leaving)
{
	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++) {
		if (leaving->backends[id].phase >= LEAVING_RESETTING)
			return true;
	}
	return false;
}

static void schedule(struct leaving *leaving, int64_t in_ms)
{
	leaving->walk.running = !loop_set_timer(leaving->walk.timer, in_ms, 0);
}

static void tick(void *context)
{
	struct leaving *leaving = context;
	struct leaving_walk *walk = &leaving->walk;
	int64_t passed;

	if (!walk->position)
		begin_walk(leaving, loop_now_ms());
	walk_slice(leaving);
	if (walk->position < leaving->flows.count) {
		schedule(leaving, PAUSE_MS);
		return;
	}
	end_walk(leaving);
	walk->position = 0;
	walk->running = false;
	if (!is_needed(leaving))
		return;
	passed = loop_now_ms() - walk->began_ms;
	if (walk->found_any)
		schedule(leaving, passed < EVERY_MS ? EVERY_MS - passed : PAUSE_MS);
	else
		schedule(leaving, NOTHING_MS);
}

void leaving_walk_start(struct leaving *leaving)
{
	/* After one that found nothing the next one may be a second away: what is new should not wait for it. */
	if (leaving->walk.timer && !(leaving->walk.running && leaving->walk.position))
		schedule(leaving, 1);
}

int leaving_add_to_loop(struct leaving *leaving, struct loop *loop)
{
	return loop_add_timer(loop, tick, leaving, &leaving->walk.timer);
}
