/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers about a name, merged: A with AAAA, SRV with the addresses of its targets, the last list with a new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "dns_message.h"
#include "dns_round.h"

static const struct backend_form nat = { SERIN_FORWARD_NAT, true, true };
static const struct dns_reply none = { DNS_NOTHING, "an empty answer", NULL, 0 };
static const struct dns_reply no_name = { DNS_NOTHING, "NXDOMAIN", NULL, 0 };
static const struct dns_reply silence = { DNS_FAILED, "no answer", NULL, 0 };

static struct dns_round this_round;
static struct dns_message message;
static struct backend_list result, last;
static struct complaint text;

static int setup(void **state)
{
	(void)state;
	text = (struct complaint){ "untouched" };
	return dns_round_begin(&this_round, &nat);
}

static int teardown(void **state)
{
	(void)state;
	dns_round_end(&this_round);
	backend_list_clear(&result);
	backend_list_clear(&last);
	return 0;
}

static struct dns_reply reply(void)
{
	return (struct dns_reply){ DNS_ANSWERED, NULL, message.bytes, message.length };
}

static void begin(unsigned int type)
{
	begin_message(&message, 1, RCODE_OK, "a.test", type);
}

static void give_addresses(size_t target, bool ipv4)
{
	struct dns_reply given = reply();

	dns_round_addresses(&this_round, target, ipv4, &given);
}

static void give(size_t target, const char *address, unsigned int ttl)
{
	bool ipv4 = !strchr(address, ':');

	begin(ipv4 ? TYPE_A : TYPE_AAAA);
	put_address(&message, "a.test", ttl, address);
	give_addresses(target, ipv4);
}

static void give_srv(void)
{
	struct dns_reply given = reply();

	dns_round_srv(&this_round, &given);
}

static void host(void)
{
	assert_int_equal(dns_round_add_host(&this_round, "a.test", htons(3000)), 0);
}

static void finish(void)
{
	assert_int_equal(dns_round_finish(&this_round, &last, &result, &text), 0);
}

static void refused(const char *why)
{
	assert_int_equal(dns_round_finish(&this_round, &last, &result, &text), -ENOENT);
	assert_string_equal(text.text, why);
	assert_null(result.items);
}

static void check_item(size_t i, const char *expected, uint16_t weight)
{
	const struct config_backend *item = &result.items[i];
	char found[ADDRESS_TEXT_LEN];

	assert_true(i < result.count);
	assert_string_equal(endpoint_format(&item->endpoint.addr, item->endpoint.port, found), expected);
	assert_int_equal(item->weight, weight);
}

static void add_last(const char *address)
{
	struct config_backend backend = { .weight = 1 };

	assert_int_equal(endpoint_parse(address, &backend.endpoint), 0);
	assert_int_equal(backend_list_add(&last, &backend), 0);
}

static void test_both_families(void **state)
{
	(void)state;
	host();
	begin(TYPE_AAAA);
	put_address(&message, "a.test", 60, "2001:db8::2");
	put_address(&message, "a.test", 60, "2001:db8::1");
	give_addresses(0, false);
	begin(TYPE_A);
	put_address(&message, "a.test", 300, "10.0.0.10");
	put_address(&message, "a.test", 300, "10.0.0.9");
	give_addresses(0, true);
	finish();
	assert_string_equal(text.text, "");
	assert_int_equal(result.count, 4);
	check_item(0, "10.0.0.9:3000", 1);
	check_item(1, "10.0.0.10:3000", 1);
	check_item(2, "[2001:db8::1]:3000", 1);
	check_item(3, "[2001:db8::2]:3000", 1);
	assert_int_equal(this_round.ttl, 60);
}

/* The alias may be given up sooner than what it leads to. Records of other types and classes are none of ours. */
static void test_alias(void **state)
{
	(void)state;
	host();
	begin(TYPE_A);
	put_cname(&message, "a.test", 5, "b.test");
	put_address(&message, "b.test", 600, "10.0.0.1");
	put_address(&message, "b.test", 1, "2001:db8::1");
	give_addresses(0, true);
	dns_round_addresses(&this_round, 0, false, &none);
	finish();
	assert_int_equal(result.count, 1);
	assert_int_equal(this_round.ttl, 5);
}

static void test_interval(void **state)
{
	(void)state;
	assert_int_equal(dns_round_interval_ms(&this_round, 5000), 5000);
	this_round.ttl = 3600;
	assert_int_equal(dns_round_interval_ms(&this_round, 5000), 5000);
	assert_int_equal(dns_round_interval_ms(&this_round, 7200000), 3600000);
	this_round.ttl = 2;
	assert_int_equal(dns_round_interval_ms(&this_round, 5000), 2000);
	this_round.ttl = 0;
	assert_int_equal(dns_round_interval_ms(&this_round, 5000), 1000);
	assert_int_equal(dns_round_interval_ms(&this_round, 10), 1000);
}

