/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients and what befalls them, client by client: of requests that arrive as a Poisson process, the first that fails
 * in an epoch comes after an exponential wait, so that no single request has to be drawn. Exact, not an
 * approximation. */
#ifndef SERIN_SIM_TRAFFIC_H
#define SERIN_SIM_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>

#include "chance.h"

#define EPOCH_S 300.0
#define PHASES_MOST 4
#define EPOCHS_MOST 32

enum clients {
	CLIENTS_ALIKE,
	CLIENTS_BURSTS,  /* errors come 5 to 30 at a time, a second apart */
	CLIENTS_FAILING, /* one in a hundred is always failed */
	CLIENTS_HEAVY,   /* twenty make half of the requests */
};

struct scenario {
	const char *name;
	enum clients kind;
	unsigned int clients; /* at a time */
	double per_second;    /* requests of all */
	double lives_s;       /* mean, then another client comes; 0: they stay */
	double errors;        /* share of requests, of the baseline */
	double times;         /* as many of the trial version, from `onset_s` on; all of them at the most */
	double onset_s;
	double outage_s, outage_for_s; /* everybody fails, whatever the version; for 0: no outage */
	double tick_s;
	double for_s;
	/* Further versions on trial, each of the same share, and so many times as bad, up to others_for_s when that is more than
	 * 0: then they get nobody any more. */
	unsigned int others;
	double others_times, others_for_s;
	bool unaware; /* and the judge is not told of that */
	bool served;  /* whom the version on trial answers is drawn, too */
	/* Shares of the trial version; those that follow begin at from_s > 0. */
	struct {
		double from_s, share;
	} phases[PHASES_MOST];
};

struct epoch {
	double from, to, share;
	bool returned; /* another version has given its clients back by then */
};

/* A client's first incident in an epoch. */
struct incident {
	double at;
	unsigned int epoch;
	bool trial;
	bool first;           /* in the rollout, too */
	unsigned int version; /* 0: the baseline; 1: that which `trial` says; others */
};

/* A client's first answer by the version on trial. */
struct first_answer {
	double at;
	uint64_t hash;
};

struct traffic {
	struct epoch epochs[EPOCHS_MOST];
	unsigned int epoch_count;
	struct incident *incidents; /* in the order of time */
	size_t count, room;
	struct first_answer *served; /* likewise */
	size_t served_count, served_room;
};

/* Epochs: every change of share, and every EPOCH_S. */
void traffic_plan(const struct scenario *scenario, struct traffic *traffic);

/* One run's incidents; traffic_plan() came before. */
void traffic_draw(const struct scenario *scenario, struct traffic *traffic, struct chance *chance);

void traffic_free(struct traffic *traffic);

/* As the judge of that one version on trial sees it: nothing of the others'. */
void traffic_of(const struct scenario *scenario, const struct traffic *traffic, unsigned int version,
		struct traffic *ret);

/* Of one version at one time, whoever asks. */
double traffic_errors(const struct scenario *scenario, unsigned int version, double at);

#endif
