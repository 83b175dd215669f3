/* SPDX-License-Identifier: BSD-2-Clause */
/* Images of the kernel's tables: the source addresses of forward: nat. */
#include "image_story.h"

static void assert_group(const struct story *s, const char *endpoint, unsigned int first, unsigned int count)
{
	const struct serin_backend *got = &s->image->backends[id_of(s, "shop", "stable", endpoint)];

	assert_int_equal(got->snat_count, count);
	assert_int_equal(got->snat_first, first);
}

static void assert_snat(const struct story *s, unsigned int index, const char *text)
{
	struct serin_addr addr = at(text).addr;

	assert_memory_equal(&s->image->snat[index], &addr, sizeof(addr));
}

static struct config_service *nat_shop(struct story *s)
{
	struct config_service *added;

	clear(s);
	added = service(s, "shop", "203.0.113.10:80");
	added->forward = SERIN_FORWARD_NAT;
	backend(added, STABLE, "10.0.0.11:3000");
	backend(added, STABLE, "2001:db8:1::11:3000");
	return added;
}

static void test_snat_of_the_host_itself(void **state)
{
	static const struct serin_addr none;
	struct story *s = *state;
	struct config_service *added;
	int r;

	nat_shop(s);
	added = service(s, "local", "203.0.113.40:80"); /* gateway: the host's address is not asked for */
	backend(added, STABLE, "10.0.4.1:80");
	apply(s);
	assert_snat(s, 0, "192.0.2.254:0");
	assert_snat(s, 1, "2001:db8::fe:0");
	assert_memory_equal(&s->image->snat[2], &none, sizeof(none));
	assert_group(s, "10.0.0.11:3000", 0, 1);
	assert_group(s, "2001:db8:1::11:3000", 1, 1);
	r = id_of(s, "local", "stable", "10.0.4.1:80");
	assert_int_equal(s->image->backends[r].snat_count, 0);

	s->source_salt = 100; /* the host's addresses changed: the old ones stay where flows look for them */
	apply(s);
	assert_snat(s, 0, "192.0.2.254:0");
	assert_snat(s, 2, "192.0.2.111:0");
	assert_group(s, "10.0.0.11:3000", 2, 1);
	assert_group(s, "2001:db8:1::11:3000", 3, 1);
	s->source_salt = 0;
	apply(s);
	assert_group(s, "10.0.0.11:3000", 0, 1);

	s->source_error = -ENETUNREACH;
	refused(s, -ENETUNREACH, "no route");
}

static void test_too_many_sources(void **state)
{
	struct story *s = *state;
	struct config_service *added;
	unsigned int i;
	char text[32];

	clear(s);
	added = service(s, "shop", "203.0.113.10:80");
	added->forward = SERIN_FORWARD_NAT;
	for (i = 0; i < SERIN_MAX_SNAT; i++) {
		snprintf(text, sizeof(text), "10.0.0.%u:80", i);
		backend(added, STABLE, text);
	}
	s->source_salt = 1;
	apply(s);
	assert_group(s, "10.0.0.15:80", 15, 1);
	backend(added, STABLE, "10.0.0.16:80");
	refused(s, -ENOSPC,
		"serin.yaml:12:7: 17 source addresses towards backends, those of earlier "
		"configurations included, expected at most 16");
}

static void test_snat_addresses(void **state)
{
	struct story *s = *state;

	nat_shop(s);
	snat(s, "2001:db8::a:0");
	snat(s, "192.0.2.1:0");
	snat(s, "192.0.2.2:0");
	s->source_error = -EIO; /* nobody asks */
	apply(s);
	assert_snat(s, 0, "192.0.2.1:0");
	assert_snat(s, 1, "192.0.2.2:0");
	assert_snat(s, 2, "2001:db8::a:0");
	assert_group(s, "10.0.0.11:3000", 0, 2);
	assert_group(s, "2001:db8:1::11:3000", 2, 1);

	nat_shop(s); /* written in another order: the same */
	snat(s, "192.0.2.2:0");
	snat(s, "192.0.2.1:0");
	snat(s, "2001:db8::a:0");
	apply(s);
	assert_snat(s, 0, "192.0.2.1:0");
	assert_group(s, "10.0.0.11:3000", 0, 2);

	nat_shop(s); /* one fewer: the others stay in place */
	snat(s, "192.0.2.2:0");
	snat(s, "2001:db8::a:0");
	snat(s, "2001:db8::b:0"); /* one more, and there is room behind */
	apply(s);
	assert_group(s, "10.0.0.11:3000", 1, 1);
	assert_group(s, "2001:db8:1::11:3000", 2, 2);
	assert_snat(s, 3, "2001:db8::b:0");
}

