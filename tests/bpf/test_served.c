/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom a version on trial has answered: which connections count, into which register, and for which draw. */
#include <math.h>

#include <serin/split.h>
#include "served.h"
#include "trial.h"

static struct serin_served served_by(const struct trial *trial, uint8_t version)
{
	struct serin_served served;

	assert_int_equal(datapath_guard_served(trial->lab->datapath, trial->service, version, &served), 0);
	return served;
}

static uint64_t seed_of(const struct trial *trial)
{
	struct serin_plan *plan = malloc(sizeof(*plan));
	uint64_t seed;

	assert_non_null(plan);
	assert_int_equal(datapath_get_plan(trial->lab->datapath, trial->service, plan), 0);
	seed = plan->seed;
	free(plan);
	return seed;
}

static double estimate(const struct trial *trial, uint8_t version)
{
	struct serin_served served = served_by(trial, version);

	return served_estimate(&served, seed_of(trial));
}

/* Few of them hardly ever share a register. */
static void expect_clients(const struct trial *trial, const char *when, unsigned int expected)
{
	double found = estimate(trial, trial->canary);

	if (found < expected - 0.5 || found > expected + 0.5)
		fail_msg("%s: %.2f clients, expected %u", when, found, expected);
}

static struct visit connect_from(const struct trial *trial, unsigned int client, uint16_t port)
{
	struct visit visit = visit_of(trial, client, port);

	visit_answer(&visit, SYN | ACK, BACKEND_ISN, CLIENT_ISN + 1, NULL);
	visit_say(&visit, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, NULL);
	return visit;
}

static void ask_and_answer(const struct visit *visit)
{
	visit_say(visit, PSH | ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, "ask");
	visit_answer(visit, PSH | ACK, BACKEND_ISN + 1, CLIENT_ISN + 4, "say");
}

static void serve_one(const struct trial *trial, unsigned int client, uint16_t port)
{
	struct visit visit = connect_from(trial, client, port);

	ask_and_answer(&visit);
}

static void once_it_is_answered(void **state)
{
	struct trial trial = trial_open();
	unsigned int client = client_drawn_for(&trial, trial.canary_backend);
	struct visit visit = visit_of(&trial, client, 40000);

	(void)state;
	expect_clients(&trial, "SYN", 0);
	visit_answer(&visit, SYN | ACK, BACKEND_ISN, CLIENT_ISN + 1, NULL);
	visit_say(&visit, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, NULL);
	expect_clients(&trial, "handshake", 0);
	ask_and_answer(&visit);
	expect_clients(&trial, "answer", 1);
	serve_one(&trial, client, 40001);
	serve_one(&trial, client, 40002);
	expect_clients(&trial, "the same client", 1);
	one_incident(&trial, trial.canary_backend);
	expect_clients(&trial, "refused", 1);
	serve_one(&trial, client_drawn_for(&trial, trial.canary_backend), 40000);
	expect_clients(&trial, "another client", 2);
}

/* A server that greets has answered. */
static void greeted(void **state)
{
	struct trial trial = trial_open();
	struct visit visit = connect_from(&trial, client_drawn_for(&trial, trial.canary_backend), 40000);

	(void)state;
	visit_answer(&visit, PSH | ACK, BACKEND_ISN + 1, CLIENT_ISN + 1, "hello");
	expect_clients(&trial, "greeting", 1);
}

static void datagrams(void **state)
{
	struct trial trial = trial_open();
	struct segment first = packet_of(client_drawn_for(&trial, trial.canary_backend), 40000, FRAME_UDP, 0);
	struct visit visit = visit_begin(&trial, &first);

	(void)state;
	expect_clients(&trial, "question", 0);
	visit_answer(&visit, 0, 0, 0, "say");
	visit_answer(&visit, 0, 0, 0, "say");
	expect_clients(&trial, "answer", 1);
}

static void generation_is(struct serin_plan *plan, uint64_t generation)
{
	plan->generation = (uint32_t)generation;
}

