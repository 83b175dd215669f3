/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a connection as the flow table sees it: embryonic, established, half closed, closed, expired. */
#include <stdlib.h>
#include <string.h>

#include "story.h"

IN_SCENES(only_the_right_ack_establishes)
{
	static const uint32_t wrong[] = { 0,         BACKEND_ISN, BACKEND_ISN + 2, BACKEND_ISN + 1000, CLIENT_ISN + 1,
					  0xffffffff };
	struct story story = begin(scene);
	size_t i;

	/* Before any answer nothing can be acknowledged. */
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		client(&story, ACK, CLIENT_ISN + 1, wrong[i], 0);
	client(&story, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, 0);
	expect_state(&story, "ACK before the answer", SERIN_WAY_EMBRYONIC);
	backend(&story, SYN | ACK, BACKEND_ISN, CLIENT_ISN + 1, 0);
	expect_state(&story, "SYN-ACK", SERIN_WAY_EMBRYONIC);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		client(&story, ACK, CLIENT_ISN + 1, wrong[i], i & 1 ? 10 : 0);
		expect_state(&story, "wrong ACK", SERIN_WAY_EMBRYONIC);
	}
	client(&story, PSH, CLIENT_ISN + 1, BACKEND_ISN + 1, 5);
	expect_state(&story, "right number, no ACK flag", SERIN_WAY_EMBRYONIC);
	backend(&story, ACK, BACKEND_ISN + 1, CLIENT_ISN + 1, 0);
	expect_state(&story, "ACK of the backend", SERIN_WAY_EMBRYONIC);
	assert_int_equal(stats_of(&story).established, 0);
	client(&story, ACK | PSH, CLIENT_ISN + 1, BACKEND_ISN + 1, 20);
	expect_state(&story, "right ACK, with data", SERIN_WAY_ESTABLISHED);
	assert_int_equal(stats_of(&story).established, 1);
	assert_int_equal(stats_of(&story).opened, 1);
	end(&story);
}

IN_SCENES(retransmitted_syn_keeps_backend_and_port)
{
	struct story story = begin(scene);
	size_t i;

	for (i = 0; i < 5; i++)
		client(&story, SYN, CLIENT_ISN, 0, 0);
	assert_int_equal(find(&story), story.index);
	assert_int_equal(flowtable_count(story.lab).flows, 1);
	/* Another SYN's number is the one that counts from then on. */
	client(&story, SYN, CLIENT_ISN + 777, 0, 0);
	backend(&story, SYN | ACK, BACKEND_ISN, CLIENT_ISN + 778, 0);
	client(&story, ACK, CLIENT_ISN + 778, BACKEND_ISN + 1, 0);
	expect_state(&story, "handshake", SERIN_WAY_ESTABLISHED);
	client(&story, RST, CLIENT_ISN + 778, 0, 0);
	expect_state(&story, "RST", SERIN_WAY_CLOSED);
	assert_int_equal(stats_of(&story).opened, 1);
	end(&story);
}

IN_SCENES(syn_on_an_established_flow_changes_nothing)
{
	struct story story = established(scene);

	client(&story, SYN, 0x12345678, 0, 0);
	expect_state(&story, "SYN", SERIN_WAY_ESTABLISHED);
	backend(&story, ACK, BACKEND_ISN + 1, CLIENT_ISN + 1, 0); /* the challenge */
	expect_state(&story, "challenge ACK", SERIN_WAY_ESTABLISHED);
	/* The client knows nothing of the old connection: it says so, with the number that it was told. */
	client(&story, RST, CLIENT_ISN + 1, 0, 0);
	expect_state(&story, "RST", SERIN_WAY_CLOSED);
	assert_int_equal(stats_of(&story).resets[SERIN_TO_BACKEND], 1);
	assert_int_equal(stats_of(&story).closed, 1);
	end(&story);
}

IN_SCENES(syn_ack_on_an_established_flow_changes_nothing)
{
	struct story story = established(scene);

	backend(&story, SYN | ACK, BACKEND_ISN + 500, CLIENT_ISN + 1, 0);
	backend(&story, RST, BACKEND_ISN + 501, 0, 0);
	expect_state(&story, "RST after a strange SYN-ACK", SERIN_WAY_ESTABLISHED);
	backend(&story, RST, BACKEND_ISN + 1, 0, 0);
	expect_state(&story, "RST", SERIN_WAY_CLOSED);
	end(&story);
}

