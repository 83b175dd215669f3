/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether one backend lives: failed checks and handshakes put it out, checks or trials bring it back. Pure. */
#ifndef SERIN_HEALTH_H
#define SERIN_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#define HEALTH_BACKOFF_FIRST_MS 1000 /* ejected by strikes: out at least so long; then doubled, up to */
#define HEALTH_BACKOFF_MAX_MS 60000
#define HEALTH_CALM_MS 60000 /* in service for so long, and the next ejection begins with the shortest backoff again */
#define HEALTH_SUSPECT_MS 10000 /* how long strikes that ejected nobody are held against a backend */

#define HEALTH_FULL_SHARE 1000u
#define HEALTH_FIRST_SHARE 100u /* of a backend that has just come back, and the height of a step of its slow start */

/* Why a backend failed: name, and words for people. */
#define HEALTH_REASONS(X)                                                   \
	X(NONE, "none", "nothing is wrong")                                 \
	X(REFUSED, "refused", "connections are refused")                    \
	X(TIMEOUT, "timeout", "it does not answer in time")                 \
	X(UNREACHABLE, "unreachable", "it cannot be reached")               \
	X(CLOSED, "closed", "it hangs up without an answer")                \
	X(STATUS, "status", "it answers with another status than expected") \
	X(GARBAGE, "garbage", "its answer is not HTTP")                     \
	X(BEFORE, "before", "it was out when the agent started")

enum health_reason {
#define HEALTH_ENUM(id, name, words) HEALTH_##id,
	HEALTH_REASONS(HEALTH_ENUM)
#undef HEALTH_ENUM
		HEALTH_REASON_COUNT
};

enum health_state {
	HEALTH_UP,
	HEALTH_DOWN,
	HEALTH_TRYING, /* out, and its trial connection is under way */
};

/* How a backend comes back that is out. */
enum health_return {
	HEALTH_BY_CHECKS, /* `rise` checks passed in a row */
	HEALTH_BY_TRIAL,  /* no checks: one trial connection succeeded */
	HEALTH_BY_TIME,   /* neither is possible (UDP): the backoff is over */
};

/* Of one service; may change at any time. */
struct health_rules {
	enum health_return comes_back;
	unsigned int fall, rise;    /* checks in a row; 1 at least */
	unsigned int slow_start_ms; /* 0: the whole weight at once */
};

/* All zero is a backend that is new and in service with its whole weight. */
struct health {
	enum health_state state;
	enum health_reason why; /* the latest failure since it was last well */
	bool passive;           /* out, on no more than failed handshakes: counts against the cap */
	bool suspect;           /* struck, but kept by the cap */
	unsigned int passes, fails;
	unsigned int backoff_ms; /* of the latest passive ejection or failed trial; 0: there was none lately */
	int64_t since_ms;        /* when `state` last went from or to UP; 0: as it began */
	int64_t return_ms;       /* out: not back, and no trial, before this */
	int64_t struck_ms;       /* suspect: the last strike */
	int64_t climb_ms;        /* in service: when the slow start began; 0: never */
};

/* What an input did: if not HEALTH_SAME, the ring is to be built anew, or a trial connection to be made. */
enum health_change {
	HEALTH_SAME,
	HEALTH_WENT_OUT,
	HEALTH_CAME_BACK,
	HEALTH_TRY, /* from health_tick only: make one trial connection and give its result to health_checked */
};

/* "refused", and "connections are refused". */
const char *health_reason_name(enum health_reason why);
const char *health_reason_words(enum health_reason why);
const char *health_state_name(enum health_state state); /* "up", "down", "trying" */

/* A backend that the kernel's table says is out, when the agent starts: it is checked or tried at once. */
void health_found_out(struct health *health, int64_t now_ms);

/* Health switched off, or a user who knows better: in service, and nothing is remembered. */
enum health_change health_forgive(struct health *health, const struct health_rules *rules, int64_t now_ms);

/* The result of a check or of a trial connection. `why` counts when it is not ok. A result that nobody waits for
 * (no checks, and none tried) changes nothing. */
enum health_change health_checked(struct health *health, const struct health_rules *rules, bool ok,
				  enum health_reason why, int64_t now_ms);

/* The trial connection could not be made or was dropped, for no reason of the backend's: another one after as long as
 * the last time. */
void health_untried(struct health *health, int64_t now_ms);

/* Handshakes failed in a row, as the kernel counts them. `may_eject`: what health_may_eject says of its version;
 * otherwise it stays where it is and is suspect. */
enum health_change health_struck(struct health *health, enum health_reason why, bool may_eject, int64_t now_ms);

/* At health_next_ms() or later. */
enum health_change health_tick(struct health *health, const struct health_rules *rules, int64_t now_ms);

/* When health_tick() or another health_share() is due: INT64_MAX for never. */
int64_t health_next_ms(const struct health *health, const struct health_rules *rules, int64_t now_ms);

/* In its version's ring, unless it is drained by hand: the image has that. */
bool health_in_service(const struct health *health);

/* How much of its weight it gets: 0 when it is not in service, else HEALTH_FIRST_SHARE to HEALTH_FULL_SHARE in steps of
 * HEALTH_FIRST_SHARE. */
unsigned int health_share(const struct health *health, const struct health_rules *rules, int64_t now_ms);

/* The backends of one version, counted one by one; all zero at first. */
struct health_tally {
	unsigned int members; /* configured */
	unsigned int serving; /* in service with a weight that is not 0 */
	unsigned int passive; /* out on passive evidence */
	unsigned int suspect; /* among those serving */
	unsigned int failing; /* among those serving and not suspect: the latest check failed */
	unsigned int passing; /* out, and the latest check passed */
};

/* `weight`: 0 of one that is drained. */
void health_count(struct health_tally *tally, const struct health *health, unsigned int weight);

/* Whether one more member that is serving may be ejected on passive evidence: at most `max_ejected` of the configured
 * members (basis points, rounded down), and never the last that serves. */
bool health_may_eject(const struct health_tally *tally, unsigned int max_ejected);

/* Nobody serves, or only such as would be out but for the cap. A version on trial can be rolled back then; a baseline
 * is to keep its ring. */
bool health_all_dead(const struct health_tally *tally);

/* Whether the one is dead and the other is not, or it only looks so as long as an outage of both is not over for both: checks
 * are made at their own times, and it takes several to be out or back. */
bool health_dead_alone(const struct health_tally *tally, const struct health_tally *other);

#endif
