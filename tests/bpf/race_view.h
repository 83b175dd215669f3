/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looking into the flow table while it is worked on. Tags are not looked at, so that what they hide shows. */
#ifndef SERIN_TEST_RACE_VIEW_H
#define SERIN_TEST_RACE_VIEW_H

static __always_inline bool tuple_equal(const struct race_tuple *a, const struct race_tuple *b)
{
	return a->ports == b->ports && addr_equal(&a->src, &b->src) && addr_equal(&a->dst, &b->dst);
}

static __always_inline void tuple_turn(const struct race_tuple *in, struct race_tuple *ret)
{
	ret->src = in->dst;
	ret->dst = in->src;
	ret->sport = in->dport;
	ret->dport = in->sport;
}

/* Is the way that generation's, and live, now? */
static __always_inline bool still_live(__u32 index, __u32 claim)
{
	const struct serin_way *way = way_at(index);
	__u32 now;

	load_fence();
	if (!way)
		return false;
	now = READ_ONCE(way->claim);
	return SERIN_WAY_STATE(now) >= SERIN_WAY_EMBRYONIC && SERIN_WAY_GENERATION(now) == SERIN_WAY_GENERATION(claim);
}

/* Key and outcome of a way, from what it holds. */
static __always_inline bool way_tuples(const struct serin_way *way, struct race_tuple *key, struct race_view *ret)
{
	const struct serin_listener *listener = listener_at(READ_ONCE(way->listener));
	const struct serin_backend *backend = backend_at(ret->backend);
	const struct serin_addr *outside = &way->client;
	__u32 snat_index = ret->snat;
	struct race_tuple near = {}, far = {}; /* client -> listener, backend -> source address */

	if (snat_index != SERIN_NO_SNAT)
		outside = bpf_map_lookup_elem(&snat, &snat_index);
	if (!listener || !backend || !outside)
		return false;
	near.src = way->client;
	near.sport = way->client_port;
	near.dst = listener->addr;
	near.dport = listener->port;
	far.src = backend->addr;
	far.sport = backend->port;
	far.dst = *outside;
	far.dport = ret->nat_port;
	if (ret->direction == SERIN_TO_BACKEND) {
		*key = near;
		tuple_turn(&far, &ret->out);
	} else {
		*key = far;
		tuple_turn(&near, &ret->out);
	}
	return true;
}

/* Is this way live and the tuple's? All of `ret` is of one generation then. */
static __always_inline bool view_read(__u32 index, const struct race_tuple *tuple, struct race_view *ret)
{
	const struct serin_way *way = way_at(index);
	struct race_tuple key = {};

	if (!way)
		return false;
	ret->index = index;
	ret->claim = READ_ONCE(way->claim);
	load_fence();
	if (SERIN_WAY_STATE(ret->claim) < SERIN_WAY_EMBRYONIC || READ_ONCE(way->client_port) == 0)
		return false;
	ret->peer = READ_ONCE(way->peer);
	ret->peer_generation = READ_ONCE(way->peer_generation);
	ret->backend = READ_ONCE(way->backend);
	ret->nat_port = READ_ONCE(way->nat_port);
	ret->snat = READ_ONCE(way->snat);
	ret->direction = SERIN_WAY_DIRECTION(way);
	if (!way_tuples(way, &key, ret) || !tuple_equal(&key, tuple))
		return false;
	return still_live(index, ret->claim);
}

/* Find the live way of a tuple. 1: there were two at one moment. */
verified_once int view_take(const struct race_tuple *tuple, struct race_view *ret)
{
	struct race_view found = {};
	__u32 i, one, other;
	__u64 hash;

	if (!tuple || !ret)
		return 0;
	hash = flow_hash(&tuple->src, &tuple->dst, tuple->ports, IPPROTO_TCP);
	one = first_bucket(hash);
	other = second_bucket(hash);
	ret->claim = 0;
	for (i = 0; i < 2 * SERIN_WAYS_PER_BUCKET; i++) {
		__u32 bucket = i < SERIN_WAYS_PER_BUCKET ? one : other;

		if (i == SERIN_WAYS_PER_BUCKET && one == other)
			break;
		if (!view_read(bucket << WAY_BITS | (i & (SERIN_WAYS_PER_BUCKET - 1)), tuple, &found))
			continue;
		/* The first was live before the second was seen to be; live still: both at once. */
		if (ret->claim && still_live(ret->index, ret->claim))
			return 1;
		*ret = found;
	}
	return 0;
}

static __always_inline bool view_same(const struct race_view *a, const struct race_view *b)
{
	return a->claim && b->claim && a->index == b->index &&
	       SERIN_WAY_GENERATION(a->claim) == SERIN_WAY_GENERATION(b->claim);
}

/* The owner word of a view's port. */
static __always_inline __u64 view_owner(const struct race_view *view)
{
	const struct serin_backend *backend = backend_at(view->backend);
	void *words;
	__u32 endpoint, place;
	__u64 *owner;

	if (!backend)
		return 0;
	endpoint = backend->endpoint;
	place = (view->snat - backend->snat_first) * config.port_count + bpf_ntohs(view->nat_port) - config.port_first;
	words = bpf_map_lookup_elem(&owners, &endpoint);
	owner = words ? bpf_map_lookup_elem(words, &place) : NULL;
	return owner ? READ_ONCE(*owner) : 0;
}

/* What the owner word of a view's port must be while the flow is live. */
static __always_inline __u64 view_ownership(const struct race_view *view)
{
	if (view->direction == SERIN_TO_BACKEND)
		return SERIN_OWNER(view->index, SERIN_WAY_GENERATION(view->claim));
	return SERIN_OWNER(view->peer, view->peer_generation);
}

#endif
