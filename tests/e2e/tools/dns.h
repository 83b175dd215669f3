/* SPDX-License-Identifier: BSD-2-Clause */
/* As much of DNS (RFC 1035) as it takes to ask for an address and to read it. */
#ifndef SERIN_E2E_DNS_H
#define SERIN_E2E_DNS_H

#include <stddef.h>
#include <stdint.h>

#define DNS_SIZE 512

/* Write a question for the IPv4 address of `name`; dies when the name is none. Returns its length. */
size_t dns_question(uint16_t id, const char *name, unsigned char ret[DNS_SIZE]);

/* The first IPv4 address of the answer to question `id` as text, at least 16 bytes. -EBADMSG: it is no such answer. */
int dns_answer(uint16_t id, const unsigned char *message, size_t length, char *ret);

#endif