IN_SCENES(only_the_right_rst_closes)
{
	struct story story = established(scene);

	client(&story, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, 100);
	backend(&story, ACK, BACKEND_ISN + 1, CLIENT_ISN + 101, 200);
	client(&story, RST, CLIENT_ISN + 1, 0, 0);
	client(&story, RST, CLIENT_ISN + 100, 0, 0);
	client(&story, RST, CLIENT_ISN + 102, 0, 0);
	client(&story, RST | ACK, 0, BACKEND_ISN + 201, 0);
	backend(&story, RST, BACKEND_ISN + 1, 0, 0);
	backend(&story, RST, BACKEND_ISN + 200, 0, 0);
	backend(&story, RST | ACK, 0, CLIENT_ISN + 101, 0);
	expect_state(&story, "wrong RSTs", SERIN_WAY_ESTABLISHED);
	assert_int_equal(stats_of(&story).resets[0] + stats_of(&story).resets[1] + stats_of(&story).closed, 0);
	backend(&story, RST | ACK, BACKEND_ISN + 201, CLIENT_ISN + 101, 0);
	expect_state(&story, "right RST", SERIN_WAY_CLOSED);
	client(&story, RST, CLIENT_ISN + 101, 0, 0);
	backend(&story, RST | ACK, BACKEND_ISN + 201, CLIENT_ISN + 101, 0);
	assert_int_equal(stats_of(&story).resets[SERIN_TO_CLIENT], 1);
	assert_int_equal(stats_of(&story).resets[SERIN_TO_BACKEND], 0);
	assert_int_equal(stats_of(&story).closed, 1);
	end(&story);
}

/* Old segments that come late must not turn the next number back; new ones count from their end. */
IN_SCENES(rst_after_reordered_data)
{
	struct story story = established(scene);

	client(&story, ACK, CLIENT_ISN + 101, BACKEND_ISN + 1, 100);
	client(&story, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, 100);
	client(&story, ACK, CLIENT_ISN, BACKEND_ISN + 1, 1);
	client(&story, RST, CLIENT_ISN + 101, 0, 0);
	expect_state(&story, "old number", SERIN_WAY_ESTABLISHED);
	client(&story, RST, CLIENT_ISN + 201, 0, 0);
	expect_state(&story, "newest number", SERIN_WAY_CLOSED);
	end(&story);
}

IN_SCENES(backend_refuses_a_syn)
{
	struct story story = begin(scene);

	backend(&story, RST | ACK, 0, CLIENT_ISN, 0);
	backend(&story, RST | ACK, 0, CLIENT_ISN + 2, 0);
	backend(&story, RST, 0, CLIENT_ISN + 1, 0);
	expect_state(&story, "wrong refusals", SERIN_WAY_EMBRYONIC);
	backend(&story, RST | ACK, 0, CLIENT_ISN + 1, 0);
	expect_state(&story, "refusal", SERIN_WAY_CLOSED);
	assert_int_equal(stats_of(&story).resets[SERIN_TO_CLIENT], 1);
	assert_int_equal(stats_of(&story).established, 0);
	end(&story);
}

IN_SCENES(client_gives_up_its_syn)
{
	struct story story = begin(scene);

	client(&story, RST, CLIENT_ISN, 0, 0);
	expect_state(&story, "wrong RST", SERIN_WAY_EMBRYONIC);
	client(&story, RST, CLIENT_ISN + 1, 0, 0);
	expect_state(&story, "RST", SERIN_WAY_CLOSED);
	end(&story);
}

