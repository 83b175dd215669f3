/* SPDX-License-Identifier: BSD-2-Clause */
/* One round of questions about a name, and the list of backends that its answers make. Pure. */
#ifndef SERIN_DNS_ROUND_H
#define SERIN_DNS_ROUND_H

#include "dns_answer.h"
#include "discovered.h"

enum { DNS_IPV4, DNS_IPV6 };

/* How one question was answered. */
enum dns_reply_kind {
	DNS_ANSWERED, /* by `message` */
	DNS_NOTHING,  /* there is no such name, or no record of that type */
	DNS_FAILED,
};

struct dns_reply {
	enum dns_reply_kind kind;
	const char *why; /* a constant: "NXDOMAIN", "no answer"; NULL when answered */
	const unsigned char *message;
	int length;
};

/* A host to ask for addresses: the name itself, or a target of its SRV records. */
struct dns_target {
	char *name;
	__be16 port;
	unsigned int weight;    /* as the record has it: 0 to 65535 */
	unsigned int addresses; /* found */
};

struct dns_found {
	struct serin_addr addr;
	size_t target;
};

struct dns_round {
	struct backend_form form;
	struct dns_target *targets; /* of the lowest priority seen */
	size_t target_count, target_room;
	unsigned int priority;
	struct dns_found *found; /* room for BACKEND_LIST_MAX */
	size_t found_count;
	uint32_t ttl;             /* seconds; the least of all records used */
	struct complaint refused; /* why the round comes to nothing, "": not so far */
	const char *failed[2];    /* by family: why it could not be asked for, or NULL */
	const char *nothing;      /* what an answer without addresses said, or NULL */
};

/* 0 or -ENOMEM. */
int dns_round_begin(struct dns_round *round, const struct backend_form *form);
void dns_round_end(struct dns_round *round); /* once, after a successful begin */

/* For a name with addresses: the only target. 0, -ENOMEM. */
int dns_round_add_host(struct dns_round *round, const char *name, __be16 port);

/* For a name with SRV records: its targets. A mistake in the answer refuses the round. */
void dns_round_srv(struct dns_round *round, const struct dns_reply *reply);

/* The addresses of one family of a target. */
void dns_round_addresses(struct dns_round *round, size_t target, bool ipv4, const struct dns_reply *reply);

/* When every question has been answered: 0, a settled list that is not empty, and in `text` what it had to do without ("":
 * nothing). A family that could not be asked keeps its addresses of `last`. Else -ENOENT and in `text` why there is no
 * list, or -ENOMEM. */
int dns_round_finish(struct dns_round *round, const struct backend_list *last, struct backend_list *ret,
		     struct complaint *text);

/* When to ask again. */
int64_t dns_round_interval_ms(const struct dns_round *round, int64_t every_ms);

#endif
