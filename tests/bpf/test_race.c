/* SPDX-License-Identifier: BSD-2-Clause */
/* Two CPUs open, end, evict and read the same few hundred flows in a table that is too small for them, millions of
 * times a second. Every packet is judged where it was made (race_judge.h); when all is quiet, the table is audited.
 * 6 s for each kind of service, or SERIN_HAMMER_SECONDS. */
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "expect.h"
#include "race_arena.h"
#include "race_print.h"

#define CPUS 2
#define PACKETS_PER_CALL 300000

static int cpus[CPUS];
static double seconds = 6;

/* Two that this process may use. */
static void find_cpus(void)
{
	cpu_set_t set;
	int cpu, found = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		lab_die("sched_getaffinity: %s", strerror(errno));
	for (cpu = 0; cpu < CPU_SETSIZE && found < CPUS; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[found++] = cpu;
	if (found == CPUS)
		return;
	fprintf(stderr, "skipped: needs %d CPUs\n", CPUS);
	exit(NET_SKIP);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The states of both CPUs: an array of all possible ones. */
static struct race_state *states_read(const struct arena *arena)
{
	struct race_state *states = calloc((size_t)libbpf_num_possible_cpus(), sizeof(*states));
	__u32 zero = 0;

	if (!states || bpf_map_lookup_elem(arena_map(arena, "states"), &zero, states))
		lab_die("states: %s", strerror(errno));
	return states;
}

static void states_start(const struct arena *arena, bool settling)
{
	struct race_state *states = states_read(arena);
	__u32 zero = 0;
	int i;

	for (i = 0; i < CPUS; i++) {
		struct race_state *state = &states[cpus[i]];

		state->random = 0x9e3779b97f4a7c15ull * (unsigned int)(i + 1);
		state->armed = 0;
		state->next = RACE_ANYTHING;
		state->settling = settling;
	}
	if (bpf_map_update_elem(arena_map(arena, "states"), &zero, states, BPF_ANY))
		lab_die("states: %s", strerror(errno));
	free(states);
}

struct worker {
	const struct arena *arena;
	pthread_t thread;
	int cpu;
	double until;
};

static void *work(void *argument)
{
	const struct worker *worker = argument;
	unsigned char frame[RACE_FRAME] = { 0 };
	struct xdp_md context = { .data_end = sizeof(frame),
				  .ingress_ifindex = worker->arena->lab->ifindex[LAB_FRONT] };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(worker->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		lab_die("cannot stay on CPU %d: %s", worker->cpu, strerror(errno));
	do {
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
			    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = PACKETS_PER_CALL);

		if (bpf_prog_test_run_opts(worker->arena->program, &options))
			lab_die("cannot run the hammer: %s", strerror(errno));
	} while (now() < worker->until);
	return NULL;
}

/* While `workers` CPUs hammer, every next hop is looked up again now and then. */
static void hammer(const struct arena *arena, int workers, double duration)
{
	struct worker worker[CPUS];
	double end = now() + duration;
	int i;

	for (i = 0; i < workers; i++) {
		worker[i] = (struct worker){ .arena = arena, .cpu = cpus[i], .until = end };
		if (pthread_create(&worker[i].thread, NULL, work, &worker[i]))
			lab_die("no thread");
	}
	while (now() < end) {
		struct timespec pause = { .tv_nsec = 50000000 };

		nanosleep(&pause, NULL);
		datapath_bump_routes(arena->lab->datapath);
	}
	for (i = 0; i < workers; i++)
		pthread_join(worker[i].thread, NULL);
}

/* Sum over both CPUs. */
static void read_counters(const struct arena *arena, __u64 faults[RACE_FAULT_COUNT], __u64 figures[RACE_FIGURE_COUNT])
{
	struct race_state *states = states_read(arena);
	int cpu, i;

	memset(faults, 0, RACE_FAULT_COUNT * sizeof(*faults));
	memset(figures, 0, RACE_FIGURE_COUNT * sizeof(*figures));
	for (cpu = 0; cpu < CPUS; cpu++) {
		for (i = 0; i < RACE_FAULT_COUNT; i++)
			faults[i] += states[cpus[cpu]].faults[i];
		for (i = 0; i < RACE_FIGURE_COUNT; i++)
			figures[i] += states[cpus[cpu]].figures[i];
	}
	free(states);
}

/* What flowtable_check() does not look at. */
static unsigned int audit(const struct arena *arena)
{
	const struct lab *lab = arena->lab;
	uint32_t ways = datapath_buckets(lab->datapath) * SERIN_WAYS_PER_BUCKET, held = 0, endpoint, place, i;
	struct flowtable_count count = flowtable_count(lab);
	unsigned int wrong = flowtable_check(lab, stdout), live = 0;

	for (i = 0; i < 8; i++)
		live += count.live[i];
	for (i = 0; i < ways; i++) {
		uint64_t tags = flowtable_tags(lab, i / SERIN_WAYS_PER_BUCKET);

		if (flowtable_state(lab, i) == SERIN_WAY_FREE && ((uint8_t *)&tags)[i % SERIN_WAYS_PER_BUCKET]) {
			print_message("free way %u has a tag\n", i);
			wrong++;
		}
	}
	for (endpoint = 0; endpoint < lab->image->endpoint_count; endpoint++)
		for (place = 0; place < flowtable_owner_count(lab, endpoint); place++)
			held += (flowtable_owner(lab, endpoint, place) & SERIN_OWNER_HELD) != 0;
	print_message(
		"  at rest: %u ways of %u live (%u embryonic, %u established, %u half-closed, %u closed), %u flows, "
		"%u ports held\n",
		live, ways, count.live[4], count.live[5], count.live[6], count.live[7], count.flows, held);
	if (live != 2 * count.flows || (arena->kind->forward == SERIN_FORWARD_NAT && held != count.flows) ||
	    (arena->kind->forward != SERIN_FORWARD_NAT && held)) {
		print_message("flows, ways and ports do not match\n");
		wrong++;
	}
	return wrong;
}

/* Only these may befall a client's packet here. */
static void assert_drops(const uint64_t drops[SERIN_DROPS])
{
	static const uint8_t expected[SERIN_DROPS] = {
		[SERIN_DROP_NO_FLOW] = 1,   [SERIN_DROP_RST_LIMITED] = 1,    [SERIN_DROP_FLOW_TABLE_FULL] = 1,
		[SERIN_DROP_CONTENDED] = 1, [SERIN_DROP_SNAT_EXHAUSTED] = 1, [SERIN_DROP_TUPLE_CLASH] = 1,
	};
	int i;

	for (i = 0; i < SERIN_DROPS; i++)
		if (!expected[i])
			assert_int_equal(drops[i], 0);
}

/* The paths that this test is about have been taken, often. */
static void assert_effort(const struct arena *arena, const __u64 *figures, const struct expect_counters *counters)
{
	const struct serin_table_stats *table = &counters->table;

	assert_true(table->lost_races > 0);
	assert_true(table->evicted[SERIN_WAY_EMBRYONIC] > 0 && table->evicted[SERIN_WAY_CLOSED] + table->expired > 0);
	if (arena->kind->forward == SERIN_FORWARD_NAT)
		assert_true(table->ports_retaken > 0 && table->ports_unrested > 0 && figures[RACE_OWNERS] > 0);
	assert_true(figures[RACE_PARTNERS] > 0 && figures[RACE_RESIDENTS] > 0 && figures[RACE_EITHER] > 0);
	/* What could be judged by the plan only is an exception. */
	assert_true(figures[RACE_UNSETTLED] < figures[RACE_ROUNDS] / 100);
	assert_true(figures[RACE_OVERLAPS] < figures[RACE_ROUNDS] / 10000);
}

static void open_residents(const struct arena *arena)
{
	struct race_state *states;
	unsigned int settled;

	states_start(arena, true);
	hammer(arena, 1, 0);
	states = states_read(arena);
	settled = states[cpus[0]].settled;
	free(states);
	states_start(arena, false);
	if (settled == arena->config.residents)
		return;
	print_reports(arena);
	fail_msg("%s: %u of %u residents are established", arena->kind->name, settled, arena->config.residents);
}

static void strike(const struct arena_kind *kind)
{
	__u64 faults[RACE_FAULT_COUNT], figures[RACE_FIGURE_COUNT];
	struct expect_counters counters;
	unsigned int wrong, i;
	struct arena arena;

	arena_open(&arena, kind, cpus);
	open_residents(&arena);
	hammer(&arena, CPUS, seconds);
	read_counters(&arena, faults, figures);
	counters = expect_read_counters(arena.lab);
	print_figures(&arena, figures, &counters);
	wrong = audit(&arena);
	print_reports(&arena);
	for (i = 0; i < RACE_FAULT_COUNT; i++) {
		if (faults[i])
			print_message("%llu times: %s\n", (unsigned long long)faults[i], fault_texts[i]);
		wrong += faults[i] != 0;
	}
	assert_int_equal(wrong, 0);
	assert_drops(counters.drops);
	assert_effort(&arena, figures, &counters);
	arena_close(&arena);
}

#define HOSTS4                                                                          \
	.listener = { "203.0.113.10:80", "203.0.113.10:81" }, .client = "198.51.100.0", \
	.backend = { "10.0.0.17:3000", "10.0.0.18:3000", "10.0.0.19:3000" }
#define HOSTS6                                                                                     \
	.listener = { "[2001:db8:f::10]:80", "[2001:db8:f::11]:80" }, .client = "2001:db8:c::1:0", \
	.backend = { "[2001:db8:b::11]:3000", "[2001:db8:b::12]:3000", "[2001:db8:b::13]:3000" }

static void nat_ipv4(void **state)
{
	(void)state;
	strike(&(struct arena_kind){ "nat, IPv4", SERIN_FORWARD_NAT, HOSTS4, .snat = "10.0.0.1", .clients = 600,
				     .residents = 40, .ports = 150 });
}

static void nat_ipv6(void **state)
{
	(void)state;
	strike(&(struct arena_kind){ "nat, IPv6", SERIN_FORWARD_NAT, HOSTS6, .snat = "2001:db8:b::1", .clients = 600,
				     .residents = 40, .ports = 150 });
}

static void gateway_ipv4(void **state)
{
	(void)state;
	strike(&(struct arena_kind){ "gateway, IPv4", SERIN_FORWARD_GATEWAY, HOSTS4, .clients = 600, .residents = 40,
				     .ports = 150 });
}

static void gateway_ipv6(void **state)
{
	(void)state;
	strike(&(struct arena_kind){ "gateway, IPv6", SERIN_FORWARD_GATEWAY, HOSTS6, .clients = 600, .residents = 40,
				     .ports = 150 });
}

/* An argument: the test to run ("gateway_*"). */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nat_ipv4),
		cmocka_unit_test(nat_ipv6),
		cmocka_unit_test(gateway_ipv4),
		cmocka_unit_test(gateway_ipv6),
	};
	const char *wanted = getenv("SERIN_HAMMER_SECONDS");

	if (wanted && atof(wanted) > 0)
		seconds = atof(wanted);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	find_cpus();
	net_enter();
	return cmocka_run_group_tests_name("race", tests, NULL, NULL);
}
