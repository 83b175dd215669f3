/* SPDX-License-Identifier: BSD-2-Clause */
/* The images between two images: what a change of the tables passes through, and what it goes back to. */
#include "image_story.h"
#include "image_undo.h"

struct pair {
	struct image old, new, got;
};

/* The shop is extended (canary .22, a listener) and diminished (.12), a forum is new. */
static struct pair *change(struct story *s)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	struct config_service *added;

	assert_non_null(pair);
	shop(s);
	apply(s);
	pair->old = *s->image;
	clear(s);
	added = service(s, "shop", "203.0.113.10:80");
	listener(added, "203.0.113.10:81");
	backend(added, STABLE, "10.0.0.11:3000");
	backend(added, CANARY, "10.0.0.21:3000");
	backend(added, CANARY, "10.0.0.22:3000");
	added = service(s, "forum", "203.0.113.20:80");
	added->forward = SERIN_FORWARD_NAT;
	backend(added, STABLE, "10.0.0.31:3000");
	backend(added, CANARY, "10.0.0.32:3000");
	apply(s);
	pair->new = *s->image;
	return pair;
}

static void test_union(void **state)
{
	struct story *s = *state;
	struct pair *pair = change(s);
	int twelve = id_of(s, "shop", "stable", "10.0.0.12:3000");

	image_union(&pair->old, &pair->new, &pair->got);
	assert_memory_equal(&pair->got.backends[twelve], &pair->old.backends[twelve], sizeof(struct serin_backend));
	/* Else it is the new one. */
	pair->got.backends[twelve] = pair->new.backends[twelve];
	assert_memory_equal(&pair->got, &pair->new, sizeof(pair->got));
	free(pair);
}

static void test_undo_restores(void **state)
{
	struct story *s = *state;
	struct pair *pair = change(s);

	image_undo(&pair->old, &pair->new, &pair->got);
	check(&pair->got);
	assert_memory_equal(pair->got.listeners, pair->old.listeners, sizeof(pair->old.listeners));
	assert_memory_equal(&pair->got.services[0], &pair->old.services[0], sizeof(pair->old.services[0]));
	for (size_t i = 0; i < SERIN_MAX_BACKENDS; i++) {
		if (pair->old.backends[i].flags)
			assert_memory_equal(&pair->got.backends[i], &pair->old.backends[i],
					    sizeof(struct serin_backend));
	}
	free(pair);
}

/* What was new may have connections: its ids, names, ports and source addresses stay. */
static void test_undo_lets_newcomers_leave(void **state)
{
	struct story *s = *state;
	struct pair *pair = change(s);
	const struct serin_backend *got, *new;
	static const char *const newcomers[][3] = { { "shop", "canary", "10.0.0.22:3000" },
						    { "forum", "stable", "10.0.0.31:3000" } };

	image_undo(&pair->old, &pair->new, &pair->got);
	for (size_t i = 0; i < 2; i++) {
		int id = id_of(s, newcomers[i][0], newcomers[i][1], newcomers[i][2]);

		assert_true(id >= 0);
		got = &pair->got.backends[id];
		new = &pair->new.backends[id];
		assert_int_equal(got->flags, SERIN_BACKEND_USED | SERIN_BACKEND_LEAVING);
		assert_int_equal(got->weight, 0);
		assert_int_equal(got->endpoint, new->endpoint);
		assert_int_equal(got->snat_first, new->snat_first);
		assert_int_equal(got->snat_count, new->snat_count);
		assert_memory_equal(&got->addr, &new->addr, sizeof(new->addr));
	}
	assert_memory_equal(pair->got.snat, pair->new.snat, sizeof(pair->new.snat));
	assert_int_equal(image_find_service(&pair->got, "forum"), image_find_service(&pair->new, "forum"));
	assert_int_equal(pair->got.endpoint_count, pair->new.endpoint_count);
	free(pair);
}

/* The configuration of before, on top of what was gone back to, changes nothing. */
static void test_old_configuration_fits(void **state)
{
	struct story *s = *state;
	struct pair *pair = change(s);

	image_undo(&pair->old, &pair->new, s->image);
	shop(s);
	assert_int_equal(build(s), 0);
	assert_memory_equal(s->next, s->image, sizeof(*s->image));
	free(pair);
}

/* A version that came takes a name's place; one of an equal name keeps its number. */
static void test_undo_keeps_version_names(void **state)
{
	struct story *s = *state;
	struct pair *pair = calloc(1, sizeof(*pair));
	struct config_service *added;

	assert_non_null(pair);
	shop(s);
	apply(s);
	pair->old = *s->image;
	added = shop(s);
	version(added, "next");
	backend(added, 2, "10.0.0.41:3000");
	apply(s);
	pair->new = *s->image;
	image_undo(&pair->old, &pair->new, &pair->got);
	check(&pair->got);
	assert_int_equal(image_find_version(&pair->got, 0, "next"), image_find_version(&pair->new, 0, "next"));
	assert_int_equal(image_find_version(&pair->got, 0, "stable"), image_find_version(&pair->old, 0, "stable"));
	assert_int_equal(pair->got.services[0].baseline, pair->old.services[0].baseline);
	free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(test_union),
		STORY(test_undo_restores),
		STORY(test_undo_lets_newcomers_leave),
		STORY(test_old_configuration_fits),
		STORY(test_undo_keeps_version_names),
	};

	return cmocka_run_group_tests_name("image_undo", tests, NULL, NULL);
}
