/* SPDX-License-Identifier: BSD-2-Clause */
/* What a notification says, and the outbox's list: bounds, keys, backoff, and its file's text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notice.h"
#include "outbox_list.h"

static void test_body(void **state)
{
	json_t *figures = json_pack("{s:f, s:i}", "ln_e", 8.25, "clients", 41);
	struct notice notice = { .kind = CONFIG_NOTICE_ROLLBACK,
				 .service = "shop",
				 .version = "canary",
				 .release = "v2 <rc&1>",
				 .from = "progressing",
				 .to = "rolled_back",
				 .reason = "5xx > 3% & more",
				 .who = "kernel",
				 .at = 1763920000,
				 .rollout = 7,
				 .began = 1763910000,
				 .step = 2,
				 .change = 14,
				 .figures = figures };
	char *text = notice_body(&notice), key[NOTICE_KEY_LEN];

	(void)state;
	assert_string_equal(notice_key(&notice, key), "shop-7-1763910000-rollback-2-14");
	assert_string_equal(
		text,
		"{\"text\":\"shop: canary (v2 &lt;rc&amp;1&gt;) rolled back, progressing \xe2\x86\x92 rolled_back: "
		"5xx &gt; 3% &amp; more (by kernel)\",\"service\":\"shop\",\"kind\":\"rollback\",\"version\":\"canary\","
		"\"release\":\"v2 <rc&1>\",\"from\":\"progressing\",\"to\":\"rolled_back\",\"reason\":\"5xx > 3% & more\","
		"\"who\":\"kernel\",\"time\":\"2025-11-23T17:46:40Z\",\"key\":\"shop-7-1763910000-rollback-2-14\","
		"\"rollout\":7,\"step\":2,\"figures\":{\"ln_e\":8.25,\"clients\":41}}");
	free(text);
	json_decref(figures);
}

static void test_body_of_little(void **state)
{
	struct notice notice = { .kind = CONFIG_NOTICE_DONE, .service = "shop", .reason = "bad \xff bytes\n" };
	char *text = notice_body(&notice);
	json_t *body = json_loads(text, 0, NULL);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(body, "text")), "shop: rollout completed: bad ? bytes");
	assert_string_equal(json_string_value(json_object_get(body, "reason")), "bad ? bytes");
	assert_true(json_is_null(json_object_get(body, "from")));
	assert_true(json_is_object(json_object_get(body, "figures")));
	assert_string_equal(json_string_value(json_object_get(body, "time")), "1970-01-01T00:00:00Z");
	json_decref(body);
	free(text);
}

/* Whatever differs makes another key. */
static void test_keys_differ(void **state)
{
	struct notice one = { .service = "a", .kind = CONFIG_NOTICE_PAUSE }, other[6];
	char key[2][NOTICE_KEY_LEN];

	(void)state;
	for (size_t i = 0; i < 6; i++)
		other[i] = one;
	other[0].service = "b";
	other[1].kind = CONFIG_NOTICE_RESUME;
	other[2].rollout = 1;
	other[3].began = 1;
	other[4].step = 1;
	other[5].change = 1;
	for (size_t i = 0; i < 6; i++)
		assert_string_not_equal(notice_key(&one, key[0]), notice_key(&other[i], key[1]));
}

static void test_backoff(void **state)
{
	static const int64_t expected[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		assert_true(outbox_backoff(i + 1, 1000, 60000, 0) == expected[i]);
		assert_in_range(outbox_backoff(i + 1, 1000, 60000, UINT32_MAX), expected[i] / 2, expected[i] / 2 + 1);
		assert_in_range(outbox_backoff(i + 1, 1000, 60000, 1u << 31), expected[i] * 3 / 4 - 1,
				expected[i] * 3 / 4 + 1);
	}
	assert_true(outbox_backoff(UINT32_MAX, 1000, 60000, 0) == 60000);
}

static struct outbox_entry *add(struct outbox_list *list, const char *url, const char *key)
{
	struct outbox_entry *dropped = NULL;

	assert_int_equal(outbox_list_add(list, "shop", url, key, "{}", 5, &dropped), 0);
	return dropped;
}

