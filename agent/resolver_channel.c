/* SPDX-License-Identifier: BSD-2-Clause */
/* c-ares in the event loop: its sockets, its timeouts, its servers. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "resolver_private.h"

#define DNS_PORT 53
#define TIMEOUT_MS 1000 /* the first; the next ones double */
#define TRIES 3
#define EDNS_SIZE 1232 /* what passes unfragmented everywhere; beyond it TCP */

/* c-ares from 1.23 on keeps answers itself, which would hide from `every` what has changed within a TTL; its option that says
 * for how long is 0 where it is not set. */
#ifndef ARES_OPT_QUERY_CACHE
#define ARES_OPT_QUERY_CACHE 0
#endif

static void watch_socket(void *context, ares_socket_t fd, int readable, int writable)
{
	struct resolver *resolver = context;
	struct epoll_event event = {
		.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u),
		.data.fd = fd,
	};

	if (!event.events)
		epoll_ctl(resolver->epoll, EPOLL_CTL_DEL, fd, NULL);
	else if (epoll_ctl(resolver->epoll, EPOLL_CTL_MOD, fd, &event) && errno == ENOENT)
		epoll_ctl(resolver->epoll, EPOLL_CTL_ADD, fd, &event);
	/* Where even that fails, the question runs into its timeout. */
}

/* Size and times of a file that is not there are those of none. */
static struct stat stat_conf(const struct resolver *resolver)
{
	struct stat conf;

	if (stat(resolver->resolv_conf, &conf))
		memset(&conf, 0, sizeof(conf));
	return conf;
}

bool resolver_conf_changed(const struct resolver *resolver)
{
	struct stat now;

	if (resolver->servers)
		return false;
	now = stat_conf(resolver);
	return now.st_dev != resolver->conf.st_dev || now.st_ino != resolver->conf.st_ino ||
	       now.st_size != resolver->conf.st_size || now.st_mtim.tv_sec != resolver->conf.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != resolver->conf.st_mtim.tv_nsec;
}

static int to_errno(int status)
{
	return status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
}

int resolver_channel_open(struct resolver *resolver)
{
	struct ares_options options = {
		.flags = ARES_FLAG_EDNS,
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
		.ednspsz = EDNS_SIZE,
		.udp_port = resolver->port ? resolver->port : DNS_PORT,
		.tcp_port = resolver->port ? resolver->port : DNS_PORT,
		.resolvconf_path = resolver->resolv_conf,
		.sock_state_cb = watch_socket,
		.sock_state_cb_data = resolver,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_RESOLVCONF |
		   ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT | ARES_OPT_QUERY_CACHE | ARES_OPT_SOCK_STATE_CB;
	struct stat conf = stat_conf(resolver);
	ares_channel channel;
	int status;

	status = ares_init_options(&channel, &options, mask);
	if (status != ARES_SUCCESS)
		return to_errno(status);
	if (resolver->servers)
		status = ares_set_servers_ports_csv(channel, resolver->servers);
	if (status != ARES_SUCCESS) {
		ares_destroy(channel);
		return to_errno(status);
	}
	resolver_channel_close(resolver);
	resolver->channel = channel;
	resolver->conf = conf;
	return 0;
}

void resolver_channel_close(struct resolver *resolver)
{
	ares_channel channel = resolver->channel;

	resolver->channel = NULL;
	if (channel)
		ares_destroy(channel);
}

void resolver_set_patience(struct resolver *resolver)
{
	struct timeval left;

	if (ares_timeout(resolver->channel, NULL, &left))
		loop_set_timer(resolver->patience, (int64_t)left.tv_sec * 1000 + left.tv_usec / 1000 + 1, 0);
	else
		loop_stop_timer(resolver->patience);
}
