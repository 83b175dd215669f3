/* SPDX-License-Identifier: BSD-2-Clause */
/* The names that are asked for: when each is due, what its rounds make of its list, and who is told. */
#include "resolver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "resolver_private.h"

#define BATCH 32
#define RETRY_MS 1000 /* after a round that could not be held */

static void free_name(struct resolver_name *name)
{
	discovered_clear(&name->found);
	free(name->text);
	free(name);
}

static void set_alarm(struct resolver *resolver)
{
	int64_t first = INT64_MAX, now = loop_now_ms();

	for (struct resolver_name *name = resolver->names; name; name = name->next) {
		if (!name->asking && !name->removed && name->due_ms < first)
			first = name->due_ms;
	}
	if (first == INT64_MAX)
		loop_stop_timer(resolver->alarm);
	else
		loop_set_timer(resolver->alarm, first > now ? first - now : 0, 0);
}

/* Those that are removed and whose questions have all come back. */
static void reap(struct resolver *resolver)
{
	struct resolver_name **at = &resolver->names;

	while (*at) {
		struct resolver_name *name = *at;

		if (name->removed && !name->asking) {
			*at = name->next;
			free_name(name);
		} else {
			at = &name->next;
		}
	}
}

void resolver_settle(struct resolver *resolver)
{
	resolver->busy++;
	for (struct resolver_name *name = resolver->names; name; name = name->next) {
		if (!name->news || name->removed)
			continue;
		name->news = false;
		name->fn(name->context);
	}
	if (--resolver->busy)
		return;
	reap(resolver);
	set_alarm(resolver);
	resolver_set_patience(resolver);
}

static void take_round(struct resolver_name *name)
{
	struct backend_list list = { .items = NULL };
	struct complaint text = { "" };
	bool news;
	int err;

	err = dns_round_finish(&name->round, &name->found.list, &list, &text);
	if (!err)
		news = discovered_take(&name->found, &list, text.text, name->asked_ms);
	else
		news = discovered_refuse(&name->found, err == -ENOENT ? text.text : "out of memory", name->asked_ms);
	name->news = name->news || news;
	name->due_ms = loop_now_ms() + dns_round_interval_ms(&name->round, name->question.every_ms);
}

void resolver_round_over(struct resolver_name *name)
{
	if (name->aborted)
		name->due_ms = loop_now_ms() + RETRY_MS;
	else if (!name->resolver->closing && !name->removed)
		take_round(name);
	dns_round_end(&name->round);
	name->asking = false;
}

static void on_sockets(void *context)
{
	struct resolver *resolver = context;
	struct epoll_event events[BATCH];
	int count = epoll_wait(resolver->epoll, events, BATCH, 0);

	for (int i = 0; i < count; i++) {
		bool in = events[i].events & ~(unsigned int)EPOLLOUT, out = events[i].events & EPOLLOUT;
		int fd = events[i].data.fd;

		/* One that an earlier answer has closed is none of c-ares's any more, which it notices. */
		ares_process_fd(resolver->channel, in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
	}
	resolver_settle(resolver);
}

static void on_patience(void *context)
{
	struct resolver *resolver = context;

	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	resolver_settle(resolver);
}

static void on_alarm(void *context)
{
	struct resolver *resolver = context;
	int64_t now;

	/* Where the new one cannot be used, the old one goes on and this is tried again with the next question. */
	if (resolver_conf_changed(resolver))
		resolver_channel_open(resolver);
	now = loop_now_ms();
	for (struct resolver_name *name = resolver->names; name; name = name->next) {
		if (!name->asking && !name->removed && name->due_ms <= now)
			resolver_begin_round(name);
	}
	resolver_settle(resolver);
}

static int copy_options(struct resolver *resolver, const struct resolver_options *options)
{
	const char *conf = options && options->resolv_conf ? options->resolv_conf : "/etc/resolv.conf";

	resolver->port = options ? options->port : 0;
	resolver->resolv_conf = strdup(conf);
	if (options && options->servers)
		resolver->servers = strdup(options->servers);
	return resolver->resolv_conf && (!options || !options->servers || resolver->servers) ? 0 : -ENOMEM;
}

static int open_parts(struct resolver *resolver)
{
	int err;

	resolver->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (resolver->epoll < 0)
		return -errno;
	err = resolver_channel_open(resolver);
	if (!err)
		err = loop_add_timer(resolver->loop, on_patience, resolver, &resolver->patience);
	if (!err)
		err = loop_add_timer(resolver->loop, on_alarm, resolver, &resolver->alarm);
	/* The last, since nothing of the loop can be taken back but a descriptor, by closing it. */
	if (!err)
		err = loop_add_fd(resolver->loop, resolver->epoll, on_sockets, resolver, NULL);
	return err;
}

int resolver_new(struct loop *loop, const struct resolver_options *options, struct resolver **ret)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	int err;

	if (!resolver)
		return -ENOMEM;
	resolver->loop = loop;
	resolver->epoll = -1;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		free(resolver);
		return -ENOMEM;
	}
	err = copy_options(resolver, options);
	if (!err)
		err = open_parts(resolver);
	if (err)
		resolver_free(resolver);
	else
		*ret = resolver;
	return err;
}

struct resolver *resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return NULL;
	resolver->closing = true;
	resolver_channel_close(resolver);
	for (struct resolver_name *name = resolver->names; name; name = name->next)
		name->removed = true;
	reap(resolver);
	if (resolver->patience)
		loop_stop_timer(resolver->patience);
	if (resolver->alarm)
		loop_stop_timer(resolver->alarm);
	if (resolver->epoll >= 0)
		close(resolver->epoll);
	ares_library_cleanup();
	free(resolver->servers);
	free(resolver->resolv_conf);
	free(resolver);
	return NULL;
}

int resolver_add(struct resolver *resolver, const struct resolver_question *question, discovered_fn fn, void *context,
		 struct resolver_name **ret)
{
	struct resolver_name *name = calloc(1, sizeof(*name));

	if (!name)
		return -ENOMEM;
	name->text = strdup(question->name);
	if (!name->text) {
		free(name);
		return -ENOMEM;
	}
	name->resolver = resolver;
	name->question = *question;
	name->question.name = name->text;
	name->found = (struct discovered){ .source = DISCOVERED_BY_DNS, .subject = name->text };
	name->fn = fn;
	name->context = context;
	name->due_ms = loop_now_ms();
	name->next = resolver->names;
	resolver->names = name;
	loop_set_timer(resolver->alarm, 0, 0);
	*ret = name;
	return 0;
}

struct resolver_name *resolver_remove(struct resolver_name *name)
{
	if (!name)
		return NULL;
	name->removed = true;
	if (!name->resolver->busy)
		reap(name->resolver);
	return NULL;
}

const struct discovered *resolver_found(const struct resolver_name *name)
{
	return &name->found;
}
