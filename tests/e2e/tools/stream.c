/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream of bytes that both ends can compute: what arrives is compared byte by byte. */
#include "stream.h"

/* xorshift64: no byte of it repeats itself within what a test sends. */
static unsigned char next_byte(struct stream *stream)
{
	if (stream->used == sizeof(stream->state)) {
		stream->state ^= stream->state << 13;
		stream->state ^= stream->state >> 7;
		stream->state ^= stream->state << 17;
		stream->used = 0;
	}
	return (unsigned char)(stream->state >> (8 * stream->used++));
}

void stream_fill(struct stream *stream, unsigned char *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		bytes[i] = next_byte(stream);
}

bool stream_matches(struct stream *stream, const unsigned char *bytes, size_t length)
{
	bool same = true;
	size_t i;

	for (i = 0; i < length; i++)
		same &= bytes[i] == next_byte(stream);
	return same;
}
