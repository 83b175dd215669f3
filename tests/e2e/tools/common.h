/* SPDX-License-Identifier: BSD-2-Clause */
/* What the traffic tools of the end-to-end tests share: addresses, time, and ending with a sentence. */
#ifndef SERIN_E2E_COMMON_H
#define SERIN_E2E_COMMON_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* Print the sentence after the program's name and exit with 2: the tools are used wrongly or cannot start. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

/* CLOCK_MONOTONIC. */
uint64_t now_ms(void);

/* A decimal number in [low, high], or die naming `what`. */
long parse_number(const char *what, const char *text, long low, long high);

/* "192.0.2.1:80", "[2001:db8::1]:80"; without a port where the colon is missing (IPv4) or the brackets are (IPv6). */
void parse_address(const char *text, struct sockaddr_storage *ret);
socklen_t address_length(const struct sockaddr_storage *address);

/* Without the port. */
void format_address(const struct sockaddr_storage *address, char ret[INET6_ADDRSTRLEN]);

/* The address `offset` above `first`, counted in the low 32 bits. */
void address_plus(const struct sockaddr_storage *first, uint32_t offset, struct sockaddr_storage *ret);

/* Descriptors up to the hard limit: a thousand connections are more than the usual soft one. */
void raise_descriptor_limit(void);

#endif
