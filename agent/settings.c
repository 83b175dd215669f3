/* SPDX-License-Identifier: BSD-2-Clause */
/* What the configuration says to the kernel's settings. */
#include "settings.h"

#include <arpa/inet.h>

#define ANSWERS_PER_SECOND 100 /* per CPU */

/* Rounded down, but never to nothing. */
static __u32 to_stamps(unsigned int seconds)
{
	uint64_t stamps = (uint64_t)seconds * UINT64_C(1000000000) >> SERIN_STAMP_SHIFT;

	return stamps ? (__u32)stamps : 1;
}

/* Those of 2^32 numbers that a flow may draw to be logged, less one. */
static __u32 to_share(unsigned int one_of)
{
	return one_of ? (__u32)((UINT64_C(1) << 32) / one_of - 1) : 0;
}

struct serin_settings settings_of(const struct config *config)
{
	return (struct serin_settings){
		.snat_port_first = config->snat.port_first,
		.snat_port_count = (__u32)(config->snat.port_last - config->snat.port_first + 1),
		.gue_port = htons(config->gue_port),
		.linger_embryonic = to_stamps(config->timeouts.embryonic),
		.linger_established = to_stamps(config->timeouts.established),
		.linger_half_closed = to_stamps(config->timeouts.half_closed),
		.linger_closed = to_stamps(config->timeouts.closed),
		.linger_udp = to_stamps(config->timeouts.udp),
		.port_rest = to_stamps(config->timeouts.port_rest),
		.answers_per_second = ANSWERS_PER_SECOND,
		.answer_timeout = (__u32)((uint64_t)config->answer_timeout * 1000000 >> SERIN_OWED_SHIFT),
		.flow_log = to_share(config->flow_log),
	};
}
