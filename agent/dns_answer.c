/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS messages by libresolv, which is part of the C library: unlike c-ares 1.18 it gives the TTL of an SRV record. */
#include "dns_answer.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <string.h>

#define SRV_FIXED 6 /* priority, weight, port */

static const unsigned char mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

static int read_a(const ns_rr *rr, struct dns_record *ret)
{
	if (ns_rr_rdlen(*rr) != 4)
		return -EBADMSG;
	memcpy(ret->addr.byte, mapped_prefix, sizeof(mapped_prefix));
	memcpy(ret->addr.byte + sizeof(mapped_prefix), ns_rr_rdata(*rr), 4);
	return 0;
}

static int read_aaaa(const ns_rr *rr, struct dns_record *ret)
{
	if (ns_rr_rdlen(*rr) != 16)
		return -EBADMSG;
	memcpy(ret->addr.byte, ns_rr_rdata(*rr), 16);
	return 0;
}

static int read_srv(const ns_msg *msg, const ns_rr *rr, char name[NS_MAXDNAME], struct dns_record *ret)
{
	const unsigned char *data = ns_rr_rdata(*rr);
	int used;

	if (ns_rr_rdlen(*rr) <= SRV_FIXED)
		return -EBADMSG;
	used = ns_name_uncompress(ns_msg_base(*msg), ns_msg_end(*msg), data + SRV_FIXED, name, NS_MAXDNAME);
	if (used < 0 || used != ns_rr_rdlen(*rr) - SRV_FIXED)
		return -EBADMSG;
	ret->priority = (uint16_t)ns_get16(data);
	ret->weight = (uint16_t)ns_get16(data + 2);
	memcpy(&ret->port, data + 4, sizeof(ret->port));
	ret->target = name[0] ? name : ".";
	return 0;
}

static int read_record(const ns_msg *msg, const ns_rr *rr, enum dns_type type, dns_record_fn *fn, void *context)
{
	struct dns_record record = { .target = NULL };
	char name[NS_MAXDNAME];
	int err;

	if (type == DNS_SRV)
		err = read_srv(msg, rr, name, &record);
	else
		err = type == DNS_A ? read_a(rr, &record) : read_aaaa(rr, &record);
	return err ? err : fn(context, &record);
}

/* One with the highest bit set is to be taken for none (RFC 2181, section 8). */
static void lower(uint32_t *ttl, uint32_t found)
{
	if (found > INT32_MAX)
		found = 0;
	if (*ttl > found)
		*ttl = found;
}

int dns_answer_walk(const unsigned char *message, int length, enum dns_type type, dns_record_fn *fn, void *context,
		    uint32_t *ttl)
{
	ns_msg msg;
	ns_rr rr;
	int err = 0;

	if (!message || ns_initparse(message, length, &msg) < 0)
		return -EBADMSG;
	for (int i = 0; !err && i < ns_msg_count(msg, ns_s_an); i++) {
		if (ns_parserr(&msg, ns_s_an, i, &rr) < 0)
			return -EBADMSG;
		if (ns_rr_class(rr) != ns_c_in || ((int)ns_rr_type(rr) != (int)type && ns_rr_type(rr) != ns_t_cname))
			continue;
		lower(ttl, ns_rr_ttl(rr));
		if (ns_rr_type(rr) != ns_t_cname)
			err = read_record(&msg, &rr, type, fn, context);
	}
	return err;
}
