/* SPDX-License-Identifier: BSD-2-Clause */
/* Slow clients: which turns are slow, that a client counts once for a quantile, an epoch and a rollout, and what becomes of
 * those whom the tables have no room for. */
#include "trial.h"

#define MS(ms) ((uint32_t)((ms) * 1000000ull >> SERIN_OWED_SHIFT))
#define NONE_SLOW ((struct serin_slow){ { 0 }, { 0 } })

static void limit(const struct trial *trial, uint32_t f0, uint32_t f1, uint32_t f2, uint32_t l0, uint32_t l1,
		  uint32_t l2)
{
	struct serin_slow_limits limits = { { { f0, f1, f2 }, { l0, l1, l2 } } };

	assert_int_equal(datapath_guard_slow_limits(trial->lab->datapath, trial->service, &limits), 0);
}

static void expect_slow(const struct trial *trial, const char *when, uint8_t version, struct serin_slow expected)
{
	struct serin_slow found;

	assert_int_equal(datapath_guard_slow(trial->lab->datapath, trial->service, version, &found), 0);
	for (size_t k = 0; k < SERIN_QUANTILES; k++)
		if (found.rollout[k] != expected.rollout[k] || found.epoch[k] != expected.epoch[k])
			fail_msg("%s, quantile %zu: %llu of the rollout, %llu of the epoch, expected %llu, %llu", when,
				 k, (unsigned long long)found.rollout[k], (unsigned long long)found.epoch[k],
				 (unsigned long long)expected.rollout[k], (unsigned long long)expected.epoch[k]);
}

/* The open turn began that long ago. */
static void take(const struct visit *visit, uint32_t ms)
{
	uint32_t index = flowtable_way(visit->lab, visit->index).peer;
	struct serin_way way = flowtable_way(visit->lab, index);

	assert_true(way.owed & SERIN_OWED);
	way.owed -= MS(ms) << SERIN_OWED_BITS;
	flowtable_set_way(visit->lab, index, &way);
}

struct talk {
	struct visit visit;
	uint32_t seq, ack;
};

static struct talk connect_in(const struct trial *trial, unsigned int client, uint16_t port, uint32_t handshake_ms)
{
	struct talk talk = { visit_of(trial, client, port), CLIENT_ISN + 1, BACKEND_ISN + 1 };

	take(&talk.visit, handshake_ms);
	visit_answer(&talk.visit, SYN | ACK, BACKEND_ISN, CLIENT_ISN + 1, NULL);
	visit_say(&talk.visit, ACK, talk.seq, talk.ack, NULL);
	return talk;
}

static struct talk connected(const struct trial *trial, unsigned int client)
{
	static uint16_t port = 1024;

	port = port == 60000 ? 1025 : port + 1;
	return connect_in(trial, client, port, 0);
}

static void ask(struct talk *talk)
{
	visit_say(&talk->visit, PSH | ACK, talk->seq, talk->ack, "ask");
	talk->seq += 3;
}

static void answer(struct talk *talk)
{
	visit_answer(&talk->visit, PSH | ACK, talk->ack, talk->seq, "say");
	talk->ack += 3;
}

static void turn(struct talk *talk, uint32_t ms)
{
	ask(talk);
	take(&talk->visit, ms);
	answer(talk);
}

static void without_limits(void **state)
{
	struct trial trial = trial_open();
	struct talk talk = connected(&trial, client_drawn_for(&trial, trial.canary_backend));

	(void)state;
	turn(&talk, 50000);
	turn(&talk, 50000);
	expect_slow(&trial, "no limits", trial.canary, NONE_SLOW);
	limit(&trial, MS(10), MS(20), MS(30), MS(10), MS(20), MS(30));
	assert_int_equal(datapath_guard_slow_limits(trial.lab->datapath, trial.service, NULL), 0);
	turn(&talk, 50000);
	expect_slow(&trial, "taken away", trial.canary, NONE_SLOW);
}

