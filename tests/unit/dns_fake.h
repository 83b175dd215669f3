/* SPDX-License-Identifier: BSD-2-Clause */
/* A DNS server of the test's own, in its loop, that answers as the test pleases; for the tests of the resolver. */
#ifndef SERIN_DNS_FAKE_H
#define SERIN_DNS_FAKE_H

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns_message.h"
#include "turning.h"

struct question {
	unsigned int id, type;
	char name[256];
};

static struct {
	int fd;
	unsigned int port;
	unsigned int asked[64]; /* questions by type */
	struct dns_message out;
	struct sockaddr_storage client;
	socklen_t client_length;
	/* Fills fake.out; false: silence. */
	bool (*answer)(const struct question *question);
} fake;

/* "127.0.0.1:PORT" */
static inline const char *fake_address(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "127.0.0.1:%u", fake.port);
	return text;
}

static inline bool read_question(const unsigned char *bytes, int length, struct question *ret)
{
	int at = DNS_HEADER, used = 0;

	ret->name[0] = '\0';
	while (at < length && bytes[at]) {
		used += snprintf(ret->name + used, sizeof(ret->name) - (size_t)used, "%s%.*s", used ? "." : "",
				 bytes[at], (const char *)bytes + at + 1);
		at += bytes[at] + 1;
	}
	if (at + 5 > length)
		return false;
	ret->id = (unsigned int)bytes[0] << 8 | bytes[1];
	ret->type = (unsigned int)bytes[at + 1] << 8 | bytes[at + 2];
	return true;
}

static inline void fake_send(const void *bytes, int length)
{
	sendto(fake.fd, bytes, (size_t)length, 0, (struct sockaddr *)&fake.client, fake.client_length);
}

static inline void fake_on_question(void *context)
{
	unsigned char bytes[2048];
	struct question question;
	ssize_t length;

	(void)context;
	fake.client_length = sizeof(fake.client);
	length = recvfrom(fake.fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&fake.client,
			  &fake.client_length);
	if (length <= 0 || !read_question(bytes, (int)length, &question))
		return;
	fake.asked[question.type]++;
	if (fake.answer(&question))
		fake_send(fake.out.bytes, fake.out.length);
}

static inline int fake_begin(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	memset(fake.asked, 0, sizeof(fake.asked));
	fake.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fake.fd < 0 || bind(fake.fd, (struct sockaddr *)&address, length) ||
	    getsockname(fake.fd, (struct sockaddr *)&address, &length))
		return -1;
	fake.port = ntohs(address.sin_port);
	return loop_add_fd(turning.loop, fake.fd, fake_on_question, NULL, NULL);
}

/* Nobody is there any more: the next question meets a closed port. */
static inline void fake_end(void)
{
	if (fake.fd >= 0)
		close(fake.fd);
	fake.fd = -1;
}

#endif
