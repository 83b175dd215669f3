/* SPDX-License-Identifier: BSD-2-Clause */
/* The resolver against a server of the test's own, which says and leaves unsaid what a real one would not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "dns_fake.h"
#include "resolver.h"
#include "scratch_file.h"

#define NAME "canary.shop.test"
#define SOON 5000
#define GIVES_UP 10000 /* 1, 2, 4 s, and a busy machine */
#define BUSY_MS 900    /* whoever waits for an answer waits for a second at least; a machine may be busy otherwise */

static struct resolver *resolver;
static struct resolver_name *name;
static unsigned int calls;

static const struct discovered *found(void)
{
	return resolver_found(name);
}

static const char *text(void)
{
	static char buffer[DISCOVERED_TEXT_LEN];

	return discovered_describe(found(), 0, loop_now_ms(), buffer);
}

static void on_news(void *context)
{
	(void)context;
	calls++;
}

static struct resolver_question question(enum resolver_type type, int64_t every_ms)
{
	return (struct resolver_question){ NAME, type, htons(3000), every_ms, { SERIN_FORWARD_NAT, true, true } };
}

static void ask(enum resolver_type type, int64_t every_ms)
{
	struct resolver_question wanted = question(type, every_ms);

	assert_int_equal(resolver_add(resolver, &wanted, on_news, NULL, &name), 0);
}

static void open_resolver(const char *servers)
{
	const struct resolver_options options = { .servers = servers, .resolv_conf = "/nonexistent" };

	assert_int_equal(resolver_new(turning.loop, &options, &resolver), 0);
}

static int setup(void **state)
{
	(void)state;
	calls = 0;
	name = NULL;
	resolver = NULL;
	if (turning_begin() || fake_begin())
		return -1;
	open_resolver(fake_address());
	return 0;
}

static int teardown(void **state)
{
	bool held_up = turning.longest_ms > BUSY_MS;

	(void)state;
	resolver = resolver_free(resolver);
	fake_end();
	turning_end();
	if (held_up)
		print_error("the loop was held up for %lld ms\n", (long long)turning.longest_ms);
	return held_up ? -1 : 0;
}

static bool has_list(void)
{
	return found()->list.count && !found()->keeps;
}

static bool has_one(void)
{
	return found()->list.count == 1 && !found()->keeps;
}

static bool is_troubled(void)
{
	return found()->keeps;
}

static void check_item(size_t i, const char *expected)
{
	const struct config_backend *item = &found()->list.items[i];
	char buffer[ADDRESS_TEXT_LEN];

	assert_true(i < found()->list.count);
	assert_string_equal(endpoint_format(&item->endpoint.addr, item->endpoint.port, buffer), expected);
}

/* What the server answers. */
static unsigned int rcode = RCODE_OK, ttl;
static const char *const *records; /* of either family, the last one NULL */

static bool give(const struct question *asked)
{
	begin_message(&fake.out, asked->id, rcode, asked->name, asked->type);
	for (size_t i = 0; rcode == RCODE_OK && records[i]; i++) {
		if (asked->type == (strchr(records[i], ':') ? TYPE_AAAA : TYPE_A))
			put_address(&fake.out, asked->name, ttl, records[i]);
	}
	return true;
}

static bool give_nothing(const struct question *asked)
{
	(void)asked;
	return false;
}

static const char *const three[] = { "10.0.0.2", "10.0.0.1", "2001:db8::1", NULL };
static const char *const one[] = { "10.0.0.1", NULL };
static const char *const none[] = { NULL };

static void answer(const char *const *wanted, unsigned int seconds)
{
	records = wanted;
	rcode = RCODE_OK;
	ttl = seconds;
	fake.answer = give;
}

static void fail_with(unsigned int code)
{
	rcode = code;
	fake.answer = give;
}

static void learn_three(void)
{
	answer(three, 1);
	ask(RESOLVER_ADDRESSES, 1000);
	assert_true(turn_until(has_list, SOON));
	assert_int_equal(found()->list.count, 3);
}

static void test_addresses(void **state)
{
	(void)state;
	learn_three();
	assert_int_equal(calls, 1);
	check_item(0, "10.0.0.1:3000");
	check_item(1, "10.0.0.2:3000");
	check_item(2, "[2001:db8::1]:3000");
	assert_string_equal(text(), NAME ": 3 addresses, asked 0 s ago");
	turn_for(2500);
	assert_int_equal(calls, 1);
	assert_int_equal(found()->changes, 1);
	answer(one, 1);
	assert_true(turn_until(has_one, SOON));
	assert_int_equal(calls, 2);
}

