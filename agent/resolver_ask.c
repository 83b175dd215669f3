/* SPDX-License-Identifier: BSD-2-Clause */
/* A round of questions about one name: sent, counted, their answers handed to dns_round. */
#include <stdlib.h>

#include "resolver_private.h"

/* Of one name at a time: as many answers as a socket's receive buffer surely has room for. */
#define MAX_OPEN 32u

struct ask {
	struct resolver_name *name;
	size_t target;
	enum dns_type type;
};

static struct dns_reply to_reply(int status, const unsigned char *message, int length)
{
	switch (status) {
	case ARES_SUCCESS:
		return (struct dns_reply){ DNS_ANSWERED, NULL, message, length };
	case ARES_ENODATA:
		return (struct dns_reply){ .kind = DNS_NOTHING, .why = "an empty answer" };
	case ARES_ENOTFOUND:
		return (struct dns_reply){ .kind = DNS_NOTHING, .why = "NXDOMAIN" };
	case ARES_ETIMEOUT:
		return (struct dns_reply){ .kind = DNS_FAILED, .why = "no answer" };
	case ARES_ECONNREFUSED: /* what c-ares says of all of these, when it has tried the last server */
		return (struct dns_reply){ .kind = DNS_FAILED, .why = "no answer (refused, or the server fails)" };
	case ARES_EFORMERR:
	case ARES_EBADRESP:
		return (struct dns_reply){ .kind = DNS_FAILED, .why = "an answer that cannot be understood" };
	case ARES_EBADNAME:
	case ARES_EBADQUERY:
		return (struct dns_reply){ .kind = DNS_FAILED, .why = "no valid DNS name" };
	default:
		return (struct dns_reply){ .kind = DNS_FAILED, .why = ares_strerror(status) };
	}
}

static void fill(struct resolver_name *name);

static void on_reply(void *context, int status, int timeouts, unsigned char *message, int length)
{
	struct ask *ask = context;
	struct resolver_name *name = ask->name;
	struct dns_reply reply = to_reply(status, message, length);

	(void)timeouts;
	name->open--;
	if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
		name->aborted = true;
	else if (ask->type == DNS_SRV)
		dns_round_srv(&name->round, &reply);
	else
		dns_round_addresses(&name->round, ask->target, ask->type == DNS_A, &reply);
	free(ask);
	fill(name);
}

static void send_question(struct resolver_name *name, const char *text, size_t target, enum dns_type type)
{
	struct ask *ask = malloc(sizeof(*ask));

	if (!ask) {
		complain(&name->round.refused, 0, "out of memory");
		return;
	}
	*ask = (struct ask){ name, target, type };
	name->open++;
	ares_query(name->resolver->channel, text, 1 /* IN */, type, on_reply, ask);
}

/* The next family of the next target that is wanted, false: all have been asked for. */
static bool next_question(struct resolver_name *name, size_t *ret_target, bool *ret_ipv6)
{
	while (name->next_target < name->round.target_count) {
		*ret_target = name->next_target;
		*ret_ipv6 = name->next_ipv6;
		if (name->next_ipv6)
			name->next_target++;
		name->next_ipv6 = !name->next_ipv6;
		if (*ret_ipv6 ? name->question.form.ipv6 : name->question.form.ipv4)
			return true;
	}
	return false;
}

/* Send what there is room for; when nothing is left to send or to wait for, the round is over. c-ares may answer from within
 * ares_query(), for instance when no server can be reached. */
static void fill(struct resolver_name *name)
{
	size_t target;
	bool ipv6;

	if (name->filling)
		return;
	name->filling = true;
	while (name->open < MAX_OPEN && !name->aborted && !name->removed && !name->round.refused.text[0] &&
	       next_question(name, &target, &ipv6))
		send_question(name, name->round.targets[target].name, target, ipv6 ? DNS_AAAA : DNS_A);
	name->filling = false;
	if (!name->open)
		resolver_round_over(name);
}

void resolver_begin_round(struct resolver_name *name)
{
	name->asking = true;
	name->aborted = false;
	name->open = 0;
	name->next_target = 0;
	name->next_ipv6 = false;
	name->asked_ms = loop_now_ms();
	if (dns_round_begin(&name->round, &name->question.form)) {
		name->aborted = true;
		resolver_round_over(name);
		return;
	}
	name->filling = true;
	if (name->question.type == RESOLVER_SRV)
		send_question(name, name->text, 0, DNS_SRV);
	else if (dns_round_add_host(&name->round, name->text, name->question.port))
		name->aborted = true;
	name->filling = false;
	fill(name);
}
