/* SPDX-License-Identifier: BSD-2-Clause */
/* The load generator's options, tallies and connections. */
#ifndef SERIN_E2E_LOAD_H
#define SERIN_E2E_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "backends.h"
#include "common.h"

struct options {
	struct sockaddr_storage target, first_source;
	long sources;          /* addresses from first_source on; 0: the system chooses */
	long keep;             /* keep-alive connections */
	long think_ms;         /* of a keep-alive connection between answer and next request */
	long fresh_per_second; /* 0: as fast as fresh_at_once allows */
	long fresh_total;      /* connections of one request each; 0: until the time is over */
	long fresh_at_once;
	bool fresh;         /* whether there are any */
	bool server_closes; /* fresh connections ask the server to close */
	long seconds;       /* 0: until fresh_total is reached */
	long timeout_ms;
	const char *record; /* file for "SOURCE BACKEND" lines, one per fresh connection */
	const char *ready;  /* file that appears when every keep-alive connection has been answered */
};

enum failure { FAILED_CONNECT, FAILED_RESET, FAILED_TIMEOUT, FAILED_ANSWER, FAILURES };

struct tally {
	uint64_t requests, fresh_done, moved;
	uint64_t failed[2][FAILURES]; /* [fresh] */
	struct backends backends;
};

enum phase { PHASE_IDLE, PHASE_CONNECTING, PHASE_WAITING, PHASE_THINKING };

struct connection {
	int fd;
	enum phase phase;
	bool fresh;
	int backend;       /* index into the tally, -1: none has answered yet */
	uint64_t deadline; /* of what the phase waits for */
	struct sockaddr_storage source;
	size_t length;
	char answer[512];
};

/* connection.c: each makes one step of one connection. `poller` is an epoll descriptor. */
void connection_open(struct connection *connection, const struct options *options, int poller, struct tally *tally);
void connection_event(struct connection *connection, const struct options *options, struct tally *tally, FILE *record);
/* The phase's deadline has passed. */
void connection_expire(struct connection *connection, const struct options *options, struct tally *tally);
void connection_close(struct connection *connection);

#endif