IN_SCENES(either_side_closes_first)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		struct story story = established(scene);
		void (*first)(const struct story *, uint8_t, uint32_t, uint32_t, size_t) = i ? client : backend;
		void (*second)(const struct story *, uint8_t, uint32_t, uint32_t, size_t) = i ? backend : client;
		uint32_t a = (i ? CLIENT_ISN : BACKEND_ISN) + 1, b = (i ? BACKEND_ISN : CLIENT_ISN) + 1;

		first(&story, FIN | ACK, a, b, 0);
		first(&story, FIN | ACK, a, b, 0);
		second(&story, ACK, b, a + 1, 500);
		expect_state(&story, "one FIN", SERIN_WAY_HALF_CLOSED);
		assert_int_equal(stats_of(&story).closed, 0);
		second(&story, FIN | ACK, b + 500, a + 1, 0);
		expect_state(&story, "both FINs", SERIN_WAY_CLOSED);
		first(&story, ACK, a + 1, b + 501, 0);
		second(&story, FIN | ACK, b + 500, a + 1, 0);
		first(&story, FIN | ACK, a, b, 0);
		expect_state(&story, "the rest", SERIN_WAY_CLOSED);
		assert_int_equal(stats_of(&story).closed, 1);
		end(&story);
	}
}

/* After its end a connection's ports may be used again at once: by a new flow, from another SNAT port. */
static void expect_anew(struct story *story, uint64_t old_flows)
{
	unsigned int endpoint = scene_endpoint(story->lab, story->scene);
	uint64_t owner = 0;
	uint32_t old = story->index;
	struct serin_way before = flowtable_way(story->lab, old), after;

	story->port++;
	client(story, SYN, CLIENT_ISN + 90000, 0, 0);
	expect_state(story, "SYN anew", SERIN_WAY_EMBRYONIC);
	assert_int_equal(flowtable_count(story->lab).flows, old_flows);
	assert_int_equal(stats_of(story).opened, 2);
	story->index = find(story);
	after = flowtable_way(story->lab, story->index);
	if (story->scene->snat) {
		assert_int_not_equal(after.nat_port, before.nat_port);
		owner = flowtable_owner(story->lab, endpoint, PORT - SCENE_PORT_FIRST);
		assert_true(owner & SERIN_OWNER_RESTING);
		assert_in_range((uint32_t)owner, lab_now() - 2, lab_now());
		/* The old connection's answers are nobody's now. */
		struct segment late = scene_from_backend(story->scene, PORT, ACK, 1, 1);

		expect_segment(story->lab, "late answer", story->scene->backend_arm, &late, LAB_PASS, NULL);
	}
	backend(story, SYN | ACK, 42, CLIENT_ISN + 90001, 0);
	client(story, ACK, CLIENT_ISN + 90001, 43, 0);
	expect_state(story, "handshake anew", SERIN_WAY_ESTABLISHED);
}

IN_SCENES(syn_after_both_fins_begins_anew)
{
	struct story story = established(scene);

	client(&story, FIN | ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, 0);
	client(&story, SYN, CLIENT_ISN + 70000, 0, 0);
	expect_state(&story, "SYN while half closed", SERIN_WAY_HALF_CLOSED);
	backend(&story, FIN | ACK, BACKEND_ISN + 1, CLIENT_ISN + 2, 0);
	/* Neither an answering SYN nor the backend's begins anything. */
	client(&story, SYN | ACK, CLIENT_ISN + 2, BACKEND_ISN + 2, 0);
	backend(&story, SYN, BACKEND_ISN + 2, 0, 0);
	expect_state(&story, "other SYNs", SERIN_WAY_CLOSED);
	expect_anew(&story, 1);
	end(&story);
}

IN_SCENES(syn_after_a_rst_begins_anew)
{
	struct story story = established(scene);

	client(&story, RST, CLIENT_ISN + 1, 0, 0);
	expect_anew(&story, 1);
	end(&story);
}

IN_SCENES(syn_after_a_refusal_begins_anew)
{
	struct story story = begin(scene);

	backend(&story, RST | ACK, 0, CLIENT_ISN + 1, 0);
	expect_anew(&story, 1);
	end(&story);
}