static void test_huge_ttl_is_none(void **state)
{
	(void)state;
	host();
	give(0, "10.0.0.1", 0x80000000u);
	assert_int_equal(this_round.ttl, 0);
}

static void test_nothing(void **state)
{
	(void)state;
	host();
	dns_round_addresses(&this_round, 0, true, &no_name);
	dns_round_addresses(&this_round, 0, false, &no_name);
	refused("NXDOMAIN");
}

static void test_empty(void **state)
{
	(void)state;
	host();
	dns_round_addresses(&this_round, 0, true, &none);
	dns_round_addresses(&this_round, 0, false, &none);
	refused("an empty answer");
}

static void test_alias_to_nothing(void **state)
{
	(void)state;
	host();
	begin(TYPE_A);
	put_cname(&message, "a.test", 5, "b.test");
	give_addresses(0, true);
	dns_round_addresses(&this_round, 0, false, &none);
	refused("an empty answer");
}

static void test_silence(void **state)
{
	(void)state;
	host();
	add_last("10.0.0.1:3000");
	dns_round_addresses(&this_round, 0, true, &none);
	dns_round_addresses(&this_round, 0, false, &silence);
	refused("no answer");
}

/* A server that is silent about AAAA must neither take the IPv6 backends away nor keep IPv4 from being looked after. */
static void test_one_family_fails(void **state)
{
	(void)state;
	host();
	add_last("10.0.0.1:3000");
	add_last("[2001:db8::1]:3000");
	add_last("[2001:db8::2]:3000");
	give(0, "10.0.0.2", 60);
	dns_round_addresses(&this_round, 0, false, &silence);
	finish();
	assert_string_equal(text.text, "AAAA: no answer, keeps the last of these");
	assert_int_equal(result.count, 3);
	check_item(0, "10.0.0.2:3000", 1);
	check_item(1, "[2001:db8::1]:3000", 1);
	check_item(2, "[2001:db8::2]:3000", 1);
}

static void test_one_family_is_gone(void **state)
{
	(void)state;
	host();
	add_last("[2001:db8::1]:3000");
	give(0, "10.0.0.2", 60);
	dns_round_addresses(&this_round, 0, false, &none);
	finish();
	assert_string_equal(text.text, "");
	assert_int_equal(result.count, 1);
}

static void test_useless_address(void **state)
{
	(void)state;
	host();
	give(0, "2001:db8::1", 60);
	give(0, "127.0.0.1", 60);
	refused("the loopback address '127.0.0.1', expected a unicast address that packets can be forwarded to");
}

static void give_many(unsigned int count)
{
	char address[32];

	host();
	begin(TYPE_A);
	for (unsigned int i = 0; i < count; i++) {
		snprintf(address, sizeof(address), "10.0.%u.%u", i / 250, i % 250 + 1);
		put_address(&message, "a.test", 60, address);
	}
	give_addresses(0, true);
	dns_round_addresses(&this_round, 0, false, &none);
}

static void test_limit(void **state)
{
	(void)state;
	give_many(1024);
	finish();
	assert_int_equal(result.count, 1024);
	check_item(1023, "10.0.4.24:3000", 1);
}

static void test_beyond_limit(void **state)
{
	(void)state;
	give_many(1025);
	refused("more than 1024 addresses, expected up to that");
}

/* What is kept counts too. */
static void test_kept_beyond_limit(void **state)
{
	(void)state;
	add_last("[2001:db8::1]:3000");
	host();
	begin(TYPE_A);
	for (unsigned int i = 0; i < 1024; i++) {
		char address[32];

		snprintf(address, sizeof(address), "10.1.%u.%u", i / 250, i % 250 + 1);
		put_address(&message, "a.test", 60, address);
	}
	give_addresses(0, true);
	dns_round_addresses(&this_round, 0, false, &silence);
	refused("more than 1024 addresses, expected up to that");
}