static void test_snat_addresses_change(void **state)
{
	struct story *s = *state;
	struct config_service *added = nat_shop(s);
	int leaving;

	backend(added, STABLE, "10.0.0.12:3000");
	snat(s, "192.0.2.1:0");
	snat(s, "2001:db8::a:0");
	apply(s);
	leaving = id_of(s, "shop", "stable", "10.0.0.12:3000");

	nat_shop(s); /* .1 and .5 are not next to each other: a new group, the old entries stay */
	snat(s, "192.0.2.1:0");
	snat(s, "192.0.2.5:0");
	snat(s, "2001:db8::a:0");
	apply(s);
	assert_snat(s, 0, "192.0.2.1:0");
	assert_snat(s, 1, "2001:db8::a:0");
	assert_snat(s, 2, "192.0.2.1:0");
	assert_snat(s, 3, "192.0.2.5:0");
	assert_group(s, "10.0.0.11:3000", 2, 2);
	assert_group(s, "2001:db8:1::11:3000", 1, 1);
	assert_int_equal(s->image->backends[leaving].snat_first, 0); /* its flows are in the old one */
	assert_int_equal(s->image->backends[leaving].snat_count, 1);
}

/* [A B] and then [A C] leave A B A C: a group may not count the same A twice. */
static void test_snat_groups_have_no_address_twice(void **state)
{
	static const char *const sets[3][4] = {
		{ "192.0.2.1:0", "192.0.2.2:0" },
		{ "192.0.2.1:0", "192.0.2.3:0" },
		{ "192.0.2.1:0", "192.0.2.2:0", "192.0.2.4:0" },
	};
	struct story *s = *state;
	unsigned int i, j;

	for (i = 0; i < 3; i++) {
		nat_shop(s)->versions[STABLE].backend_count = 1; /* IPv4 only */
		for (j = 0; sets[i][j]; j++)
			snat(s, sets[i][j]);
		apply(s);
		assert_group(s, "10.0.0.11:3000", 2 * i, j);
	}
	assert_snat(s, 6, "192.0.2.4:0");
}

static void test_snat_table_full(void **state)
{
	struct story *s = *state;
	char text[32];
	unsigned int i;

	nat_shop(s);
	snat(s, "2001:db8::a:0");
	for (i = 1; i <= 10; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u:0", i);
		snat(s, text);
	}
	apply(s);
	s->config.snat.address_count = 0;
	snat(s, "2001:db8::a:0");
	for (i = 11; i <= 16; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u:0", i);
		snat(s, text);
	}
	s->config.snat.place = (struct config_place){ 3, 8 };
	refused(s, -ENOSPC,
		"serin.yaml:3:8: no room for 6 IPv4 addresses of snat.addresses in a row: the table has 16 places, and "
		"addresses of earlier configurations keep theirs, because connections may use them");
	s->config.snat.address_count--;
	apply(s);
	assert_group(s, "10.0.0.11:3000", 11, 5);
}

static void test_snat_of_a_family_is_missing(void **state)
{
	struct story *s = *state;

	nat_shop(s);
	snat(s, "192.0.2.1:0");
	refused(s, -EINVAL,
		"serin.yaml:12:7: service \"shop\": backend [2001:db8:1::11]:3000 is IPv6, expected an "
		"IPv6 address among snat.addresses");
	s->config.services[0].forward = SERIN_FORWARD_GATEWAY;
	apply(s);
	assert_group(s, "2001:db8:1::11:3000", 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(test_snat_of_the_host_itself),
		STORY(test_too_many_sources),
		STORY(test_snat_addresses),
		STORY(test_snat_addresses_change),
		STORY(test_snat_groups_have_no_address_twice),
		STORY(test_snat_table_full),
		STORY(test_snat_of_a_family_is_missing),
	};

	return cmocka_run_group_tests_name("image snat", tests, NULL, NULL);
}