/* A SYN on a flow as old as it may be is a new connection; a stamp younger, it is not. The newer stamp counts. */
static void expire(const struct scene *scene, enum serin_way_state state)
{
	struct story story = state == SERIN_WAY_EMBRYONIC ? begin(scene) : established(scene);
	struct serin_settings settings = lab_settings(story.lab);
	uint32_t linger = settings.linger_embryonic;
	struct serin_way peer;

	if (state == SERIN_WAY_ESTABLISHED)
		linger = settings.linger_established;
	if (state == SERIN_WAY_HALF_CLOSED) {
		client(&story, FIN | ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, 0);
		linger = settings.linger_half_closed;
	}
	flowtable_age(story.lab, story.index, linger - 4);
	client(&story, SYN, CLIENT_ISN, 0, 0);
	expect_state(&story, "SYN in time", state);
	flowtable_age(story.lab, story.index, linger + 1);
	peer = flowtable_way(story.lab, flowtable_way(story.lab, story.index).peer);
	peer.stamp = lab_now() - 1; /* the backend has spoken since */
	flowtable_set_way(story.lab, flowtable_way(story.lab, story.index).peer, &peer);
	client(&story, SYN, CLIENT_ISN, 0, 0);
	expect_state(&story, "SYN, and the backend in time", state);
	flowtable_age(story.lab, story.index, linger + 1);
	expect_anew(&story, 1);
	end(&story);
}

IN_SCENES(syn_on_an_expired_flow_begins_anew)
{
	expire(scene, SERIN_WAY_EMBRYONIC);
	expire(scene, SERIN_WAY_ESTABLISHED);
	expire(scene, SERIN_WAY_HALF_CLOSED);
}

/* Anything else still belongs to it: silence alone cuts nobody off. */
IN_SCENES(expired_flows_go_on)
{
	struct story story = established(scene);

	flowtable_age(story.lab, story.index, 10 * lab_settings(story.lab).linger_established);
	backend(&story, ACK, BACKEND_ISN + 1, CLIENT_ISN + 1, 10);
	client(&story, ACK, CLIENT_ISN + 1, BACKEND_ISN + 11, 10);
	expect_state(&story, "data after a long time", SERIN_WAY_ESTABLISHED);
	client(&story, SYN, CLIENT_ISN, 0, 0);
	expect_state(&story, "SYN after that", SERIN_WAY_ESTABLISHED);
	end(&story);
}

IN_SCENES(weights_move_no_live_flow)
{
	struct story story = established(scene);
	unsigned int weight;

	for (weight = 0; weight <= SERIN_SLOTS; weight += 2500) {
		lab_set_weight(story.lab, "shop", "canary", weight);
		client(&story, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, 10);
		client(&story, SYN, CLIENT_ISN, 0, 0);
		backend(&story, ACK, BACKEND_ISN + 1, CLIENT_ISN + 1, 10);
		expect_state(&story, "weights changed", SERIN_WAY_ESTABLISHED);
	}
	/* All new ones go to the canary; so does this client, after its end. */
	client(&story, RST, CLIENT_ISN + 11, 0, 0);
	struct segment syn = scene_from_client(scene, SYN, 1, 0);
	static struct frame frame;

	assert_int_equal(lab_run(story.lab, scene->client_arm, segment_write(&syn, &frame)), scene_verdict(scene));
	assert_int_equal(flowtable_way(story.lab, find(&story)).backend,
			 lab_backend(story.lab, "shop", "canary", scene->other_backend));
	end(&story);
}

/* Removing a backend from the configuration leaves its connections alone. */
IN_SCENES(removed_backend_keeps_its_flows)
{
	struct story story = established(scene);
	char yaml[1024], snat[128] = "";

	if (scene->snat)
		snprintf(snat, sizeof(snat), "addresses: [\"%s\"], ", scene->snat);
	snprintf(yaml, sizeof(yaml),
		 "interfaces: [front, rear]\nsnat: {%sports: %d-%d}\nservices:\n  - name: shop\n"
		 "    listen: [\"%s/tcp\"]\n    forward: %s\n    baseline: canary\n"
		 "    versions:\n      canary: {backends: [\"%s\"]}\n      third: {backends: [\"%s9\"]}\n",
		 snat, SCENE_PORT_FIRST, SCENE_PORT_FIRST + SCENE_PORT_COUNT - 1, scene->listener,
		 scene->snat ? "nat" : "gateway", scene->other_backend, scene->other_backend);
	lab_configure(story.lab, yaml);
	client(&story, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, 10);
	backend(&story, ACK, BACKEND_ISN + 1, CLIENT_ISN + 11, 10);
	expect_state(&story, "backend removed", SERIN_WAY_ESTABLISHED);
	end(&story);
}

