/* SPDX-License-Identifier: BSD-2-Clause */
/* A transition as JSON and in words. */
#include "notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fetch.h"

/* Behind "shop: canary". */
static const char *const happened[] = {
	[CONFIG_NOTICE_START] = "rollout started",  [CONFIG_NOTICE_STEP] = "goes to its next step",
	[CONFIG_NOTICE_PAUSE] = "paused",           [CONFIG_NOTICE_RESUME] = "goes on",
	[CONFIG_NOTICE_DONE] = "rollout completed", [CONFIG_NOTICE_FINISH] = "is the baseline now",
	[CONFIG_NOTICE_ROLLBACK] = "rolled back",   [CONFIG_NOTICE_ABORT] = "rollout aborted",
};
_Static_assert(sizeof(happened) / sizeof(happened[0]) == CONFIG_NOTICES, "words for each");

const char *notice_key(const struct notice *notice, char *buffer)
{
	snprintf(buffer, NOTICE_KEY_LEN, "%s-%llu-%lld-%s-%u-%llu", notice->service,
		 (unsigned long long)notice->rollout, (long long)notice->began, config_notice_name(notice->kind),
		 notice->step, (unsigned long long)notice->change);
	return buffer;
}

/* Slack and those like it read three characters as markup. */
static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else
			putc(*text, out);
	}
}

static void put_sentence(FILE *out, const struct notice *notice)
{
	fprintf(out, "%s: ", notice->service);
	if (notice->version)
		fprintf(out, "%s ", notice->version);
	if (notice->release) {
		putc('(', out);
		put_escaped(out, notice->release);
		fputs(") ", out);
	}
	fputs(happened[notice->kind], out);
	if (notice->from && notice->to) {
		fputs(", ", out);
		put_escaped(out, notice->from);
		fputs(" \xe2\x86\x92 ", out); /* an arrow */
		put_escaped(out, notice->to);
	}
	if (notice->reason && notice->reason[0]) {
		fputs(": ", out);
		put_escaped(out, notice->reason);
	}
	if (notice->who && notice->who[0]) {
		fputs(" (by ", out);
		put_escaped(out, notice->who);
		putc(')', out);
	}
}

/* JSON has UTF-8 only; what is none, of a stranger's, is shown without what is wrong in it. */
static json_t *string_of(const char *text)
{
	json_t *string;
	char *quoted;
	size_t size;

	if (!text)
		return json_null();
	string = json_string(text);
	if (string)
		return string;
	size = strlen(text) + 1;
	quoted = malloc(size);
	if (quoted)
		string = json_string(fetch_quote(text, quoted, size));
	free(quoted);
	return string;
}

static json_t *sentence_of(const struct notice *notice)
{
	json_t *string = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	put_sentence(out, notice);
	if (!fclose(out))
		string = string_of(text);
	free(text);
	return string;
}

static json_t *time_of(int64_t at)
{
	time_t seconds = (time_t)at;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

char *notice_body(const struct notice *notice)
{
	char key[NOTICE_KEY_LEN], *text;
	json_t *body;

	body = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:I, s:i}", "text",
			 sentence_of(notice), "service", string_of(notice->service), "kind",
			 config_notice_name(notice->kind), "version", string_of(notice->version), "release",
			 string_of(notice->release), "from", string_of(notice->from), "to", string_of(notice->to),
			 "reason", string_of(notice->reason), "who", string_of(notice->who), "time",
			 time_of(notice->at), "key", notice_key(notice, key), "rollout", (json_int_t)notice->rollout,
			 "step", (int)notice->step);
	if (!body)
		return NULL;
	if (json_object_set_new(body, "figures", notice->figures ? json_incref(notice->figures) : json_object())) {
		json_decref(body);
		return NULL;
	}
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}
