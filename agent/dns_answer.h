/* SPDX-License-Identifier: BSD-2-Clause */
/* One DNS message: the records that a question was asked for. Pure. */
#ifndef SERIN_DNS_ANSWER_H
#define SERIN_DNS_ANSWER_H

#include <stdint.h>

#include <serin/abi.h>

enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_SRV = 33 };

struct dns_record {
	struct serin_addr addr; /* A, AAAA */
	const char *target;     /* SRV (RFC 2782), valid during the call; "." is no host */
	uint16_t priority, weight;
	__be16 port;
};

/* Anything but 0 ends the walk and is its result. */
typedef int dns_record_fn(void *context, const struct dns_record *record);

/* Hand on every record of that type in the answer section, and lower *ttl (seconds) to the least of theirs and of the
 * aliases on the way to them. 0, or -EBADMSG for what is no DNS message, where records may have been handed on before. */
int dns_answer_walk(const unsigned char *message, int length, enum dns_type type, dns_record_fn *fn, void *context,
		    uint32_t *ttl);

#endif