/* A listening address that is taken away is the host's again, but for the connections that it has; given back, it knows
 * them still. */
IN_SCENES(removed_listener_keeps_its_flows)
{
	struct story story = established(scene);
	struct segment syn = scene_from_client(scene, SYN, 1, 0), other;
	char yaml[1024], snat[128] = "";
	struct frame *frame = malloc(sizeof(*frame));
	size_t i;

	assert_non_null(frame);
	if (scene->snat)
		snprintf(snat, sizeof(snat), "addresses: [\"%s\"], ", scene->snat);
	for (i = 0; i < 2; i++) {
		syn.sport++;
		snprintf(yaml, sizeof(yaml),
			 "interfaces: [front, rear]\nsnat: {%sports: %d-%d}\nservices:\n  - name: shop\n"
			 "    listen: [\"%s%s/tcp\"]\n    forward: %s\n    baseline: stable\n"
			 "    versions:\n      stable: {backends: [\"%s\"]}\n      canary: {backends: [\"%s\"]}\n",
			 snat, SCENE_PORT_FIRST, SCENE_PORT_FIRST + SCENE_PORT_COUNT - 1, scene->listener,
			 i ? "" : "88", scene->snat ? "nat" : "gateway", scene->backend, scene->other_backend);
		lab_configure(story.lab, yaml);
		client(&story, ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, 10);
		backend(&story, ACK, BACKEND_ISN + 1, CLIENT_ISN + 11, 10);
		expect_state(&story, "listener changed", SERIN_WAY_ESTABLISHED);
		other = syn;
		other.dport = (uint16_t)(i ? syn.dport * 100 + 88 : syn.dport);
		expect_segment(story.lab, "SYN to where nobody listens", scene->client_arm, &other, LAB_PASS, NULL);
		other.dport = (uint16_t)(i ? syn.dport : syn.dport * 100 + 88);
		assert_int_equal(lab_run(story.lab, scene->client_arm, segment_write(&other, frame)),
				 scene_verdict(scene));
	}
	free(frame);
	end(&story);
}

/* A connection taken over in its middle is established as soon as its client acknowledges what its backend has sent. */
static void gateway_connection_taken_over(void **state)
{
	struct story story = { .scene = scene_find("gateway-ipv4") };

	(void)state;
	story.lab = scene_open(story.scene, NULL);
	client(&story, ACK, 100, 200, 10);
	expect_state(&story, "request", SERIN_WAY_EMBRYONIC);
	backend(&story, ACK, 200, 110, 300);
	client(&story, ACK, 110, 400, 0);
	expect_state(&story, "half of it", SERIN_WAY_EMBRYONIC);
	client(&story, ACK, 110, 500, 0);
	expect_state(&story, "all of it", SERIN_WAY_ESTABLISHED);
	backend(&story, RST, 500, 0, 0);
	expect_state(&story, "RST", SERIN_WAY_CLOSED);
	end(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_right_ack_establishes),
		cmocka_unit_test(retransmitted_syn_keeps_backend_and_port),
		cmocka_unit_test(syn_on_an_established_flow_changes_nothing),
		cmocka_unit_test(syn_ack_on_an_established_flow_changes_nothing),
		cmocka_unit_test(only_the_right_rst_closes),
		cmocka_unit_test(rst_after_reordered_data),
		cmocka_unit_test(backend_refuses_a_syn),
		cmocka_unit_test(client_gives_up_its_syn),
		cmocka_unit_test(either_side_closes_first),
		cmocka_unit_test(syn_after_both_fins_begins_anew),
		cmocka_unit_test(syn_after_a_rst_begins_anew),
		cmocka_unit_test(syn_after_a_refusal_begins_anew),
		cmocka_unit_test(syn_on_an_expired_flow_begins_anew),
		cmocka_unit_test(expired_flows_go_on),
		cmocka_unit_test(weights_move_no_live_flow),
		cmocka_unit_test(removed_backend_keeps_its_flows),
		cmocka_unit_test(removed_listener_keeps_its_flows),
		cmocka_unit_test(gateway_connection_taken_over),
	};

	return EXPECT_RUN("tcp", tests);
}
