/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers about a name, gathered: SRV targets of the lowest priority, and addresses. */
#include "dns_round.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_value.h"

#define FIRST_TARGETS 8u
#define NOT_UNDERSTOOD "an answer that is no DNS message"

int dns_round_begin(struct dns_round *round, const struct backend_form *form)
{
	*round = (struct dns_round){ .form = *form, .priority = UINT16_MAX + 1u, .ttl = UINT32_MAX };
	round->found = calloc(BACKEND_LIST_MAX, sizeof(*round->found));
	return round->found ? 0 : -ENOMEM;
}

static void forget_targets(struct dns_round *round)
{
	for (size_t i = 0; i < round->target_count; i++)
		free(round->targets[i].name);
	round->target_count = 0;
}

void dns_round_end(struct dns_round *round)
{
	forget_targets(round);
	free(round->targets);
	free(round->found);
	*round = (struct dns_round){ .found = NULL };
}

static int make_room(struct dns_round *round)
{
	size_t room = round->target_room ? 2 * round->target_room : FIRST_TARGETS;
	struct dns_target *targets;

	if (round->target_count < round->target_room)
		return 0;
	targets = reallocarray(round->targets, room, sizeof(*targets));
	if (!targets)
		return -ENOMEM;
	round->targets = targets;
	round->target_room = room;
	return 0;
}

static int add_target(struct dns_round *round, const char *name, __be16 port, unsigned int weight)
{
	struct dns_target target = { .port = port, .weight = weight };
	int err;

	err = make_room(round);
	if (err)
		return err;
	target.name = strdup(name);
	if (!target.name)
		return -ENOMEM;
	round->targets[round->target_count++] = target;
	return 0;
}

int dns_round_add_host(struct dns_round *round, const char *name, __be16 port)
{
	return add_target(round, name, port, 1);
}

static int take_srv(void *context, const struct dns_record *record)
{
	struct dns_round *round = context;

	if (record->priority > round->priority)
		return 0;
	if (record->priority < round->priority)
		forget_targets(round);
	round->priority = record->priority;
	if (!strcmp(record->target, "."))
		return 0;
	if (!record->port)
		return complain(&round->refused, -EINVAL, "an SRV record with port 0, expected 1 to 65535");
	if (round->target_count >= BACKEND_LIST_MAX)
		return complain(&round->refused, -E2BIG, "more than %u targets, expected up to that", BACKEND_LIST_MAX);
	return add_target(round, record->target, record->port, record->weight);
}

void dns_round_srv(struct dns_round *round, const struct dns_reply *reply)
{
	int err;

	if (reply->kind != DNS_ANSWERED) {
		complain(&round->refused, 0, "%s", reply->why);
		return;
	}
	err = dns_answer_walk(reply->message, reply->length, DNS_SRV, take_srv, round, &round->ttl);
	if (err == -EBADMSG)
		complain(&round->refused, 0, NOT_UNDERSTOOD);
	else if (err == -ENOMEM)
		complain(&round->refused, 0, "out of memory");
	else if (!err && round->priority <= UINT16_MAX && !round->target_count)
		complain(&round->refused, 0, "an SRV record that says there is no such service (target '.')");
	else if (!err && !round->target_count)
		complain(&round->refused, 0, "an answer without SRV records");
}

struct taking {
	struct dns_round *round;
	size_t target;
};

static int take_address(void *context, const struct dns_record *record)
{
	const struct taking *taking = context;
	struct dns_round *round = taking->round;
	const char *special = config_special_address(&record->addr);
	char text[ADDRESS_TEXT_LEN];

	if (special)
		return complain(&round->refused, -EINVAL,
				"the %s address '%s', expected a unicast address that packets can be forwarded to",
				special, address_format(&record->addr, text));
	if (round->found_count >= BACKEND_LIST_MAX)
		return complain(&round->refused, -E2BIG, "more than %u addresses, expected up to that",
				BACKEND_LIST_MAX);
	round->found[round->found_count++] = (struct dns_found){ record->addr, taking->target };
	round->targets[taking->target].addresses++;
	return 0;
}

void dns_round_addresses(struct dns_round *round, size_t target, bool ipv4, const struct dns_reply *reply)
{
	struct taking taking = { round, target };
	size_t before = round->found_count;
	const char **failed = &round->failed[ipv4 ? DNS_IPV4 : DNS_IPV6];
	int err;

	if (reply->kind == DNS_FAILED)
		*failed = reply->why;
	else if (reply->kind == DNS_NOTHING)
		round->nothing = reply->why;
	if (reply->kind != DNS_ANSWERED)
		return;
	err = dns_answer_walk(reply->message, reply->length, ipv4 ? DNS_A : DNS_AAAA, take_address, &taking,
			      &round->ttl);
	if (err == -EBADMSG) {
		*failed = NOT_UNDERSTOOD;
		round->targets[target].addresses -= (unsigned int)(round->found_count - before);
		round->found_count = before;
	} else if (!err && round->found_count == before && !round->nothing) {
		round->nothing = "an answer without addresses"; /* an alias that leads nowhere */
	}
}
