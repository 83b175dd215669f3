/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the resolver share. Internal to resolver*.c. */
#ifndef SERIN_RESOLVER_PRIVATE_H
#define SERIN_RESOLVER_PRIVATE_H

#include <sys/stat.h>
/* Later versions than Debian 12's warn of calls that it has no others for. */
#define CARES_NO_DEPRECATED
#include <ares.h>

#include "dns_round.h"
#include "resolver.h"

/* c-ares's descriptors come and go, so they are in an epoll of their own, which is one descriptor of the loop. */
struct resolver {
	struct loop *loop;
	ares_channel channel;
	int epoll;
	char *servers, *resolv_conf;
	uint16_t port;
	struct stat conf;                     /* what resolv_conf was when the channel was made */
	struct loop_source *patience, *alarm; /* c-ares's timeouts; names that are due */
	struct resolver_name *names;
	bool closing;      /* answers mean nothing any more */
	unsigned int busy; /* depth of calls that walk the names: none is freed */
};

struct resolver_name {
	struct resolver *resolver;
	struct resolver_name *next;
	struct resolver_question question; /* its name is `text` */
	char *text;
	struct discovered found;
	discovered_fn fn;
	void *context;
	bool news, removed;
	int64_t due_ms; /* when no round runs */

	/* A round. */
	bool asking;        /* it runs */
	bool aborted;       /* the channel went away under it */
	bool filling;       /* questions are being sent: an answer at once must not send more */
	unsigned int open;  /* questions without an answer */
	size_t next_target; /* whose addresses are to be asked for; by family */
	bool next_ipv6;
	int64_t asked_ms;
	struct dns_round round;
};

/* resolver_channel.c: c-ares in the loop. Make the channel, or make it anew: questions that were open end as aborted. */
int resolver_channel_open(struct resolver *resolver);
void resolver_channel_close(struct resolver *resolver);
bool resolver_conf_changed(const struct resolver *resolver);
void resolver_set_patience(struct resolver *resolver);

/* resolver_ask.c: one round. */
void resolver_begin_round(struct resolver_name *name);

/* resolver.c: the round is over. */
void resolver_round_over(struct resolver_name *name);

/* resolver.c: after anything that may have ended rounds. */
void resolver_settle(struct resolver *resolver);

#endif