static void test_only_one_family(void **state)
{
	struct resolver_question wanted = question(RESOLVER_ADDRESSES, 1000);

	(void)state;
	wanted.form.ipv6 = false;
	answer(three, 60);
	assert_int_equal(resolver_add(resolver, &wanted, on_news, NULL, &name), 0);
	assert_true(turn_until(has_list, SOON));
	assert_int_equal(found()->list.count, 2);
	assert_int_equal(fake.asked[TYPE_AAAA], 0);
}

/* The trouble, and that the list outlives it; then that it ends. */
static void check_trouble(const char *expected, int64_t ms)
{
	assert_true(turn_until(is_troubled, ms));
	assert_string_equal(found()->trouble.text, expected);
	assert_int_equal(found()->list.count, 3);
	assert_non_null(strstr(text(), " s: keeps the last 3 addresses"));
	answer(one, 1);
	assert_true(turn_until(has_one, GIVES_UP));
	assert_string_equal(text(), NAME ": 1 address, asked 0 s ago");
}

static void test_no_such_name(void **state)
{
	(void)state;
	learn_three();
	fail_with(RCODE_NXDOMAIN);
	check_trouble("NXDOMAIN", SOON);
	assert_int_equal(calls, 3);
}

static void test_empty_answer(void **state)
{
	(void)state;
	learn_three();
	answer(none, 1);
	check_trouble("an empty answer", SOON);
}

static void test_server_fails(void **state)
{
	(void)state;
	learn_three();
	fail_with(RCODE_SERVFAIL);
	check_trouble("no answer (refused, or the server fails)", SOON);
}

static void test_server_refuses(void **state)
{
	(void)state;
	learn_three();
	fail_with(RCODE_REFUSED);
	check_trouble("no answer (refused, or the server fails)", SOON);
}

static void test_silence(void **state)
{
	(void)state;
	learn_three();
	fake.answer = give_nothing;
	check_trouble("no answer", GIVES_UP);
}

/* It never answered: nothing is known, and that is said. (A closed port is a timeout to c-ares or is not, depending on which
 * of its calls heard of it first.) */
static void test_nobody_there(void **state)
{
	char expected[64] = "";

	(void)state;
	fake_end();
	ask(RESOLVER_ADDRESSES, 1000);
	assert_string_equal(text(), NAME ": no answer yet");
	assert_true(turn_until(is_troubled, GIVES_UP));
	assert_int_equal(found()->list.count, 0);
	assert_string_equal(strncpy(expected, text(), strlen(NAME ": no answer")), NAME ": no answer");
	assert_non_null(strstr(text(), " s: has given no addresses yet"));
}

static void test_second_server(void **state)
{
	char servers[64];

	(void)state;
	resolver = resolver_free(resolver);
	snprintf(servers, sizeof(servers), "127.0.0.2:%u,%s", fake.port, fake_address());
	open_resolver(servers);
	learn_three();
}

/* Bytes that are nobody's answer, sent by the server ahead of the right one. */
static bool give_garbage_first(const struct question *asked)
{
	unsigned char bytes[600];

	for (size_t length = 0; length < sizeof(bytes); length += 37) {
		for (size_t i = 0; i < length; i++)
			bytes[i] = (unsigned char)rand();
		fake_send(bytes, (int)length);
	}
	give(asked);
	fake.out.bytes[0] ^= 0x55; /* another question's number */
	fake_send(fake.out.bytes, fake.out.length);
	begin_message(&fake.out, asked->id, RCODE_OK, "another.test", asked->type);
	put_address(&fake.out, "another.test", 60, asked->type == TYPE_A ? "10.9.9.9" : "2001:db8::9");
	fake_send(fake.out.bytes, fake.out.length);
	return give(asked);
}

static void test_garbage_before_the_answer(void **state)
{
	(void)state;
	answer(three, 1);
	fake.answer = give_garbage_first;
	ask(RESOLVER_ADDRESSES, 1000);
	assert_true(turn_until(has_list, SOON));
	turn_for(2500);
	assert_int_equal(found()->changes, 1);
	assert_int_equal(found()->list.count, 3);
	assert_string_equal(found()->trouble.text, "");
}