static void who_does_not_count(void **state)
{
	struct trial trial = trial_open_with("    rules: [{from: 100.64.200.0/24, version: canary}]\n");
	struct serin_served nobody = { { 0 } }, stable;
	struct visit visit;

	(void)state;
	serve_one(&trial, 200 << 8 | 1, 40000);
	expect_clients(&trial, "placed by a rule", 0);
	visit = connect_from(&trial, client_drawn_for(&trial, trial.canary_backend), 40000);
	trial_change_plan(&trial, generation_is, 1000);
	ask_and_answer(&visit);
	expect_clients(&trial, "of another plan", 0);
	arm_rollout(&trial, SERIN_LINE_OFF, 0);
	datapath_guard_close(trial.lab->datapath, trial.service, trial.canary, true);
	serve_one(&trial, client_drawn_for(&trial, trial.canary_backend), 40000);
	datapath_guard_close(trial.lab->datapath, trial.service, trial.canary, false);
	serve_one(&trial, client_drawn_for(&trial, trial.stable_backend), 40000);
	expect_clients(&trial, "turned away, and the baseline's", 0);
	stable = served_by(&trial, trial.stable);
	assert_memory_equal(&stable, &nobody, sizeof(nobody));
	serve_one(&trial, client_drawn_for(&trial, trial.canary_backend), 40000);
	expect_clients(&trial, "one that does", 1);
}

/* What the kernel should have written, by the words of abi.h. */
static void expect_raised(const struct trial *trial, uint64_t seed, unsigned int client, struct serin_served *into)
{
	struct segment syn = packet_of(client, 40000, FRAME_TCP, SYN);
	uint64_t hash = serin_mix64(seed ^ trial->service);
	uint32_t rank, upper, *word;

	/* Affinity `source`, of whole IPv4 addresses. */
	hash = serin_mix64(serin_mix64(hash ^ syn.src.quad[0]) ^ syn.src.quad[1]);
	upper = hash >> 32;
	for (rank = 1; rank < SERIN_SERVED_RANKS && !(upper >> (32 - rank)); rank++)
		;
	word = &into->word[hash % SERIN_SERVED_REGISTERS];
	if (SERIN_SERVED_RANK(*word) < rank)
		*word = SERIN_SERVED_DRAW(seed) | rank;
}

static void serve_many(struct trial *trial, unsigned int count, struct serin_served *ret)
{
	uint64_t seed = seed_of(trial);

	*ret = (struct serin_served){ { 0 } };
	while (count--) {
		unsigned int client = client_drawn_for(trial, trial->canary_backend);

		serve_one(trial, client, 40000);
		serve_one(trial, client, 40001);
		expect_raised(trial, seed, client, ret);
	}
}

/* Registers of an earlier draw stay as they are until one of this draw is written there, and count for nothing. */
static void registers_and_draws(void **state)
{
	struct trial trial = trial_open();
	struct serin_served expected, before, found;
	double clients;

	(void)state;
	serve_many(&trial, 700, &before);
	found = served_by(&trial, trial.canary);
	assert_memory_equal(&found, &before, sizeof(found));
	clients = estimate(&trial, trial.canary);
	assert_true(fabs(clients - 700) < 4 * served_error(700));
	assert_in_range(served_at_least(clients), 500, 700);
	trial_change_plan(&trial, to_seed, 0xfeedfacecafef00dull);
	found = served_by(&trial, trial.canary);
	assert_memory_equal(&found, &before, sizeof(found));
	expect_clients(&trial, "drawn anew", 0);
	serve_many(&trial, 60, &expected);
	found = served_by(&trial, trial.canary);
	for (size_t i = 0; i < SERIN_SERVED_REGISTERS; i++)
		assert_int_equal(found.word[i], expected.word[i] ? expected.word[i] : before.word[i]);
	assert_true(fabs(estimate(&trial, trial.canary) - 60) < 4 * served_error(60));
}

static void by_flow(struct serin_plan *plan, uint64_t with)
{
	(void)with;
	plan->affinity = SERIN_AFFINITY_FLOW;
}

static void connections(void **state)
{
	struct trial trial = trial_open();
	unsigned int served = 0;

	(void)state;
	trial_change_plan(&trial, by_flow, 0);
	for (uint16_t port = 40000; port < 40012; port++) {
		struct visit visit = connect_from(&trial, 7, port);

		ask_and_answer(&visit);
		served += visit.backend == trial.canary_backend;
	}
	assert_in_range(served, 1, 11);
	expect_clients(&trial, "one client's connections", served);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once_it_is_answered), cmocka_unit_test(greeted),
		cmocka_unit_test(datagrams),           cmocka_unit_test(who_does_not_count),
		cmocka_unit_test(registers_and_draws), cmocka_unit_test(connections),
	};

	return EXPECT_RUN("clients served", tests);
}
