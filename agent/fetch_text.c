/* SPDX-License-Identifier: BSD-2-Clause */
/* What may be shown of URLs and of what strangers answer. */
#include "fetch.h"

#include <stdio.h>
#include <string.h>

const char *fetch_origin(const char *url, char *buffer, size_t size)
{
	const char *host = strstr(url, "://"), *at;
	int scheme, length;

	host = host ? host + 3 : url;
	scheme = (int)(host - url);
	length = (int)strcspn(host, "/?#");
	at = memrchr(host, '@', (size_t)length); /* what is before it is a password */
	if (at) {
		length -= (int)(at + 1 - host);
		host = at + 1;
	}
	snprintf(buffer, size, "%.*s%.*s", scheme, url, length, host);
	return buffer;
}

const char *fetch_quote(const char *text, char *buffer, size_t size)
{
	size_t length = 0;

	for (; *text && length + 1 < size; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte > ' ' && byte < 0x7f)
			buffer[length++] = *text;
		else if (byte >= 0x7f)
			buffer[length++] = '?';
		else if (length && buffer[length - 1] != ' ') /* any white space is one blank */
			buffer[length++] = ' ';
	}
	while (length && buffer[length - 1] == ' ')
		length--;
	buffer[length] = '\0';
	return buffer;
}
