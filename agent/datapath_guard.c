/* SPDX-License-Identifier: BSD-2-Clause */
/* The maps of guards, in the agent's memory: words of eight bytes, each written by one side only. */
#include "datapath_guard.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include "datapath_private.h"
#include "loop.h"

#define LOAD(from) __atomic_load_n(&(from), __ATOMIC_ACQUIRE)
/* Nothing that was stored before is seen later. */
#define STORE(to, value) __atomic_store_n(&(to), (value), __ATOMIC_RELEASE)

/* The kernel maps whole pages, and rounds up by itself. NULL: errno says why. */
static void *map(int fd, size_t length, int protection)
{
	void *there = mmap(NULL, length, protection, MAP_SHARED, fd, 0);

	return there == MAP_FAILED ? NULL : there;
}

/* Every mapping: where its address is kept, the map, how long, and whether the agent writes it. */
#define MAPPINGS(X)                                                \
	X(guards, SERIN_VERSION_PLACES, PROT_READ | PROT_WRITE)    \
	X(slow_limits, SERIN_MAX_SERVICES, PROT_READ | PROT_WRITE) \
	X(trips, SERIN_VERSION_PLACES, PROT_READ)                  \
	X(incidents, SERIN_VERSION_PLACES, PROT_READ)              \
	X(slow, SERIN_VERSION_PLACES, PROT_READ)                   \
	X(served, SERIN_VERSION_PLACES, PROT_READ)

