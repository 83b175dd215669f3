/* SPDX-License-Identifier: BSD-2-Clause */
/* Backends by DNS: names that are asked for again and again, in the loop and without ever blocking it. */
#ifndef SERIN_RESOLVER_H
#define SERIN_RESOLVER_H

#include "discovered.h"
#include "loop.h"

/* When a name is asked for again: after max(1 s, min(every, TTL)). The TTL is how long an answer may be believed at most, so
 * it is never outlived; `every` is how old an answer the user will stand, and a zone's TTL of an hour must not make a
 * release wait. One second at least, since a TTL of 0 is common and no invitation to a flood. A round that failed is
 * repeated after `every`; there is one round of a name at a time.
 *
 * Names are whole: the search list of resolv.conf and /etc/hosts play no part, since with a search list another zone's
 * name would answer for one that has gone. The servers are those of resolv.conf, which is read again when it has changed.
 * A question waits 1, 2, then 4 s; a server that does not answer or says SERVFAIL or REFUSED is followed by the next. */

struct resolver;
struct resolver_name;

struct resolver_options {
	const char *servers;     /* "127.0.0.1:5353,[::1]:53"; NULL: those of resolv.conf */
	const char *resolv_conf; /* NULL: /etc/resolv.conf */
	uint16_t port;           /* of servers that have none with them, host byte order; 0: 53 */
};

enum resolver_type {
	RESOLVER_ADDRESSES, /* A and AAAA, as far as the form wants these families */
	RESOLVER_SRV,       /* targets of the lowest priority, with their ports and weights, and their addresses */
};

struct resolver_question {
	const char *name;
	enum resolver_type type;
	__be16 port; /* of RESOLVER_ADDRESSES; 0 only where ports are not rewritten */
	int64_t every_ms;
	struct backend_form form;
};

/* 0, -EINVAL for servers or a resolv.conf that c-ares cannot use, -ENOMEM, or what epoll gave. */
int resolver_new(struct loop *loop, const struct resolver_options *options, struct resolver **ret);

/* With all of its names. Not from within a discovered_fn; the loop keeps two timers of it until its own end. NULL is fine.
 * Returns NULL. */
struct resolver *resolver_free(struct resolver *resolver);

/* Ask for it, from the loop's next turn on. `fn` is called from the loop, never from here. 0 or -ENOMEM. */
int resolver_add(struct resolver *resolver, const struct resolver_question *question, discovered_fn fn, void *context,
		 struct resolver_name **ret);

/* Forget it: `fn` is not called any more. From a discovered_fn too. NULL is fine. Returns NULL. */
struct resolver_name *resolver_remove(struct resolver_name *name);

/* Until it is removed. */
const struct discovered *resolver_found(const struct resolver_name *name);

#endif
