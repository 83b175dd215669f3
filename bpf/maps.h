/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every map. Those that the agent writes are only read here, and the other way round. */
#ifndef SERIN_MAPS_H
#define SERIN_MAPS_H

#include <serin/abi.h>
#include <serin/reasons.h>

#define MAP_WITH(name_, type_, flags_, entries_, key_, value_) \
	struct {                                               \
		__uint(type, BPF_MAP_TYPE_##type_);            \
		__uint(map_flags, flags_);                     \
		__uint(max_entries, entries_);                 \
		__type(key, key_);                             \
		__type(value, value_);                         \
	} name_ SEC(".maps")
#define MAP(name_, type_, entries_, key_, value_) MAP_WITH(name_, type_, 0, entries_, key_, value_)

/* Written by the agent */
MAP(identity, ARRAY, 1, __u32, struct serin_identity);
MAP(settings, ARRAY, 1, __u32, struct serin_settings);
MAP(devices, ARRAY, SERIN_MAX_DEVICES, __u32, struct serin_device);
MAP(device_ids, HASH, SERIN_MAX_DEVICES, __u32, __u32);                             /* ifindex -> device id */
MAP(listener_ids, HASH, 2 * SERIN_MAX_LISTENERS, struct serin_listener_key, __u32); /* with and without a port */
MAP(listeners, ARRAY, SERIN_MAX_LISTENERS, __u32, struct serin_listener);
MAP(services, ARRAY, SERIN_MAX_SERVICES, __u32, struct serin_service);
MAP(backends, ARRAY, SERIN_MAX_BACKENDS, __u32, struct serin_backend);
MAP(snat, ARRAY, SERIN_MAX_SNAT, __u32, struct serin_addr);
MAP_WITH(rules, LPM_TRIE, BPF_F_NO_PREALLOC, SERIN_MAX_RULES, struct serin_rule_key, __u32);
MAP_WITH(guards, ARRAY, BPF_F_MMAPABLE, SERIN_VERSION_PLACES, __u32, struct serin_guard);
MAP_WITH(slow_limits, ARRAY, BPF_F_MMAPABLE, SERIN_MAX_SERVICES, __u32, struct serin_slow_limits);

/* Made by the agent, counted in by the kernel. */
struct observed_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct serin_observed));
} observed_shape SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SERIN_MAX_BACKENDS);
	__type(key, __u32);
	__array(values, struct observed_map);
} observed SEC(".maps");

/* Sizes, not types: for Linux 6.1 a struct that BTF describes and one that it does not are two shapes, and it answers
 * EINVAL to the plan that the agent makes. */
struct plan_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct serin_plan));
} plan_shape SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SERIN_MAX_SERVICES);
	__type(key, __u32);
	__array(values, struct plan_map);
} plans SEC(".maps");

/* Written by the kernel. The sizes of the flow table are set when it is loaded. An array that can be mapped begins on a
 * page of its own; any other behind its header, where every way would lie across two cache lines. */
MAP_WITH(tags, ARRAY, BPF_F_MMAPABLE, 1, __u32, __u64);
MAP_WITH(ways, ARRAY, BPF_F_MMAPABLE, SERIN_WAYS_PER_BUCKET, __u32, struct serin_way);
MAP(hops, ARRAY, SERIN_MAX_BACKENDS, __u32, struct serin_hop);
MAP(cursors, PERCPU_ARRAY, SERIN_MAX_BACKENDS, __u32, __u32);
MAP(stats, PERCPU_ARRAY, SERIN_MAX_BACKENDS, __u32, struct serin_stats);
MAP(openings, ARRAY, SERIN_MAX_SERVICES, __u32, __u64);
MAP(named, ARRAY, SERIN_MAX_BACKENDS, __u32, __u32);
MAP_WITH(incidents, ARRAY, BPF_F_MMAPABLE, SERIN_VERSION_PLACES, __u32, struct serin_incidents);
MAP_WITH(slow, ARRAY, BPF_F_MMAPABLE, SERIN_VERSION_PLACES, __u32, struct serin_slow);
MAP_WITH(served, ARRAY, BPF_F_MMAPABLE, SERIN_VERSION_PLACES, __u32, struct serin_served);
MAP_WITH(trips, ARRAY, BPF_F_MMAPABLE, SERIN_VERSION_PLACES, __u32, struct serin_trip);
MAP(turned_away, PERCPU_ARRAY, SERIN_VERSION_PLACES, __u32, struct serin_turned_away);
MAP(strikes, ARRAY, SERIN_MAX_BACKENDS, __u32, __u32);
MAP(clients, ARRAY, SERIN_CLIENT_BUCKETS, __u32, struct serin_clients);
MAP(slow_clients, ARRAY, SERIN_CLIENT_BUCKETS, __u32, struct serin_clients);
MAP(drops, PERCPU_ARRAY, SERIN_DROPS, __u32, __u64);
MAP(table_stats, PERCPU_ARRAY, 1, __u32, struct serin_table_stats);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SERIN_FLOW_LOG_BYTES);
} flow_log SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SERIN_VERDICTS_BYTES);
} verdicts SEC(".maps");

/* See watch.h. */
struct serin_watch {
	struct bpf_timer timer;
	__u32 position; /* the way that is looked at next */
	__u32 swept;    /* stamp: the agent's last sweep */
};
MAP(watches, ARRAY, 1, __u32, struct serin_watch);

struct answer_budget {
	__u32 stamp;
	__u32 spent;
};
MAP(answer_budgets, PERCPU_ARRAY, 1, __u32, struct answer_budget);

struct owner_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP); /* one per endpoint, as long as its addresses times ports */
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} owner_shape SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SERIN_MAX_BACKENDS);
	__type(key, __u32);
	__array(values, struct owner_map);
} owners SEC(".maps");

/* The one entry of a map that has one. */
#define THE_ONE(map) bpf_map_lookup_elem(&(map), &(__u32){ 0 })

static __always_inline struct serin_way *way_at(__u32 index)
{
	return bpf_map_lookup_elem(&ways, &index);
}

static __always_inline struct serin_backend *backend_at(__u32 id)
{
	return bpf_map_lookup_elem(&backends, &id);
}

static __always_inline struct serin_listener *listener_at(__u32 id)
{
	return bpf_map_lookup_elem(&listeners, &id);
}

#endif