static void test_bounds(void **state)
{
	struct outbox_list *list = calloc(1, sizeof(*list));
	struct outbox_entry *dropped;
	char url[32], key[32], *big;

	(void)state;
	for (int i = 0; i < OUTBOX_MAX_OF_URL; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_null(add(list, "a", key));
	}
	list->entries[0]->fetch = (struct fetch *)list; /* under way: it stays */
	dropped = add(list, "a", "one too many");
	assert_string_equal(dropped->key, "k1");
	outbox_entry_free(dropped);
	for (int i = OUTBOX_MAX_OF_URL; i < OUTBOX_MAX; i++) {
		snprintf(url, sizeof(url), "b%d", i / 50);
		assert_null(add(list, url, "k"));
	}
	assert_int_equal(list->count, OUTBOX_MAX);
	dropped = add(list, "c", "k");
	assert_string_equal(dropped->key, "k2");
	outbox_entry_free(dropped);
	assert_int_equal(list->count, OUTBOX_MAX);
	assert_true(outbox_list_is_first(list, 0));
	assert_false(outbox_list_is_first(list, 1));
	assert_true(outbox_list_is_first(list, OUTBOX_MAX - 1));
	for (size_t i = 0; i < OUTBOX_MAX; i++)
		list->entries[i]->fetch = (struct fetch *)list;
	assert_int_equal(outbox_list_add(list, "s", "d", "k", "{}", 5, &dropped), -ENOSPC);
	big = calloc(1, OUTBOX_MAX_BODY + 2);
	memset(big, 'x', OUTBOX_MAX_BODY + 1);
	assert_int_equal(outbox_list_add(list, "s", "d", "k", big, 5, &dropped), -EMSGSIZE);
	free(big);
	outbox_list_clear(list);
	free(list);
}

static void test_keys_remembered(void **state)
{
	struct outbox_list *list = calloc(1, sizeof(*list)), *again = calloc(1, sizeof(*list));
	struct complaint complaint;
	char key[32], *text;

	(void)state;
	for (int i = 0; i < OUTBOX_KEYS + 100; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_false(outbox_list_knows(list, key));
		assert_int_equal(outbox_list_remember(list, key), 0);
		assert_true(outbox_list_knows(list, key));
	}
	assert_false(outbox_list_knows(list, "k99")); /* the oldest are forgotten */
	assert_true(outbox_list_knows(list, "k100"));
	assert_null(add(list, "http://a/\"secret\"", "k7"));
	text = outbox_list_encode(list);
	assert_int_equal(outbox_list_decode(text, strlen(text), again, &complaint), 0);
	assert_int_equal(again->key_count, OUTBOX_KEYS);
	assert_false(outbox_list_knows(again, "k99"));
	assert_true(outbox_list_knows(again, "k100"));
	assert_int_equal(outbox_list_remember(again, "new"), 0); /* in the order of the old one */
	assert_false(outbox_list_knows(again, "k100"));
	assert_true(outbox_list_knows(again, "k101"));
	assert_int_equal(again->count, 1);
	assert_string_equal(again->entries[0]->url, "http://a/\"secret\"");
	assert_string_equal(again->entries[0]->service, "shop");
	assert_string_equal(again->entries[0]->key, "k7");
	assert_string_equal(again->entries[0]->body, "{}");
	assert_int_equal(again->entries[0]->at, 5);
	free(text);
	outbox_list_clear(list);
	outbox_list_clear(again);
	free(list);
	free(again);
}

static void test_damaged(void **state)
{
	static const struct {
		const char *text, *complaint;
		int error;
	} cases[] = {
		{ "", "line 1: '[' or '{' expected near end of file", -EBADMSG },
		{ "{\"format\":1", "line 1: '}' expected near end of file", -EBADMSG },
		{ "[]", "no format, expected 1", -EBADMSG },
		{ "{\"format\":0}", "no format, expected 1", -EBADMSG },
		{ "{\"format\":2}", "written by a newer serin: format 2, expected 1", -EPROTO },
		{ "{\"format\":1}", "keys: expected a list of at most 512", -EBADMSG },
		{ "{\"format\":1,\"keys\":[\"a\",1]}", "keys: entry 2 is no text", -EBADMSG },
		{ "{\"format\":1,\"keys\":[\"a\"]}", "pending: expected a list of at most 256", -EBADMSG },
		{ "{\"format\":1,\"keys\":[],\"pending\":[{\"url\":\"x\"}]}",
		  "pending: entry 1 is not {service, url, key, at, body} and nothing else", -EBADMSG },
	};
	struct outbox_list *list = calloc(1, sizeof(*list));
	struct complaint complaint;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(outbox_list_decode(cases[i].text, strlen(cases[i].text), list, &complaint),
				 cases[i].error);
		assert_string_equal(complaint.text, cases[i].complaint);
		assert_int_equal(list->count + list->key_count, 0);
	}
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body),        cmocka_unit_test(test_body_of_little),
		cmocka_unit_test(test_keys_differ), cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_bounds),      cmocka_unit_test(test_keys_remembered),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