static void test_srv(void **state)
{
	(void)state;
	begin(TYPE_SRV);
	put_srv(&message, "a.test", 30, (struct srv){ 20, 1, 9999, "spare.test" });
	put_srv(&message, "a.test", 30, (struct srv){ 10, 3, 3001, "one.test" });
	put_srv(&message, "a.test", 30, (struct srv){ 10, 1, 3002, "two.test" });
	put_srv(&message, "a.test", 30, (struct srv){ 11, 1, 9999, "spare.test" });
	give_srv();
	assert_int_equal(this_round.target_count, 2);
	assert_string_equal(this_round.targets[0].name, "one.test");
	assert_string_equal(this_round.targets[1].name, "two.test");
	give(0, "10.0.0.2", 60);
	give(1, "10.0.0.1", 60);
	dns_round_addresses(&this_round, 0, false, &none);
	dns_round_addresses(&this_round, 1, false, &none);
	finish();
	assert_int_equal(result.count, 2);
	check_item(0, "10.0.0.1:3002", 1);
	check_item(1, "10.0.0.2:3001", 3);
	assert_int_equal(this_round.ttl, 30);
}

/* weights[i] of target i, which has addresses[i] addresses in 10.0.i.0/24. */
static void check_weights(const unsigned int *weights, const unsigned int *addresses, const unsigned int *expected,
			  size_t count)
{
	char text_of[32];
	size_t at = 0;

	begin(TYPE_SRV);
	for (size_t i = 0; i < count; i++) {
		snprintf(text_of, sizeof(text_of), "t%zu.test", i);
		put_srv(&message, "a.test", 30, (struct srv){ 0, weights[i], 80, text_of });
	}
	give_srv();
	for (size_t i = 0; i < count; i++) {
		begin(TYPE_A);
		for (unsigned int j = 1; j <= addresses[i]; j++) {
			snprintf(text_of, sizeof(text_of), "10.0.%zu.%u", i, j);
			put_address(&message, "a.test", 60, text_of);
		}
		give_addresses(i, true);
	}
	finish();
	for (size_t i = 0; i < count; i++) {
		for (unsigned int j = 1; j <= addresses[i]; j++) {
			snprintf(text_of, sizeof(text_of), "10.0.%zu.%u:80", i, j);
			check_item(at++, text_of, (uint16_t)expected[i]);
		}
	}
	assert_int_equal(result.count, at);
}

static void test_weights_as_they_are(void **state)
{
	(void)state;
	check_weights((unsigned int[]){ 1, 1000, 7 }, (unsigned int[]){ 1, 1, 1 }, (unsigned int[]){ 1, 1000, 7 }, 3);
}

static void test_no_weights(void **state)
{
	(void)state;
	check_weights((unsigned int[]){ 0, 0 }, (unsigned int[]){ 2, 2 }, (unsigned int[]){ 1, 1 }, 2);
}

/* A target's weight is for all of its addresses together. */
static void test_weights_are_shared(void **state)
{
	(void)state;
	check_weights((unsigned int[]){ 1, 1 }, (unsigned int[]){ 1, 4 }, (unsigned int[]){ 1000, 250 }, 2);
}

static void test_large_weights(void **state)
{
	(void)state;
	check_weights((unsigned int[]){ 65535, 32768, 1 }, (unsigned int[]){ 1, 1, 1 },
		      (unsigned int[]){ 1000, 500, 1 }, 3);
}

static void test_zero_beside_others(void **state)
{
	(void)state;
	check_weights((unsigned int[]){ 0, 2, 1 }, (unsigned int[]){ 1, 1, 1 }, (unsigned int[]){ 1, 1000, 500 }, 3);
}

/* A target whose host is gone takes no part, not even in what the others' weights become. */
static void test_target_without_addresses(void **state)
{
	(void)state;
	check_weights((unsigned int[]){ 5000, 2, 1 }, (unsigned int[]){ 0, 1, 1 }, (unsigned int[]){ 0, 2, 1 }, 3);
}

static void test_two_targets_one_server(void **state)
{
	(void)state;
	begin(TYPE_SRV);
	put_srv(&message, "a.test", 30, (struct srv){ 0, 2, 80, "x.test" });
	put_srv(&message, "a.test", 30, (struct srv){ 0, 3, 80, "y.test" });
	put_srv(&message, "a.test", 30, (struct srv){ 0, 4, 81, "x.test" });
	give_srv();
	give(0, "10.0.0.1", 60);
	give(1, "10.0.0.1", 60);
	give(2, "10.0.0.1", 60);
	finish();
	assert_int_equal(result.count, 2);
	check_item(0, "10.0.0.1:80", 5);
	check_item(1, "10.0.0.1:81", 4);
}

static void test_srv_no_service(void **state)
{
	(void)state;
	begin(TYPE_SRV);
	put_srv(&message, "a.test", 30, (struct srv){ 0, 0, 0, "." });
	give_srv();
	refused("an SRV record that says there is no such service (target '.')");
}

static void test_srv_without_port(void **state)
{
	(void)state;
	begin(TYPE_SRV);
	put_srv(&message, "a.test", 30, (struct srv){ 0, 0, 0, "x.test" });
	give_srv();
	refused("an SRV record with port 0, expected 1 to 65535");
}