static void first_and_later(void **state)
{
	struct trial trial = trial_open();
	struct talk talk = connected(&trial, client_drawn_for(&trial, trial.canary_backend));

	(void)state;
	limit(&trial, MS(10000), 0, 0, 0, MS(1000), 0);
	turn(&talk, 9000);
	expect_slow(&trial, "first, below", trial.canary, NONE_SLOW);
	turn(&talk, 500);
	expect_slow(&trial, "later, below", trial.canary, NONE_SLOW);
	turn(&talk, 1001);
	expect_slow(&trial, "later", trial.canary, (struct serin_slow){ { 0, 1, 0 }, { 0, 1, 0 } });
	talk = connected(&trial, client_drawn_for(&trial, trial.canary_backend));
	turn(&talk, 10001);
	expect_slow(&trial, "first", trial.canary, (struct serin_slow){ { 1, 1, 0 }, { 1, 1, 0 } });
	expect_slow(&trial, "the other version", trial.stable, NONE_SLOW);
	talk = connected(&trial, client_drawn_for(&trial, trial.stable_backend));
	turn(&talk, 10001);
	expect_slow(&trial, "the baseline's", trial.stable, (struct serin_slow){ { 1, 0, 0 }, { 1, 0, 0 } });
}

static uint64_t sum_of(const __u64 bucket[SERIN_HISTOGRAM_BUCKETS])
{
	uint64_t sum = 0;

	for (size_t i = 0; i < SERIN_HISTOGRAM_BUCKETS; i++)
		sum += bucket[i];
	return sum;
}

/* In `response` all of them are, in `first` the first one of each connection, in the same bucket. */
static void first_ones_apart(void **state)
{
	struct trial trial = trial_open();
	struct serin_observed observed;
	struct talk talk;

	(void)state;
	for (unsigned int i = 1; i <= 3; i++) {
		talk = connected(&trial, client_drawn_for(&trial, trial.canary_backend));
		turn(&talk, 1000);
		turn(&talk, 10);
		turn(&talk, 10);
		assert_int_equal(datapath_read_observed(trial.lab->datapath, trial.canary_backend, &observed), 0);
		assert_int_equal(sum_of(observed.response.bucket), 3 * i);
		assert_int_equal(sum_of(observed.first), i);
	}
	for (size_t i = 0; i < SERIN_HISTOGRAM_BUCKETS; i++)
		if (SERIN_HISTOGRAM_FROM(i) << SERIN_HISTOGRAM_SHIFT >= 800000000)
			assert_int_equal(observed.first[i], observed.response.bucket[i]);
}

static void each_quantile(void **state)
{
	struct trial trial = trial_open();
	struct talk talk = connected(&trial, client_drawn_for(&trial, trial.canary_backend));

	(void)state;
	limit(&trial, 0, 0, 0, MS(100), MS(1000), MS(10000));
	turn(&talk, 90000);
	turn(&talk, 50);
	expect_slow(&trial, "none", trial.canary, NONE_SLOW);
	turn(&talk, 500);
	expect_slow(&trial, "90 %", trial.canary, (struct serin_slow){ { 1, 0, 0 }, { 1, 0, 0 } });
	turn(&talk, 20000);
	expect_slow(&trial, "all", trial.canary, (struct serin_slow){ { 1, 1, 1 }, { 1, 1, 1 } });
	turn(&talk, 5000);
	expect_slow(&trial, "no more", trial.canary, (struct serin_slow){ { 1, 1, 1 }, { 1, 1, 1 } });
	talk = connected(&trial, client_drawn_for(&trial, trial.canary_backend));
	turn(&talk, 1);
	turn(&talk, 5000);
	expect_slow(&trial, "another client", trial.canary, (struct serin_slow){ { 2, 2, 1 }, { 2, 2, 1 } });
	/* Limits in any order: each stands for itself. */
	limit(&trial, 0, 0, 0, MS(10000), 0, MS(100));
	talk = connected(&trial, client_drawn_for(&trial, trial.canary_backend));
	turn(&talk, 1);
	turn(&talk, 5000);
	expect_slow(&trial, "upside down", trial.canary, (struct serin_slow){ { 2, 2, 2 }, { 2, 2, 2 } });
}

