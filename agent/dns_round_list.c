/* SPDX-License-Identifier: BSD-2-Clause */
/* What a round of questions has gathered, as a list: which weight each address gets, and what of the last list is kept. */
#include <errno.h>

#include "dns_round.h"

#define MIN_INTERVAL_MS 1000

static const char *const record_names[] = { [DNS_IPV4] = "A", [DNS_IPV6] = "AAAA" };

/* A target's weight is that of all its addresses together, in 1/65536. */
static uint64_t part_of(const struct dns_target *target, bool all_zero)
{
	return ((uint64_t)(all_zero ? 1 : target->weight) << 16) / target->addresses;
}

/* Whether the weights of the records can stand as they are: each is one of ours, and targets have equally many addresses. */
static bool are_plain(const struct dns_round *round, bool all_zero)
{
	unsigned int addresses = 0;

	for (size_t i = 0; i < round->target_count; i++) {
		const struct dns_target *target = &round->targets[i];

		if (!target->addresses)
			continue;
		if ((!all_zero && (!target->weight || target->weight > BACKEND_WEIGHT_MAX)) ||
		    (addresses && addresses != target->addresses))
			return false;
		addresses = target->addresses;
	}
	return true;
}

/* What turns records' weights, 0 to 65535, into ours. RFC 2782: where all are 0 there is nothing to prefer; a 0 beside others
 * is "a very small chance", and ours would be none at all. */
struct scale {
	bool all_zero, plain;
	uint64_t most;
};

static struct scale find_scale(const struct dns_round *round)
{
	struct scale scale = { .all_zero = true };

	for (size_t i = 0; i < round->target_count; i++) {
		if (round->targets[i].addresses && round->targets[i].weight)
			scale.all_zero = false;
	}
	for (size_t i = 0; i < round->target_count; i++) {
		if (round->targets[i].addresses && part_of(&round->targets[i], scale.all_zero) > scale.most)
			scale.most = part_of(&round->targets[i], scale.all_zero);
	}
	scale.plain = are_plain(round, scale.all_zero);
	return scale;
}

static uint16_t weight_of(const struct dns_target *target, const struct scale *scale)
{
	uint64_t weight;

	if (scale->plain)
		return (uint16_t)(scale->all_zero ? 1 : target->weight);
	weight = (part_of(target, scale->all_zero) * BACKEND_WEIGHT_MAX + scale->most / 2) / scale->most;
	return (uint16_t)(weight ? weight : 1);
}

static int add_found(const struct dns_round *round, struct backend_list *list)
{
	struct scale scale = find_scale(round);
	int err = 0;

	for (size_t i = 0; !err && i < round->found_count; i++) {
		const struct dns_target *target = &round->targets[round->found[i].target];
		struct config_backend backend = {
			.endpoint = { round->found[i].addr, target->port },
			.weight = weight_of(target, &scale),
		};

		err = backend_list_add(list, &backend);
	}
	return err;
}

/* What of the last list is of a family that could not be asked. Some of it may have been found: a target that failed says
 * nothing about the others. */
static int keep_failed(const struct dns_round *round, const struct backend_list *last, struct backend_list *list)
{
	size_t found = list->count, j;
	int err = 0;

	for (size_t i = 0; !err && i < last->count; i++) {
		const struct endpoint *endpoint = &last->items[i].endpoint;

		if (!round->failed[address_is_ipv4(&endpoint->addr) ? DNS_IPV4 : DNS_IPV6])
			continue;
		for (j = 0; j < found; j++) {
			if (config_is_same_server(round->form.forward, &list->items[j].endpoint, endpoint))
				break;
		}
		if (j == found)
			err = backend_list_add(list, &last->items[i]);
	}
	return err;
}

static int refuse_too_many(struct complaint *text)
{
	return complain(text, -ENOENT, "more than %u addresses, expected up to that", BACKEND_LIST_MAX);
}

static int refuse_empty(const struct dns_round *round, struct complaint *text)
{
	const char *why = round->failed[DNS_IPV4];

	if (!why)
		why = round->failed[DNS_IPV6];
	if (!why)
		why = round->nothing ? round->nothing : "an empty answer";
	return complain(text, -ENOENT, "%s", why);
}

static void say_failed(const struct dns_round *round, struct complaint *text)
{
	int family = round->failed[DNS_IPV4] ? DNS_IPV4 : DNS_IPV6;

	text->text[0] = '\0';
	if (round->failed[family])
		complain(text, 0, "%s: %s, keeps the last of these", record_names[family], round->failed[family]);
}

int dns_round_finish(struct dns_round *round, const struct backend_list *last, struct backend_list *ret,
		     struct complaint *text)
{
	struct backend_list list = { .items = NULL };
	int err;

	if (round->refused.text[0])
		return complain(text, -ENOENT, "%s", round->refused.text);
	if (!round->found_count)
		return refuse_empty(round, text);
	err = add_found(round, &list);
	if (!err)
		err = keep_failed(round, last, &list);
	if (err) {
		backend_list_clear(&list);
		return err == -E2BIG ? refuse_too_many(text) : err;
	}
	backend_list_settle(&list, round->form.forward);
	say_failed(round, text);
	*ret = list;
	return 0;
}

int64_t dns_round_interval_ms(const struct dns_round *round, int64_t every_ms)
{
	int64_t ttl_ms = (int64_t)round->ttl * 1000;
	int64_t interval = ttl_ms < every_ms ? ttl_ms : every_ms;

	return interval > MIN_INTERVAL_MS ? interval : MIN_INTERVAL_MS;
}