/* The right header and question, and nothing right behind them. */
static bool give_garbage(const struct question *asked)
{
	begin_message(&fake.out, asked->id, RCODE_OK, asked->name, asked->type);
	put_address(&fake.out, asked->name, 60, "10.9.9.9");
	fake.out.bytes[7] = 3;
	for (int i = 0; i < 50; i++)
		put_byte(&fake.out, (unsigned int)rand() & 0xff);
	return true;
}

static void test_garbage(void **state)
{
	(void)state;
	learn_three();
	fake.answer = give_garbage;
	check_trouble("an answer that is no DNS message", SOON);
}

static void test_useless_address(void **state)
{
	static const char *const loopback[] = { "10.0.0.1", "127.0.0.1", NULL };

	(void)state;
	learn_three();
	answer(loopback, 1);
	check_trouble("the loopback address '127.0.0.1', expected a unicast address that packets can be forwarded to",
		      SOON);
}

/* Names that say their own TTL: "t600-1.test". */
struct timing {
	const char *name;
	int64_t every_ms;
	unsigned int least, most; /* questions for A within 3.5 s */
	unsigned int asked;
};

static struct timing timings[] = {
	{ "t0.test", 60000, 3, 4, 0 },     /* no TTL is no flood */
	{ "t2.test", 60000, 2, 2, 0 },     /* the TTL is respected */
	{ "t600-1.test", 1000, 3, 4, 0 },  /* `every` is shorter */
	{ "t600-2.test", 60000, 1, 1, 0 }, /* both are long */
};

#define TIMINGS (sizeof(timings) / sizeof(timings[0]))

static bool give_timing(const struct question *asked)
{
	for (size_t i = 0; i < TIMINGS; i++)
		timings[i].asked += !strcmp(asked->name, timings[i].name) && asked->type == TYPE_A;
	answer(three, (unsigned int)strtoul(asked->name + 1, NULL, 10));
	fake.answer = give_timing;
	return give(asked);
}

static void test_when_it_asks_again(void **state)
{
	(void)state;
	fake.answer = give_timing;
	for (size_t i = 0; i < TIMINGS; i++) {
		struct resolver_question wanted = question(RESOLVER_ADDRESSES, timings[i].every_ms);

		wanted.name = timings[i].name;
		assert_int_equal(resolver_add(resolver, &wanted, on_news, NULL, &name), 0);
	}
	turn_for(3500);
	assert_int_equal(calls, TIMINGS);
	for (size_t i = 0; i < TIMINGS; i++)
		assert_in_range(timings[i].asked, timings[i].least, timings[i].most);
	assert_int_equal(fake.asked[TYPE_A], fake.asked[TYPE_AAAA]);
}

/* SRV: its targets are t0.test, t1.test ..., each with an address of its own. */
static unsigned int targets;

static bool give_services(const struct question *asked)
{
	char buffer[32];
	unsigned int number;

	begin_message(&fake.out, asked->id, RCODE_OK, asked->name, asked->type);
	for (unsigned int i = 0; asked->type == TYPE_SRV && i < targets; i++) {
		snprintf(buffer, sizeof(buffer), "t%u.test", i);
		put_srv(&fake.out, asked->name, 1, (struct srv){ 5, i + 1, 4000 + i, buffer });
	}
	if (asked->type == TYPE_SRV)
		put_srv(&fake.out, asked->name, 1, (struct srv){ 6, 1, 9, "spare.test" });
	if (asked->type == TYPE_A && sscanf(asked->name, "t%u.test", &number) == 1) {
		snprintf(buffer, sizeof(buffer), "10.1.%u.%u", number / 250, number % 250 + 1);
		put_address(&fake.out, asked->name, 60, buffer);
	}
	return true;
}

static bool has_all(void)
{
	return found()->list.count == targets && !found()->keeps;
}

static void test_services(void **state)
{
	(void)state;
	targets = 3;
	fake.answer = give_services;
	ask(RESOLVER_SRV, 1000);
	assert_true(turn_until(has_all, SOON));
	check_item(0, "10.1.0.1:4000");
	check_item(2, "10.1.0.3:4002");
	assert_int_equal(found()->list.items[2].weight, 3);
	targets = 1;
	assert_true(turn_until(has_all, SOON));
	targets = 2;
	assert_true(turn_until(has_all, SOON));
	targets = 0; /* only the spare one, which has no address */
	assert_true(turn_until(is_troubled, SOON));
	assert_int_equal(found()->list.count, 2);
}