/* By whatever connection, on whatever port. */
static void once_per_epoch_and_rollout(void **state)
{
	struct trial trial = trial_open();
	unsigned int client = client_drawn_for(&trial, trial.canary_backend);
	uint32_t epoch = trial_epoch(&trial);
	struct talk talk, old;

	(void)state;
	limit(&trial, MS(100), MS(1000), 0, MS(100), MS(1000), 0);
	for (int i = 0; i < 5; i++) {
		talk = connected(&trial, client);
		turn(&talk, 500);
	}
	expect_slow(&trial, "in one epoch", trial.canary, (struct serin_slow){ { 1, 0, 0 }, { 1, 0, 0 } });
	old = talk;
	for (uint32_t next = epoch + 1; next < epoch + 4; next++) {
		trial_change_plan(&trial, to_epoch, next);
		talk = connected(&trial, client);
		turn(&talk, 500);
		turn(&old, 500); /* its connection lives under the same plan */
	}
	expect_slow(&trial, "in four", trial.canary, (struct serin_slow){ { 1, 0, 0 }, { 4, 0, 0 } });
	turn(&old, 5000);
	expect_slow(&trial, "the next quantile", trial.canary, (struct serin_slow){ { 1, 1, 0 }, { 4, 1, 0 } });
	/* Numbers that look alike after 1023 epochs are told apart before. */
	trial_change_plan(&trial, to_epoch, epoch + 3 + 1022);
	turn(&old, 500);
	expect_slow(&trial, "1022 epochs on", trial.canary, (struct serin_slow){ { 1, 1, 0 }, { 5, 1, 0 } });
	trial_change_plan(&trial, to_epoch, 0xffffffff);
	turn(&old, 500);
	expect_slow(&trial, "the last epoch", trial.canary, (struct serin_slow){ { 1, 1, 0 }, { 6, 1, 0 } });
	trial_change_plan(&trial, to_seed, 4711);
	turn(&old, 500);
	expect_slow(&trial, "another rollout", trial.canary, (struct serin_slow){ { 2, 1, 0 }, { 7, 1, 0 } });
}

static void handshakes_never(void **state)
{
	struct trial trial = trial_open();
	struct talk talk;

	(void)state;
	limit(&trial, 1, 1, 1, 1, 1, 1);
	talk = connect_in(&trial, client_drawn_for(&trial, trial.canary_backend), 40000, 30000);
	expect_slow(&trial, "a slow handshake", trial.canary, NONE_SLOW);
	turn(&talk, 1);
	expect_slow(&trial, "a turn", trial.canary, (struct serin_slow){ { 1, 1, 1 }, { 1, 1, 1 } });
}

/* Only turns that give a sample: not where something was sent again, or is missing, or nobody had asked. */
static void no_sample(void **state)
{
	struct trial trial = trial_open();
	struct talk talk = connected(&trial, client_drawn_for(&trial, trial.canary_backend));

	(void)state;
	limit(&trial, 1, 1, 1, 1, 1, 1);
	ask(&talk);
	talk.seq -= 3;
	ask(&talk);
	take(&talk.visit, 5000);
	answer(&talk);
	expect_slow(&trial, "sent again", trial.canary, NONE_SLOW);
	ask(&talk);
	take(&talk.visit, 5000);
	talk.ack += 1000;
	answer(&talk);
	expect_slow(&trial, "a gap", trial.canary, NONE_SLOW);
	answer(&talk);
	expect_slow(&trial, "unasked", trial.canary, NONE_SLOW);
	turn(&talk, 5000);
	expect_slow(&trial, "a sample", trial.canary, (struct serin_slow){ { 1, 1, 1 }, { 1, 1, 1 } });
}

