/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of one backend as a state machine, and the cap on what failed handshakes alone may eject. */
#include "health.h"

#include "scalar.h"

static const char *const reason_names[] = {
#define HEALTH_NAME(id, name, words) name,
	HEALTH_REASONS(HEALTH_NAME)
#undef HEALTH_NAME
};

static const char *const reason_words[] = {
#define HEALTH_WORDS(id, name, words) words,
	HEALTH_REASONS(HEALTH_WORDS)
#undef HEALTH_WORDS
};

const char *health_reason_name(enum health_reason why)
{
	return reason_names[why];
}

const char *health_reason_words(enum health_reason why)
{
	return reason_words[why];
}

const char *health_state_name(enum health_state state)
{
	static const char *const names[] = { "up", "down", "trying" };

	return names[state];
}

static void back_off(struct health *health, int64_t now_ms)
{
	unsigned int next = health->backoff_ms ? 2 * health->backoff_ms : HEALTH_BACKOFF_FIRST_MS;

	health->backoff_ms = next < HEALTH_BACKOFF_MAX_MS ? next : HEALTH_BACKOFF_MAX_MS;
	health->return_ms = now_ms + health->backoff_ms;
}

static enum health_change go_out(struct health *health, bool passive, int64_t now_ms)
{
	if (now_ms - health->since_ms >= HEALTH_CALM_MS)
		health->backoff_ms = 0;
	/* Checks or trials that pass where clients' handshakes fail would bring it back every few seconds: so the backoff
	 * goes on growing until it has been well for a while. Checks that failed need none, since they must pass anyway. */
	if (passive)
		back_off(health, now_ms);
	else
		health->return_ms = now_ms;
	health->state = HEALTH_DOWN;
	health->passive = passive;
	health->suspect = false;
	health->passes = 0;
	health->fails = 0;
	health->since_ms = now_ms;
	health->climb_ms = 0;
	return HEALTH_WENT_OUT;
}

static enum health_change come_back(struct health *health, const struct health_rules *rules, int64_t now_ms)
{
	health->state = HEALTH_UP;
	health->why = HEALTH_NONE;
	health->passive = false;
	health->suspect = false;
	health->passes = 0;
	health->fails = 0;
	health->since_ms = now_ms;
	health->climb_ms = rules->slow_start_ms ? now_ms : 0;
	return HEALTH_CAME_BACK;
}

void health_found_out(struct health *health, int64_t now_ms)
{
	/* Not passive: why it is out is not known, and it is not to keep others from being ejected. */
	health->state = HEALTH_DOWN;
	health->why = HEALTH_BEFORE;
	health->passive = false;
	health->since_ms = now_ms;
	health->return_ms = now_ms;
}

enum health_change health_forgive(struct health *health, const struct health_rules *rules, int64_t now_ms)
{
	bool was_out = health->state != HEALTH_UP;

	health->backoff_ms = 0;
	health->suspect = false;
	health->fails = 0;
	return was_out ? come_back(health, rules, now_ms) : HEALTH_SAME;
}

static enum health_change passed(struct health *health, const struct health_rules *rules, int64_t now_ms)
{
	health->fails = 0;
	health->suspect = false;
	if (health->state == HEALTH_UP) {
		health->why = HEALTH_NONE;
		return HEALTH_SAME;
	}
	if (health->state == HEALTH_TRYING)
		return come_back(health, rules, now_ms);
	/* Counted no further than needed, so that the number says something while the backoff lasts. */
	if (health->passes < rules->rise)
		health->passes++;
	if (health->passes < rules->rise || now_ms < health->return_ms)
		return HEALTH_SAME;
	return come_back(health, rules, now_ms);
}

static enum health_change failed(struct health *health, const struct health_rules *rules, enum health_reason why,
				 int64_t now_ms)
{
	health->passes = 0;
	health->why = why;
	if (health->fails < rules->fall)
		health->fails++;
	if (health->state == HEALTH_TRYING) {
		health->state = HEALTH_DOWN;
		back_off(health, now_ms);
		return HEALTH_SAME;
	}
	if (health->fails < rules->fall)
		return HEALTH_SAME;
	if (health->state == HEALTH_UP)
		return go_out(health, false, now_ms);
	/* The checks say the same by now: this is no passive evidence alone any more. */
	health->passive = false;
	return HEALTH_SAME;
}

enum health_change health_checked(struct health *health, const struct health_rules *rules, bool ok,
				  enum health_reason why, int64_t now_ms)
{
	if (rules->comes_back != HEALTH_BY_CHECKS && health->state != HEALTH_TRYING)
		return HEALTH_SAME;
	return ok ? passed(health, rules, now_ms) : failed(health, rules, why, now_ms);
}