/* More questions in one round than are ever open at once. */
static void test_many_services(void **state)
{
	(void)state;
	targets = 24; /* what UDP has room for */
	fake.answer = give_services;
	ask(RESOLVER_SRV, 60000);
	if (!turn_until(has_all, SOON))
		fail_msg("%s", text());
	check_item(23, "10.1.0.24:4023");
	assert_int_equal(fake.asked[TYPE_A], 24); /* none was lost and asked for again */
	assert_int_equal(fake.asked[TYPE_AAAA], 24);
}

static void remove_it(void *context)
{
	(void)context;
	calls++;
	name = resolver_remove(name);
}

static void test_removed_by_its_own_news(void **state)
{
	struct resolver_question wanted = question(RESOLVER_ADDRESSES, 1000);

	(void)state;
	answer(three, 1);
	assert_int_equal(resolver_add(resolver, &wanted, remove_it, NULL, &name), 0);
	turn_for(2500);
	assert_int_equal(calls, 1);
	assert_null(name);
}

static void test_removed_while_asked(void **state)
{
	(void)state;
	fake.answer = give_nothing;
	ask(RESOLVER_ADDRESSES, 1000);
	turn_for(300);
	assert_int_equal(fake.asked[TYPE_A], 1);
	name = resolver_remove(name);
	answer(three, 1);
	turn_for(2000);
	assert_int_equal(calls, 0);
	assert_int_equal(fake.asked[TYPE_A], 2); /* the question that was open is repeated, no new one follows */
}

static void test_freed_while_asked(void **state)
{
	(void)state;
	fake.answer = give_nothing;
	for (int i = 0; i < 5; i++)
		ask(i % 2 ? RESOLVER_SRV : RESOLVER_ADDRESSES, 1000);
	turn_for(300);
	resolver = resolver_free(resolver);
	turn_for(100);
	assert_int_equal(calls, 0);
}

/* The host's servers change under a running agent (DHCP, a VPN): resolv.conf is read again, open questions included. */
static void test_resolv_conf(void **state)
{
	char path[SCRATCH_PATH_LEN];
	struct resolver_options options = { .resolv_conf = path, .port = (uint16_t)fake.port };

	(void)state;
	resolver = resolver_free(resolver);
	scratch_file("resolv.conf", "nameserver 127.0.0.2\n", path);
	assert_int_equal(resolver_new(turning.loop, &options, &resolver), 0);
	answer(three, 1);
	ask(RESOLVER_ADDRESSES, 1000);
	assert_true(turn_until(is_troubled, GIVES_UP));
	assert_int_equal(fake.asked[TYPE_A], 0);
	write_text(path, "# changed\nnameserver 127.0.0.1\n");
	assert_true(turn_until(has_list, SOON));
	unlink(path); /* c-ares takes that for 127.0.0.1 */
	turn_for(1500);
	assert_true(has_list());
}

static void test_bad_servers(void **state)
{
	const struct resolver_options options = { .servers = "not an address" };
	struct resolver *untouched = resolver, *other = untouched;

	(void)state;
	assert_int_equal(resolver_new(turning.loop, &options, &other), -EINVAL);
	assert_ptr_equal(other, untouched);
}

static void test_bad_name(void **state)
{
	struct resolver_question wanted = question(RESOLVER_ADDRESSES, 1000);

	(void)state;
	wanted.name = "a..b";
	assert_int_equal(resolver_add(resolver, &wanted, on_news, NULL, &name), 0);
	assert_true(turn_until(is_troubled, SOON));
	assert_string_equal(text(), "a..b: no valid DNS name for 0 s: has given no addresses yet");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_addresses),
		TEST(test_only_one_family),
		TEST(test_no_such_name),
		TEST(test_empty_answer),
		TEST(test_server_fails),
		TEST(test_server_refuses),
		TEST(test_silence),
		TEST(test_nobody_there),
		TEST(test_second_server),
		TEST(test_garbage_before_the_answer),
		TEST(test_garbage),
		TEST(test_useless_address),
		TEST(test_when_it_asks_again),
		TEST(test_services),
		TEST(test_many_services),
		TEST(test_removed_by_its_own_news),
		TEST(test_removed_while_asked),
		TEST(test_freed_while_asked),
		TEST(test_resolv_conf),
		TEST(test_bad_servers),
		TEST(test_bad_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