int datapath_map_guards(struct datapath *datapath, struct complaint *complaint)
{
	struct guard_maps *maps = &datapath->guards;

#define MAP_ONE(name, count, protection)                                                       \
	maps->name = map(MAP_FD(datapath, name), (count) * sizeof(*maps->name), (protection)); \
	if (!maps->name)                                                                       \
		return complain(complaint, -errno, "cannot map the kernel's table '%s': %s", #name, strerror(errno));
	MAPPINGS(MAP_ONE)
#undef MAP_ONE
	return 0;
}

void datapath_unmap_guards(struct datapath *datapath)
{
	struct guard_maps *maps = &datapath->guards;

#define UNMAP_ONE(name, count, protection)                                 \
	if (maps->name)                                                    \
		munmap((void *)maps->name, (count) * sizeof(*maps->name)); \
	maps->name = NULL;
	MAPPINGS(UNMAP_ONE)
#undef UNMAP_ONE
}

static bool is_place(unsigned int service, unsigned int version)
{
	return service < SERIN_MAX_SERVICES && version < SERIN_MAX_VERSIONS;
}

static struct serin_guard *guard_at(struct datapath *datapath, unsigned int service, unsigned int version)
{
	return &datapath->guards.guards[SERIN_VERSION_PLACE(service, version)];
}

static bool lines_are_valid(const struct guard_lines *lines)
{
	for (size_t i = 0; i < SERIN_LINES; i++)
		if (lines->line[i].slope < 0)
			return false;
	return true;
}

/* The pair that does not hold, then the word by which it does. */
static void write_lines(struct serin_guard *guard, const struct guard_lines *lines)
{
	uint32_t written = (uint32_t)guard->lines + 1;
	struct serin_line *line = guard->line[SERIN_GUARD_PAIR(written)];

	for (size_t i = 0; i < SERIN_LINES; i++) {
		STORE(line[i].allowance, lines->line[i].allowance);
		STORE(line[i].slope, lines->line[i].slope);
	}
	STORE(guard->settle_ns, lines->settle_ns);
	STORE(guard->lines, SERIN_GUARD_LINES(lines->epoch, written));
}

/* The numbers are in the maps: another agent's are among those that were before. */
static uint64_t next_arm(const struct serin_guard *guard, const struct serin_trip *trip)
{
	uint64_t last = guard->last_arm;

	if (guard->arm > last)
		last = guard->arm;
	if (SERIN_TRIP_ARM(LOAD(trip->word)) > last)
		last = SERIN_TRIP_ARM(trip->word);
	return last + 1;
}

int datapath_guard_arm(struct datapath *datapath, unsigned int service, unsigned int version,
		       const struct guard_lines *lines, uint64_t lease_ns, uint64_t *ret_arm)
{
	struct serin_guard *guard;
	uint64_t arm;

	if (!is_place(service, version) || !lines_are_valid(lines))
		return -EINVAL;
	guard = guard_at(datapath, service, version);
	arm = next_arm(guard, &datapath->guards.trips[SERIN_VERSION_PLACE(service, version)]);
	STORE(guard->last_arm, arm);
	write_lines(guard, lines);
	STORE(guard->lease_ns, lease_ns);
	/* Nobody is to meet the new arming with what was before it, nor the old one open. */
	STORE(guard->arm, arm);
	STORE(guard->closed, 0);
	if (ret_arm)
		*ret_arm = arm;
	return 0;
}

int datapath_guard_disarm(struct datapath *datapath, unsigned int service, unsigned int version)
{
	if (!is_place(service, version))
		return -EINVAL;
	STORE(guard_at(datapath, service, version)->arm, 0);
	return 0;
}

static int armed(struct datapath *datapath, unsigned int service, unsigned int version, struct serin_guard **ret)
{
	if (!is_place(service, version))
		return -EINVAL;
	*ret = guard_at(datapath, service, version);
	return (*ret)->arm ? 0 : -ENOENT;
}

int datapath_guard_line(struct datapath *datapath, unsigned int service, unsigned int version,
			const struct guard_lines *lines)
{
	struct serin_guard *guard;
	int r = lines_are_valid(lines) ? armed(datapath, service, version, &guard) : -EINVAL;

	if (!r)
		write_lines(guard, lines);
	return r;
}

int datapath_guard_lease(struct datapath *datapath, unsigned int service, unsigned int version, uint64_t lease_ns)
{
	struct serin_guard *guard;
	int r = armed(datapath, service, version, &guard);

	if (!r)
		STORE(guard->lease_ns, lease_ns);
	return r;
}

int datapath_guard_close(struct datapath *datapath, unsigned int service, unsigned int version, bool closed)
{
	struct serin_guard *guard;
	int r = armed(datapath, service, version, &guard);

	if (!r)
		STORE(guard->closed, closed);
	return r;
}

int datapath_guard_read(const struct datapath *datapath, unsigned int service, unsigned int version,
			struct guard_state *ret)
{
	const struct serin_guard *guard;
	const struct serin_trip *trip;
	uint64_t word;

	if (!is_place(service, version))
		return -EINVAL;
	guard = &datapath->guards.guards[SERIN_VERSION_PLACE(service, version)];
	trip = &datapath->guards.trips[SERIN_VERSION_PLACE(service, version)];
	*ret = (struct guard_state){
		.arm = guard->arm,
		.lease_ns = guard->lease_ns,
		.closed = guard->closed != 0,
		.lines = { .epoch = SERIN_GUARD_EPOCH(guard->lines), .settle_ns = guard->settle_ns },
	};
	memcpy(ret->lines.line, guard->line[SERIN_GUARD_PAIR(guard->lines)], sizeof(ret->lines.line));
	word = LOAD(trip->word);
	if (!ret->arm || SERIN_TRIP_ARM(word) != ret->arm)
		return 0;
	ret->tripped = true;
	ret->line = SERIN_TRIP_LINE(word);
	ret->tripped_ns = LOAD(trip->ns);
	return 0;
}

enum serin_guard_reason datapath_guard_refusal(const struct datapath *datapath, unsigned int service,
					       unsigned int version)
{
	struct guard_state guard;

	if (datapath_guard_read(datapath, service, version, &guard) || !guard.arm)
		return SERIN_GUARD_REASON_COUNT;
	if (guard.tripped)
		return SERIN_GUARD_ERRORS;
	if (guard.closed)
		return SERIN_GUARD_CLOSED;
	if (guard.lease_ns && loop_now_ns() > guard.lease_ns)
		return SERIN_GUARD_LEASE;
	return SERIN_GUARD_REASON_COUNT;
}

int datapath_guard_turned_away(struct datapath *datapath, unsigned int service, unsigned int version,
			       struct serin_turned_away *ret)
{
	if (!is_place(service, version))
		return -EINVAL;
	return datapath_read_per_cpu(datapath, MAP_FD(datapath, turned_away), SERIN_VERSION_PLACE(service, version),
				     sizeof(*ret), ret);
}

/* Counters of eight bytes, which other CPUs move. */
static void load_words(const void *from, void *ret, size_t size)
{
	const uint64_t *words = from;
	uint64_t *to = ret;

	for (size_t i = 0; i < size / sizeof(*to); i++)
		to[i] = LOAD(words[i]);
}

int datapath_guard_incidents(const struct datapath *datapath, unsigned int service, unsigned int version,
			     struct serin_incidents *ret)
{
	if (!is_place(service, version))
		return -EINVAL;
	load_words(&datapath->guards.incidents[SERIN_VERSION_PLACE(service, version)], ret, sizeof(*ret));
	return 0;
}

int datapath_guard_slow(const struct datapath *datapath, unsigned int service, unsigned int version,
			struct serin_slow *ret)
{
	if (!is_place(service, version))
		return -EINVAL;
	load_words(&datapath->guards.slow[SERIN_VERSION_PLACE(service, version)], ret, sizeof(*ret));
	return 0;
}

int datapath_guard_served(const struct datapath *datapath, unsigned int service, unsigned int version,
			  struct serin_served *ret)
{
	if (!is_place(service, version))
		return -EINVAL;
	load_words(&datapath->guards.served[SERIN_VERSION_PLACE(service, version)], ret, sizeof(*ret));
	return 0;
}

int datapath_guard_slow_limits(struct datapath *datapath, unsigned int service, const struct serin_slow_limits *limits)
{
	static const struct serin_slow_limits off;
	struct serin_slow_limits *there;

	if (service >= SERIN_MAX_SERVICES)
		return -EINVAL;
	there = &datapath->guards.slow_limits[service];
	if (!limits)
		limits = &off;
	for (size_t kind = 0; kind < SERIN_TURN_KINDS; kind++)
		for (size_t k = 0; k < SERIN_QUANTILES; k++)
			STORE(there->ticks[kind][k], limits->ticks[kind][k]);
	return 0;
}

void datapath_read_incidents(const struct datapath *datapath,
			     struct serin_incidents ret[SERIN_MAX_SERVICES][SERIN_MAX_VERSIONS])
{
	load_words(datapath->guards.incidents, ret, SERIN_VERSION_PLACES * sizeof(ret[0][0]));
}

/* One of the kernel's own maps: nothing is counted there, since no flow has that version yet. */
static int clear_entry(int fd, __u32 place, const void *zero)
{
	return bpf_map_update_elem(fd, &place, zero, BPF_ANY) ? -errno : 0;
}

static int clear_place(struct datapath *datapath, unsigned int service, unsigned int version)
{
	static const struct serin_incidents no_incidents;
	static const struct serin_served nobody_served;
	static const struct serin_slow no_slow;
	__u32 place = SERIN_VERSION_PLACE(service, version);
	int r;

	datapath_guard_disarm(datapath, service, version);
	r = clear_entry(MAP_FD(datapath, incidents), place, &no_incidents);
	if (!r)
		r = clear_entry(MAP_FD(datapath, slow), place, &no_slow);
	if (!r)
		r = clear_entry(MAP_FD(datapath, served), place, &nobody_served);
	if (r)
		return r;
	memset(datapath->per_cpu, 0, (size_t)datapath->cpus * sizeof(struct serin_turned_away));
	return clear_entry(MAP_FD(datapath, turned_away), place, datapath->per_cpu);
}

int datapath_clear_versions(struct datapath *datapath, const struct serin_service *from, const struct serin_service *to,
			    unsigned int service)
{
	int r = 0;

	for (__u32 v = 0; !r && v < SERIN_MAX_VERSIONS; v++) {
		if (!to->version[v][0] || (!strncmp(from->name, to->name, sizeof(to->name)) &&
					   !strncmp(from->version[v], to->version[v], sizeof(to->version[v]))))
			continue;
		r = clear_place(datapath, service, v);
	}
	return r;
}