void health_untried(struct health *health, int64_t now_ms)
{
	if (health->state != HEALTH_TRYING)
		return;
	health->state = HEALTH_DOWN;
	health->return_ms = now_ms + (health->backoff_ms ? health->backoff_ms : HEALTH_BACKOFF_FIRST_MS);
}

enum health_change health_struck(struct health *health, enum health_reason why, bool may_eject, int64_t now_ms)
{
	/* Handshakes that were open when it went out may fail until they end: nothing new. */
	if (health->state != HEALTH_UP)
		return HEALTH_SAME;
	health->why = why;
	if (may_eject)
		return go_out(health, true, now_ms);
	health->suspect = true;
	health->struck_ms = now_ms;
	return HEALTH_SAME;
}

static void tick_up(struct health *health, int64_t now_ms)
{
	if (health->suspect && now_ms - health->struck_ms >= HEALTH_SUSPECT_MS) {
		health->suspect = false;
		if (!health->fails)
			health->why = HEALTH_NONE;
	}
}

enum health_change health_tick(struct health *health, const struct health_rules *rules, int64_t now_ms)
{
	if (health->state == HEALTH_UP)
		tick_up(health, now_ms);
	/* TRYING under rules that know no trial: they have changed, and its result is not to be waited for. */
	if (health->state == HEALTH_TRYING && rules->comes_back != HEALTH_BY_TRIAL)
		health->state = HEALTH_DOWN;
	if (health->state != HEALTH_DOWN || now_ms < health->return_ms || rules->comes_back == HEALTH_BY_CHECKS)
		return HEALTH_SAME;
	if (rules->comes_back == HEALTH_BY_TIME)
		return come_back(health, rules, now_ms);
	health->state = HEALTH_TRYING;
	return HEALTH_TRY;
}

/* ms since the slow start began, or -1 when none is under way. */
static int64_t climbing(const struct health *health, const struct health_rules *rules, int64_t now_ms)
{
	int64_t passed_ms = now_ms - health->climb_ms;

	return health->climb_ms && passed_ms < rules->slow_start_ms ? passed_ms : -1;
}

/* The first ms of a slow start at which `share` is reached. */
static int64_t reached_ms(unsigned int share, const struct health_rules *rules)
{
	int64_t rest = HEALTH_FULL_SHARE - HEALTH_FIRST_SHARE;

	return ((int64_t)(share - HEALTH_FIRST_SHARE) * rules->slow_start_ms + rest - 1) / rest;
}

int64_t health_next_ms(const struct health *health, const struct health_rules *rules, int64_t now_ms)
{
	int64_t next = INT64_MAX, step;

	if (health->state == HEALTH_DOWN)
		return rules->comes_back == HEALTH_BY_CHECKS ? INT64_MAX : health->return_ms;
	if (health->state == HEALTH_TRYING)
		return rules->comes_back == HEALTH_BY_TRIAL ? INT64_MAX : now_ms;
	if (health->suspect)
		next = health->struck_ms + HEALTH_SUSPECT_MS;
	if (climbing(health, rules, now_ms) < 0)
		return next;
	step = health->climb_ms + reached_ms(health_share(health, rules, now_ms) + HEALTH_FIRST_SHARE, rules);
	return step < next ? step : next;
}

bool health_in_service(const struct health *health)
{
	return health->state == HEALTH_UP;
}

unsigned int health_share(const struct health *health, const struct health_rules *rules, int64_t now_ms)
{
	int64_t passed_ms = climbing(health, rules, now_ms);
	unsigned int share;

	if (!health_in_service(health))
		return 0;
	if (passed_ms < 0)
		return HEALTH_FULL_SHARE;
	/* In steps, since every other share is another ring. */
	share = HEALTH_FIRST_SHARE +
		(unsigned int)(passed_ms * (HEALTH_FULL_SHARE - HEALTH_FIRST_SHARE) / rules->slow_start_ms);
	return share - share % HEALTH_FIRST_SHARE;
}

void health_count(struct health_tally *tally, const struct health *health, unsigned int weight)
{
	bool serving = weight && health_in_service(health);

	tally->members++;
	tally->serving += serving;
	tally->suspect += serving && health->suspect;
	tally->failing += serving && !health->suspect && health->fails;
	tally->passing += health->state != HEALTH_UP && health->passes;
	tally->passive += health->state != HEALTH_UP && health->passive;
}

bool health_may_eject(const struct health_tally *tally, unsigned int max_ejected)
{
	uint64_t most = (uint64_t)tally->members * max_ejected / SHARE_WHOLE;

	return tally->serving > 1 && tally->passive < most;
}

bool health_all_dead(const struct health_tally *tally)
{
	return tally->serving == tally->suspect;
}

bool health_dead_alone(const struct health_tally *tally, const struct health_tally *other)
{
	return health_all_dead(tally) && !tally->passing && other->serving > other->suspect + other->failing;
}