static void test_srv_nothing(void **state)
{
	(void)state;
	dns_round_srv(&this_round, &no_name);
	refused("NXDOMAIN");
}

static void test_srv_no_records(void **state)
{
	(void)state;
	begin(TYPE_SRV);
	put_cname(&message, "a.test", 5, "b.test");
	give_srv();
	refused("an answer without SRV records");
}

static void test_srv_too_many(void **state)
{
	(void)state;
	begin(TYPE_SRV);
	for (unsigned int i = 0; i < 1025; i++)
		put_srv(&message, "a.test", 30, (struct srv){ 0, 0, 80, "x.test" });
	give_srv();
	refused("more than 1024 targets, expected up to that");
}

/* A target that is not answered for keeps what there was of its family, beside what the others gave. */
static void test_srv_target_fails(void **state)
{
	(void)state;
	add_last("10.0.0.1:80");
	add_last("10.0.0.2:80");
	add_last("[2001:db8::1]:80");
	begin(TYPE_SRV);
	put_srv(&message, "a.test", 30, (struct srv){ 0, 1, 80, "x.test" });
	put_srv(&message, "a.test", 30, (struct srv){ 0, 1, 80, "y.test" });
	give_srv();
	give(0, "10.0.0.1", 60);
	dns_round_addresses(&this_round, 0, false, &none);
	dns_round_addresses(&this_round, 1, true, &silence);
	dns_round_addresses(&this_round, 1, false, &none);
	finish();
	assert_int_equal(result.count, 2);
	check_item(0, "10.0.0.1:80", 1);
	check_item(1, "10.0.0.2:80", 1);
	assert_string_equal(text.text, "A: no answer, keeps the last of these");
}

/* Every beginning of a good answer: what was read of it is forgotten. */
static void test_cut_off(void **state)
{
	int whole;

	(void)state;
	host();
	begin(TYPE_A);
	put_address(&message, "a.test", 60, "10.0.0.1");
	put_address(&message, "a.test", 60, "10.0.0.2");
	whole = message.length;
	for (int length = 0; length < whole; length++) {
		unsigned char *copy = malloc((size_t)length + 1); /* for the sanitizer to see what is read beyond */
		struct dns_reply given = { DNS_ANSWERED, NULL, copy, length };

		memcpy(copy, message.bytes, (size_t)length);
		dns_round_addresses(&this_round, 0, true, &given);
		assert_int_equal(this_round.found_count, 0);
		assert_int_equal(this_round.targets[0].addresses, 0);
		free(copy);
	}
	refused("an answer that is no DNS message");
}

/* Any byte may be any other. */
static void test_damaged(void **state)
{
	struct dns_message good;

	(void)state;
	begin(TYPE_SRV);
	put_srv(&message, "a.test", 60, (struct srv){ 1, 2, 3, "x.test" });
	good = message;
	for (int i = 0; i < good.length; i++) {
		for (unsigned int byte = 0; byte < 256; byte++) {
			message = good;
			message.bytes[i] = (unsigned char)byte;
			give_srv();
			dns_round_end(&this_round);
			assert_int_equal(dns_round_begin(&this_round, &nat), 0);
			host();
			give_addresses(0, true);
		}
	}
}

static void test_wrong_length(void **state)
{
	(void)state;
	host();
	begin(TYPE_A);
	put_record(&message, "a.test", TYPE_A, 60, 5);
	put32(&message, 0x0a000001);
	put_byte(&message, 0);
	give_addresses(0, true);
	refused("an answer that is no DNS message");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_both_families),
		TEST(test_alias),
		TEST(test_interval),
		TEST(test_huge_ttl_is_none),
		TEST(test_nothing),
		TEST(test_empty),
		TEST(test_alias_to_nothing),
		TEST(test_silence),
		TEST(test_one_family_fails),
		TEST(test_one_family_is_gone),
		TEST(test_useless_address),
		TEST(test_limit),
		TEST(test_beyond_limit),
		TEST(test_kept_beyond_limit),
		TEST(test_srv),
		TEST(test_weights_as_they_are),
		TEST(test_no_weights),
		TEST(test_weights_are_shared),
		TEST(test_large_weights),
		TEST(test_zero_beside_others),
		TEST(test_target_without_addresses),
		TEST(test_two_targets_one_server),
		TEST(test_srv_no_service),
		TEST(test_srv_without_port),
		TEST(test_srv_nothing),
		TEST(test_srv_no_records),
		TEST(test_srv_too_many),
		TEST(test_srv_target_fails),
		TEST(test_cut_off),
		TEST(test_damaged),
		TEST(test_wrong_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
