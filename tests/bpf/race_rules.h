/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What holds of every packet, whatever the other CPU has done meanwhile. */
#ifndef SERIN_TEST_RACE_RULES_H
#define SERIN_TEST_RACE_RULES_H

enum outcome { UNTOUCHED, REFUSED, FORWARDED };

verified_once int blame(struct race_state *state, __u32 fault)
{
	struct race_evidence *report;
	__u32 *count = THE_ONE(report_count), slot;

	if (!state || !count || fault >= RACE_FAULT_COUNT)
		return 0;
	state->faults[fault]++;
	state->now.fault = fault;
	state->now.cpu = bpf_get_smp_processor_id();
	if (state->faults[fault] > 2 || *count >= RACE_REPORTS)
		return 0;
	slot = __sync_fetch_and_add(count, 1);
	report = bpf_map_lookup_elem(&reports, &slot);
	if (report)
		*report = state->now;
	return 0;
}

static __always_inline void note(struct race_state *state, enum race_figure figure)
{
	state->figures[figure]++;
}

static __always_inline __u64 drops_so_far(void)
{
	__u64 sum = 0, *count;
	__u32 reason;

	for (reason = 0; reason < SERIN_DROPS; reason++) {
		count = bpf_map_lookup_elem(&drops, &reason);
		if (count)
			sum += *count;
	}
	return sum;
}

static __always_inline __u64 client_mac(const struct serin_addr *addr)
{
	return MAC_NUMBER(0x0d, 0, addr->byte[15]);
}

static __always_inline __u64 backend_mac(const struct serin_addr *addr)
{
	return MAC_NUMBER(0, 0x0b, addr->byte[15]);
}

static __always_inline bool same_bytes(const struct race_packet *packet, const struct race_seen *seen)
{
	return seen->sums_right && seen->ttl == 63 && seen->seq == packet->seq && seen->ack == packet->ack &&
	       seen->flags == packet->flags && seen->payload == packet->payload && seen->key == packet->key;
}

static __always_inline bool right_macs(const struct race_packet *packet, const struct race_seen *seen)
{
	if (packet->direction == SERIN_TO_BACKEND)
		return seen->mac_to == backend_mac(&seen->tuple.dst) && seen->mac_from == MAC_NUMBER(0, 1, 2);
	return seen->mac_to == client_mac(&seen->tuple.dst) && seen->mac_from == MAC_NUMBER(0, 1, 1);
}

/* Is this end the backend that the plan gives to the key? */
static __always_inline bool planned(__u32 key, const struct serin_addr *addr, __be16 port)
{
	__u32 *id = bpf_map_lookup_elem(&planned_backend, &key);
	const struct serin_backend *backend = id ? backend_at(*id) : NULL;

	return backend && backend->port == port && addr_equal(&backend->addr, addr);
}

static __always_inline bool port_in_range(__be16 port)
{
	return (__u32)bpf_ntohs(port) - config.port_first < config.port_count;
}

static __always_inline bool right_backend(const struct race_packet *packet, const struct race_tuple *out)
{
	struct serin_addr from = constant_addr(&config.snat);

	if (!planned(packet->key, &out->dst, out->dport))
		return false;
	if (config.forward == SERIN_FORWARD_NAT)
		return addr_equal(&out->src, &from) && port_in_range(out->sport);
	return addr_equal(&out->src, &packet->tuple.src) &&
	       (out->sport == packet->tuple.sport || port_in_range(out->sport));
}

/* The key whose client got the answer, or RACE_NO_KEY. */
static __always_inline __u32 key_of_answer(const struct race_tuple *out)
{
	__u32 client = bpf_ntohs(out->dport) - RACE_CLIENT_PORT, listener;
	struct serin_addr addr = constant_addr(&config.client), from;

	if (client >= config.keys / 2)
		return RACE_NO_KEY;
	addr.byte[15] = RACE_CLIENT_BASE + client % RACE_CLIENT_ADDRESSES;
	for (listener = 0; listener < 2; listener++) {
		from = constant_addr(&config.listener[listener].addr);
		if (addr_equal(&addr, &out->dst) && config.listener[listener].port == out->sport &&
		    addr_equal(&from, &out->src))
			return 2 * client + listener;
	}
	return RACE_NO_KEY;
}

static __always_inline bool right_client(const struct race_packet *packet, const struct race_tuple *out)
{
	__u32 key = key_of_answer(out);

	if (key == RACE_NO_KEY || !planned(key, &packet->tuple.src, packet->tuple.sport))
		return false;
	return config.forward == SERIN_FORWARD_NAT || addr_equal(&out->dst, &packet->tuple.dst);
}

verified_once int judge_forwarded(struct race_state *state)
{
	struct race_evidence *now;

	if (!state)
		return 0;
	now = &state->now;
	if (!same_bytes(&now->packet, &now->seen))
		blame(state, RACE_BYTES);
	if (!right_macs(&now->packet, &now->seen))
		blame(state, RACE_HOP);
	if (now->packet.direction == SERIN_TO_BACKEND ? !right_backend(&now->packet, &now->seen.tuple)
						      : !right_client(&now->packet, &now->seen.tuple))
		blame(state, RACE_STRANGER);
	if (now->drops)
		blame(state, RACE_UNCOUNTED);
	note(state, now->packet.direction == SERIN_TO_BACKEND ? RACE_TO_BACKEND : RACE_TO_CLIENT);
	return 0;
}

/* Not forwarded: may it be dropped, refused, passed at all? */
verified_once int judge_kept(struct race_state *state, __u32 outcome)
{
	struct race_evidence *now;

	if (!state)
		return 0;
	now = &state->now;
	if (now->drops > 1)
		blame(state, RACE_UNCOUNTED);
	if (now->packet.direction == SERIN_TO_CLIENT) {
		if (outcome == REFUSED || now->drops)
			blame(state, RACE_DROPPED);
		note(state, RACE_ASIDE);
	} else if (outcome == REFUSED) {
		if (now->packet.flags == TCP_SYN)
			blame(state, RACE_DROPPED);
		if (!now->seen.sums_right || now->seen.seq != now->packet.ack || now->seen.flags != TCP_RST ||
		    now->seen.mac_to != now->packet.mac)
			blame(state, RACE_BYTES);
		note(state, RACE_REFUSALS);
	} else {
		if (!now->drops)
			blame(state, RACE_PASSED);
		note(state, RACE_DROPS);
	}
	return 0;
}

#endif
