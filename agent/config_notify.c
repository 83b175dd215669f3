/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's key `notify`, and what a URL has to look like. */
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"
#include "config_value.h"
#include "scalar.h"

#define MAX_URL 1023
#define EXPECTED_URL "a URL such as https://hooks.example/T0"
#define EXPECTED_ON "a list of: start, step, pause, resume, done, finish, rollback, abort"

/* Behind the scheme: HOST, HOST:PORT, [ADDRESS]:PORT and so on, perhaps behind "USER:PASSWORD@". */
static bool authority_is_valid(const char *text, size_t length)
{
	char host[320];
	const char *at = memchr(text, '@', length), *colon;
	struct serin_addr addr;
	unsigned int port;
	size_t end;

	if (at) {
		length -= (size_t)(at + 1 - text);
		text = at + 1;
	}
	if (!length || length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	end = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	if (end > length)
		return false;
	colon = host + end;
	if (*colon && (*colon != ':' || parse_unsigned(colon + 1, 1, UINT16_MAX, &port) < 0))
		return false;
	host[end] = '\0';
	if (host[0] != '[')
		return host_name_is_valid(host) || (!address_parse(host, &addr) && address_is_ipv4(&addr));
	host[end - 1] = '\0';
	return !address_parse(host + 1, &addr) && !address_is_ipv4(&addr);
}

bool config_url_is_valid(const char *text)
{
	size_t scheme, length = strlen(text);

	if (!strncmp(text, "http://", 7))
		scheme = 7;
	else if (!strncmp(text, "https://", 8))
		scheme = 8;
	else
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '#')
			return false;
	}
	return length <= MAX_URL && authority_is_valid(text + scheme, strcspn(text + scheme, "/?"));
}

/* The text itself stays unsaid in complaints: such addresses often are the whole of their secret. */
static int read_url(struct config_reader *reader, yaml_node_t *node, void *into)
{
	struct config_notify *notify = into;
	const char *text = config_text(node);

	if (text && !config_url_is_valid(text))
		return config_complain(reader, config_place_of(node), "invalid url, expected %s", EXPECTED_URL);
	if (!text)
		return config_bad_value(reader, node, "url", EXPECTED_URL);
	notify->url = strdup(text);
	return notify->url ? 0 : config_complain_memory(reader);
}

static int read_notice(struct config_reader *reader, yaml_node_t *node, void *into)
{
	unsigned int *on = into;
	int value, err;

	err = config_value_choice(reader, node, "notice", config_notices, CONFIG_NOTICES, &value);
	if (err)
		return err;
	if (*on & 1u << value)
		return config_complain(reader, config_place_of(node), "notice '%s' again, expected it once",
				       config_notice_name((enum config_notice)value));
	*on |= 1u << value;
	return 0;
}

static int read_on(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_list list = {
		.name = "on",
		.expected = EXPECTED_ON,
		.max = CONFIG_NOTICES,
		.read = read_notice,
	};
	struct config_notify *notify = into;

	notify->on = 0;
	return config_read_list(reader, node, &list, &notify->on);
}

static int read_one(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_key keys[] = {
		{ .name = "url", .read = read_url, .required = EXPECTED_URL },
		{ .name = "on", .read = read_on },
	};
	static const struct config_mapping mapping = { .name = "a notification", CONFIG_KEYS(keys) };
	struct config_service *service = into;
	struct config_notify *notify = &service->notify[service->notify_count++];

	notify->on = 1u << CONFIG_NOTICE_ROLLBACK | 1u << CONFIG_NOTICE_PAUSE | 1u << CONFIG_NOTICE_DONE;
	notify->place = config_place_of(node);
	return config_read_mapping(reader, node, &mapping, notify);
}

int config_read_notify(struct config_reader *reader, yaml_node_t *node, void *into)
{
	static const struct config_list list = {
		.name = "notify",
		.expected = "a list of 1 to 8 of {url: URL, on: [...]}",
		.max = CONFIG_MAX_NOTIFY,
		.read = read_one,
	};
	struct config_draft *draft = into;

	draft->service->notify = calloc(CONFIG_MAX_NOTIFY, sizeof(*draft->service->notify));
	if (!draft->service->notify)
		return config_complain_memory(reader);
	return config_read_list(reader, node, &list, draft->service);
}
