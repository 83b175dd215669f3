/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the token's file, and comparing without telling how much was right. */
#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static int read_token(const char *path, char room[TOKEN_MAX + 2], size_t *ret_length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t length = 0;
	ssize_t n;
	int r = 0;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, room + length, TOKEN_MAX + 2 - length);
		if (n < 0)
			r = -errno;
		else
			length += (size_t)n;
	} while (n > 0 && length < TOKEN_MAX + 2);
	close(fd);
	if (!r)
		*ret_length = length;
	return r;
}

int token_load(const char *path, struct token *ret, struct complaint *complaint)
{
	char room[TOKEN_MAX + 2];
	struct token token = { .length = 0 };
	size_t length = 0;
	int r;

	r = read_token(path, room, &length);
	if (r)
		return complain(complaint, r, "http.token_file %s: %s", path, strerror(-r));
	if (length && room[length - 1] == '\n')
		length--;
	if (length < TOKEN_MIN || length > TOKEN_MAX)
		return complain(complaint, -EINVAL,
				"http.token_file %s: the token is too %s, expected %d to %d characters", path,
				length < TOKEN_MIN ? "short" : "long", TOKEN_MIN, TOKEN_MAX);
	for (size_t i = 0; i < length; i++) {
		if (room[i] <= ' ' || room[i] > '~')
			return complain(complaint, -EINVAL,
					"http.token_file %s: character %zu cannot be in a token, expected one line of "
					"printable ASCII without spaces",
					path, i + 1);
	}
	memcpy(token.text, room, length);
	token.length = length;
	*ret = token;
	return 0;
}

bool token_matches(const struct token *token, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	volatile unsigned char difference = 0;
	const char *given;
	size_t length;

	if (!token->length || !authorization || strncasecmp(authorization, scheme, sizeof(scheme) - 1))
		return false;
	given = authorization + sizeof(scheme) - 1;
	while (*given == ' ')
		given++;
	length = strlen(given);
	if (length != token->length)
		return false;
	for (size_t i = 0; i < length; i++)
		difference |= (unsigned char)(given[i] ^ token->text[i]);
	return !difference;
}
