/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules by which backends are emptied. */
#include "leaving_rules.h"

#include <netinet/in.h>

bool leaving_advance(struct leaving_backend *backend, int64_t now_ms)
{
	enum leaving_phase before = backend->phase;

	if (backend->phase == LEAVING_DRAINING && now_ms >= backend->until_ms) {
		backend->phase = LEAVING_RESETTING;
		backend->until_ms = now_ms + LEAVING_ANSWER_TIMEOUT_MS;
	} else if (backend->phase == LEAVING_RESETTING && now_ms >= backend->until_ms) {
		backend->phase = LEAVING_FORCING;
	}
	return backend->phase != before;
}

/* The kernel does not ask how a flow came to its backend, and a TCP connection that a rule has placed is to live. */
bool leaving_wants_flag(const struct leaving_backend *backend)
{
	return backend->phase == LEAVING_FORCING && !backend->spares_placed;
}

static bool is_idle(const struct flow *flow, uint8_t protocol, uint32_t now)
{
	return protocol == IPPROTO_TCP ? flow_is_idle(flow, now) : flow_idle(flow, now) >= LEAVING_UDP_QUIET;
}

enum leaving_fate leaving_fate(const struct leaving_backend *backend, const struct flow *flow, uint8_t protocol,
			       uint32_t now)
{
	if (backend->phase < LEAVING_RESETTING || flow->state == SERIN_WAY_CLOSED ||
	    (backend->spares_placed && flow->placed))
		return LEAVING_ALONE;
	if (is_idle(flow, protocol, now))
		return LEAVING_END;
	if (backend->phase == LEAVING_RESETTING)
		return LEAVING_WAIT;
	return protocol != IPPROTO_TCP || flow_idle(flow, now) >= FLOWS_QUIET ? LEAVING_END : LEAVING_PRESS;
}

bool leaving_count_sweep(struct leaving_backend *backend, uint64_t number, int64_t began_ms, uint32_t named)
{
	if (backend->phase == LEAVING_NOT || number == backend->sweep || began_ms <= backend->since_ms)
		return false;
	backend->sweep = number;
	backend->clean_sweeps = named ? 0 : backend->clean_sweeps + 1;
	return backend->for_good && backend->clean_sweeps >= LEAVING_CLEAN_SWEEPS;
}
