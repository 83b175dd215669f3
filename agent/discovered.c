/* SPDX-License-Identifier: BSD-2-Clause */
/* The last good list of a name or a file, and a sentence about it. */
#include "discovered.h"

#include <stdio.h>
#include <string.h>

#define AGE_LEN 32
#define KEPT_LEN 96

static bool set_trouble(struct discovered *discovered, const char *text, int64_t since_ms)
{
	if (!strncmp(discovered->trouble.text, text, sizeof(discovered->trouble.text) - 1))
		return false;
	snprintf(discovered->trouble.text, sizeof(discovered->trouble.text), "%s", text);
	discovered->trouble_ms = since_ms;
	return true;
}

bool discovered_take(struct discovered *discovered, struct backend_list *list, const char *lacks, int64_t now_ms)
{
	bool same = backend_list_equal(&discovered->list, list);
	bool news = set_trouble(discovered, lacks, now_ms) || discovered->keeps || !same;

	discovered->keeps = false;
	discovered->good_ms = now_ms;
	if (same) {
		backend_list_clear(list);
		return news;
	}
	backend_list_clear(&discovered->list);
	discovered->list = *list;
	*list = (struct backend_list){ .items = NULL };
	discovered->changes++;
	return true;
}

bool discovered_refuse(struct discovered *discovered, const char *trouble, int64_t since_ms)
{
	bool news = set_trouble(discovered, trouble, since_ms) || !discovered->keeps;

	discovered->keeps = true;
	return news;
}

static const char *format_age(int64_t ms, char buffer[AGE_LEN])
{
	long long s = ms > 0 ? ms / 1000 : 0;

	if (s < 120)
		snprintf(buffer, AGE_LEN, "%lld s", s);
	else if (s < 120 * 60)
		snprintf(buffer, AGE_LEN, "%lld min", s / 60);
	else
		snprintf(buffer, AGE_LEN, "%lld h", s / 3600);
	return buffer;
}

static const char *format_count(const struct discovered *discovered, char buffer[AGE_LEN])
{
	size_t count = discovered->list.count;

	snprintf(buffer, AGE_LEN, "%zu address%s", count, count == 1 ? "" : "es");
	return buffer;
}

/* Who takes the clients while nothing good has come. */
static const char *format_kept(const struct discovered *discovered, size_t running, char buffer[KEPT_LEN])
{
	char count[AGE_LEN];

	if (discovered->list.count)
		snprintf(buffer, KEPT_LEN, "keeps the last %s", format_count(discovered, count));
	else if (running)
		snprintf(buffer, KEPT_LEN, "has given no addresses yet, the running %zu backend%s kept", running,
			 running == 1 ? " is" : "s are");
	else
		snprintf(buffer, KEPT_LEN, "has given no addresses yet");
	return buffer;
}

/* A complaint about a file begins with its place, which begins with its path. */
static const char *describe_trouble(const struct discovered *discovered, size_t running, int64_t now_ms, char *buffer)
{
	const char *trouble = discovered->trouble.text;
	char age[AGE_LEN], rest[KEPT_LEN];

	format_age(now_ms - discovered->trouble_ms, age);
	format_kept(discovered, running, rest);
	if (discovered->source == DISCOVERED_IN_FILE)
		snprintf(buffer, DISCOVERED_TEXT_LEN, "%s (for %s): %s", trouble, age, rest);
	else
		snprintf(buffer, DISCOVERED_TEXT_LEN, "%.255s: %s for %s: %s", discovered->subject, trouble, age, rest);
	return buffer;
}

const char *discovered_describe(const struct discovered *discovered, size_t running, int64_t now_ms, char *buffer)
{
	const char *trouble = discovered->trouble.text;
	char age[AGE_LEN], count[AGE_LEN];

	if (discovered->keeps)
		return describe_trouble(discovered, running, now_ms, buffer);
	if (!discovered->list.count) {
		snprintf(buffer, DISCOVERED_TEXT_LEN, "%.255s: no answer yet", discovered->subject);
		return buffer;
	}
	snprintf(buffer, DISCOVERED_TEXT_LEN, "%.255s: %s, %s %s ago%s%s", discovered->subject,
		 format_count(discovered, count), discovered->source == DISCOVERED_IN_FILE ? "read" : "asked",
		 format_age(now_ms - discovered->good_ms, age), trouble[0] ? "; " : "", trouble);
	return buffer;
}

void discovered_clear(struct discovered *discovered)
{
	backend_list_clear(&discovered->list);
}