static void generation_is(struct serin_plan *plan, uint64_t generation)
{
	plan->generation = (uint32_t)generation;
}

/* Like incidents. */
static void who_does_not_count(void **state)
{
	struct trial trial = trial_open_with("    rules: [{from: 100.64.200.0/24, version: canary}]\n");
	struct datapath *datapath = trial.lab->datapath;
	struct complaint complaint;
	struct talk talk;

	(void)state;
	limit(&trial, 1, 1, 1, 1, 1, 1);
	talk = connected(&trial, 200 << 8 | 1);
	turn(&talk, 5000);
	expect_slow(&trial, "placed by a rule", trial.canary, NONE_SLOW);
	talk = connected(&trial, client_drawn_for(&trial, trial.canary_backend));
	trial_change_plan(&trial, generation_is, 1000);
	turn(&talk, 5000);
	expect_slow(&trial, "of another plan", trial.canary, NONE_SLOW);
	arm_rollout(&trial, SERIN_LINE_OFF, 0);
	datapath_guard_close(datapath, trial.service, trial.canary, true);
	talk = connected(&trial, client_drawn_for(&trial, trial.canary_backend));
	turn(&talk, 5000);
	expect_slow(&trial, "turned away", trial.stable, NONE_SLOW);
	datapath_guard_close(datapath, trial.service, trial.canary, false);
	talk = connected(&trial, client_drawn_for(&trial, trial.canary_backend));
	assert_int_equal(
		datapath_set_backend_flags(datapath, trial.canary_backend, SERIN_BACKEND_EJECTED, 0, &complaint), 0);
	turn(&talk, 5000);
	expect_slow(&trial, "at an ejected backend", trial.canary, NONE_SLOW);
	assert_int_equal(
		datapath_set_backend_flags(datapath, trial.canary_backend, 0, SERIN_BACKEND_EJECTED, &complaint), 0);
	turn(&talk, 5000);
	expect_slow(&trial, "and back", trial.canary, (struct serin_slow){ { 1, 1, 1 }, { 1, 1, 1 } });
}

/* The handshake of UDP is that the client goes on after an answer. */
static void datagrams(void **state)
{
	struct trial trial = trial_open();
	struct segment first = packet_of(client_drawn_for(&trial, trial.canary_backend), 40000, FRAME_UDP, 0);
	struct serin_way way;
	struct visit visit;

	(void)state;
	limit(&trial, MS(1000), 0, 0, 0, MS(1000), 0);
	visit = visit_begin(&trial, &first);
	take(&visit, 500);
	visit_answer(&visit, 0, 0, 0, "say");
	expect_slow(&trial, "below", trial.canary, NONE_SLOW);
	for (int i = 0; i < 2; i++) {
		way = flowtable_way(trial.lab, visit.index);
		way.asked--;
		flowtable_set_way(trial.lab, visit.index, &way);
		visit_say(&visit, 0, 0, 0, "ask");
		take(&visit, 5000);
		visit_answer(&visit, 0, 0, 0, "say");
	}
	expect_slow(&trial, "later", trial.canary, (struct serin_slow){ { 0, 1, 0 }, { 0, 1, 0 } });
	first = packet_of(client_drawn_for(&trial, trial.canary_backend), 40000, FRAME_UDP, 0);
	visit = visit_begin(&trial, &first);
	take(&visit, 5000);
	visit_answer(&visit, 0, 0, 0, "say");
	expect_slow(&trial, "first", trial.canary, (struct serin_slow){ { 1, 1, 0 }, { 1, 1, 0 } });
}

static uint64_t forgotten(const struct trial *trial, bool slow)
{
	struct serin_table_stats table = expect_read_counters(trial->lab).table;

	return slow ? table.forgotten_slow : table.forgotten;
}

