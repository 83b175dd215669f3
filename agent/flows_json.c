/* SPDX-License-Identifier: BSD-2-Clause */
/* What people want to know of a connection, in their units. */
#include "flows_json.h"

#include <netinet/in.h>

#include "address.h"

static double to_seconds(uint32_t stamps)
{
	return (double)((uint64_t)stamps << SERIN_STAMP_SHIFT) / 1e9;
}

json_t *flow_to_json(const struct flow *flow, const struct image *image, uint32_t now)
{
	const struct serin_listener *listener = &image->listeners[flow->listener % SERIN_MAX_LISTENERS];
	const struct serin_backend *of = &image->backends[flow->backend % SERIN_MAX_BACKENDS];
	const struct serin_service *service = &image->services[of->service % SERIN_MAX_SERVICES];
	char client[ADDRESS_TEXT_LEN], listen[ADDRESS_TEXT_LEN], backend[ADDRESS_TEXT_LEN];
	json_t *answered = flow->one_way ? json_null() : json_integer((json_int_t)flow->bytes[SERIN_TO_CLIENT]);

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:f, s:f, s:{s:I, s:o}}", "client",
			 endpoint_format(&flow->client, flow->client_port, client), "protocol",
			 listener->protocol == IPPROTO_UDP ? "udp" : "tcp", "listen",
			 endpoint_format(&listener->addr, listener->port, listen), "version",
			 service->version[of->version % SERIN_MAX_VERSIONS], "backend",
			 backend_format(&of->addr, of->port, backend), "state", flow_state_name(flow->state), "one_way",
			 (int)flow->one_way, "placed", (int)flow->placed, "age", to_seconds(flow_age(flow, now)),
			 "idle", to_seconds(flow_idle(flow, now)), "bytes", "to_backend",
			 (json_int_t)flow->bytes[SERIN_TO_BACKEND], "to_client", answered);
}
