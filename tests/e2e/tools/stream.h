/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream of bytes that both ends can compute: what arrives is compared byte by byte. */
#ifndef SERIN_E2E_STREAM_H
#define SERIN_E2E_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begin with {.state = SEED}, not 0. */
struct stream {
	uint64_t state;
	unsigned int used; /* bytes of `state` that are out already */
};

/* The next `length` bytes. */
void stream_fill(struct stream *stream, unsigned char *bytes, size_t length);

/* Whether `bytes` are the next `length` ones. */
bool stream_matches(struct stream *stream, const unsigned char *bytes, size_t length);

#endif