/* Every bucket the same. */
static void fill_table(const struct trial *trial, const char *map, const struct serin_clients *with)
{
	for (uint32_t i = 0; i < SERIN_CLIENT_BUCKETS; i++)
		lab_write(trial->lab, map, i, with);
}

/* The bucket that is no longer like that: which of its words is another, -1: none is. */
static int changed_word(const struct trial *trial, const char *map, const struct serin_clients *from)
{
	struct serin_clients bucket;
	int changed = -1;

	for (uint32_t i = 0; i < SERIN_CLIENT_BUCKETS; i++) {
		lab_read(trial->lab, map, i, &bucket);
		for (int word = 0; word < (int)SERIN_CLIENTS_PER_BUCKET; word++) {
			if (bucket.word[word] == from->word[word])
				continue;
			assert_int_equal(changed, -1);
			changed = word;
		}
	}
	return changed;
}

static void something_happens(struct trial *trial, bool slow)
{
	struct talk talk;

	if (!slow) {
		one_incident(trial, trial->canary_backend);
		return;
	}
	talk = connected(trial, client_drawn_for(trial, trial->canary_backend));
	turn(&talk, 5000);
}

static uint64_t found(const struct trial *trial, bool slow)
{
	struct serin_slow count;

	if (!slow)
		return counted(trial, trial->canary).epoch;
	assert_int_equal(datapath_guard_slow(trial->lab->datapath, trial->service, trial->canary, &count), 0);
	return count.epoch[0];
}

/* Others' words: first those go in which nothing is of this epoch. */
static void full_tables(void **state)
{
	(void)state;
	for (int slow = 0; slow < 2; slow++) {
		const char *map = slow ? "slow_clients" : "clients";
		struct trial trial = trial_open();
		uint32_t epoch = trial_epoch(&trial);
		uint64_t of_now = slow ? SERIN_SLOW_EPOCH(epoch) : epoch, tag = 0x123456ull << 40;
		struct serin_clients full;

		limit(&trial, 1, 0, 0, 1, 0, 0);
		/* Of the last quantile only, that is as good. */
		for (size_t i = 0; i < SERIN_CLIENTS_PER_BUCKET; i++)
			full.word[i] = tag + (i << 40) + (slow ? of_now << 2 * SERIN_SLOW_BITS : of_now);
		fill_table(&trial, map, &full);
		something_happens(&trial, slow);
		assert_int_equal(found(&trial, slow), 1);
		assert_int_equal(forgotten(&trial, slow), 1);
		assert_int_not_equal(changed_word(&trial, map, &full), -1);
		full.word[5] += 1ull << (slow ? 2 * SERIN_SLOW_BITS : 0);
		full.word[6] = full.word[5] + (1ull << 40);
		fill_table(&trial, map, &full);
		something_happens(&trial, slow);
		assert_int_equal(found(&trial, slow), 2);
		assert_int_equal(forgotten(&trial, slow), 2);
		assert_int_equal(changed_word(&trial, map, &full), 5);
		full.word[7] = 0;
		fill_table(&trial, map, &full);
		something_happens(&trial, slow);
		assert_int_equal(found(&trial, slow), 3);
		assert_int_equal(forgotten(&trial, slow), 2);
		assert_int_equal(changed_word(&trial, map, &full), 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_limits),
		cmocka_unit_test(first_and_later),
		cmocka_unit_test(first_ones_apart),
		cmocka_unit_test(each_quantile),
		cmocka_unit_test(once_per_epoch_and_rollout),
		cmocka_unit_test(handshakes_never),
		cmocka_unit_test(no_sample),
		cmocka_unit_test(who_does_not_count),
		cmocka_unit_test(datagrams),
		cmocka_unit_test(full_tables),
	};

	return EXPECT_RUN("slow clients", tests);
}
