/* SPDX-License-Identifier: BSD-2-Clause */
/* What the checker's files share: one backend's check, and the libcurl transfer that carries it out. */
#ifndef SERIN_CHECKER_PRIVATE_H
#define SERIN_CHECKER_PRIVATE_H

#include <curl/curl.h>

#include "checker.h"
#include "due.h"
#include "transfers.h"

struct probe;

/* One backend's check as it was set: always in one of the checker's heaps, by when it is due or by its deadline. */
struct checked {
	struct due due; /* first: a heap's item is the check itself */
	unsigned int id;
	struct check check; /* without the strings */
	char *url, *host;   /* host: a header line, or NULL */
	struct curl_slist *headers;
	struct probe *probe; /* NULL: not under way */
};

/* One transfer: reused for any check, since making a handle costs more than the check. */
struct probe {
	CURL *easy;
	struct probe *next; /* among those at rest */
	struct checked *checked;
	int64_t began_ms;
	int local_error; /* errno of what this host could not do */
	int status;      /* of the answer; 0: none yet, -1: none that HTTP knows */
};

/* NULL: out of memory. */
struct checked *checked_new(unsigned int id, const struct check *check);
struct checked *checked_free(struct checked *checked); /* NULL is fine; returns NULL */
bool checked_equal(const struct checked *a, const struct checked *b);

struct probe *probe_new(void);                                               /* NULL: out of memory */
struct probe *probe_free(struct probe *probe);                               /* NULL is fine; returns NULL */
int probe_aim(struct probe *probe, struct checked *checked, int64_t now_ms); /* 0 or -ENOMEM */

/* What came of it, once libcurl is done; `text` has CHECK_TEXT_LEN bytes. */
void probe_judge(const struct probe *probe, CURLcode code, char *text, struct check_result *ret);
/* What came of it when its time is over. */
void probe_expire(const struct probe *probe, char *text, struct check_result *ret);

struct checker {
	struct loop_source *timer;
	checker_fn fn;
	void *context;
	struct transfers *transfers;
	int64_t armed_ms;                 /* what the timer is set to */
	struct due_heap waiting, running; /* by due time; by deadline */
	struct probe *resting;
	struct checker_figures figures;
	struct checked *by_id[SERIN_MAX_BACKENDS];
};

extern const struct transfers_ops checker_ops;
void checker_on_timer(void *context);

/* When it is due next, later than now. */
int64_t checker_next_due(const struct checked *checked, int64_t now_ms);
/* Set the timer for whatever comes first. */
void checker_arm(struct checker *checker);
/* Close the transfer's connection and keep its handle for another one. */
void checker_rest(struct checker *checker, struct probe *probe);
/* Of a check that is in no heap and has no transfer. Returns NULL. */
struct checked *checker_forget(struct checker *checker, struct checked *checked);

#endif
