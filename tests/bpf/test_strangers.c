/* SPDX-License-Identifier: BSD-2-Clause */
/* What segments of strangers can change: of those who speak in a client's name without having seen the backend's answer,
 * and of those who know an established connection's addresses and ports but none of its numbers. Nothing. */
#include "story.h"

/* What any stranger can send in a client's name, without having seen the backend's answer, must not raise its flow:
 * embryonic flows are those that a flood can be made of. */
IN_SCENES(a_strangers_fin_raises_nothing)
{
	struct story story = begin(scene);

	client(&story, FIN, CLIENT_ISN + 1, 0, 0);
	expect_state(&story, "FIN after the SYN", SERIN_WAY_EMBRYONIC);
	client(&story, FIN | ACK, CLIENT_ISN + 1, 77, 0);
	expect_state(&story, "FIN-ACK after the SYN", SERIN_WAY_EMBRYONIC);
	backend(&story, SYN | ACK, BACKEND_ISN, CLIENT_ISN + 1, 0);
	client(&story, FIN | ACK, CLIENT_ISN + 1, 77, 0);
	expect_state(&story, "FIN with a wrong ACK", SERIN_WAY_EMBRYONIC);
	end(&story);
}

IN_SCENES(a_syn_with_fin_is_embryonic)
{
	struct story story = { .scene = scene, .lab = scene_open(scene, NULL), .port = PORT };

	flowtable_set_cursor(story.lab, scene_endpoint(story.lab, scene), PORT - SCENE_PORT_FIRST);
	client(&story, SYN | FIN, CLIENT_ISN, 0, 0);
	expect_state(&story, "SYN-FIN", SERIN_WAY_EMBRYONIC);
	end(&story);
}

/* Who knows the addresses and ports of an established flow, but none of its numbers. */
IN_SCENES(an_outsider_cannot_close)
{
	struct story story = established(scene);

	client(&story, FIN | ACK, CLIENT_ISN + 1 + (1u << 25), BACKEND_ISN + 1, 0);
	client(&story, FIN | ACK, CLIENT_ISN + 1, BACKEND_ISN + 1 + (1u << 25), 0);
	backend(&story, FIN | ACK, BACKEND_ISN + 1 - (1u << 25), CLIENT_ISN + 1, 0);
	expect_state(&story, "FINs from far off", SERIN_WAY_ESTABLISHED);
	client(&story, FIN | ACK, CLIENT_ISN + 1, BACKEND_ISN + 1, 0);
	expect_state(&story, "the client's FIN", SERIN_WAY_HALF_CLOSED);
	end(&story);
}

IN_SCENES(an_outsider_cannot_move_the_numbers)
{
	struct story story = established(scene);
	const uint32_t far = 1u << 20;

	client(&story, ACK, CLIENT_ISN + 1 + far, BACKEND_ISN + 1 + (1u << 25), 100);
	client(&story, RST, CLIENT_ISN + 1 + far + 100, 0, 0);
	expect_state(&story, "a RST after data that acknowledges nothing of ours", SERIN_WAY_ESTABLISHED);
	client(&story, ACK, CLIENT_ISN + 1 + (1u << 26), BACKEND_ISN + 1, 100);
	client(&story, RST, CLIENT_ISN + 1 + (1u << 26) + 100, 0, 0);
	expect_state(&story, "a RST after data from too far", SERIN_WAY_ESTABLISHED);
	/* The same gap with a fitting acknowledgement: segments were lost on their way here. */
	client(&story, ACK, CLIENT_ISN + 1 + far, BACKEND_ISN + 1, 100);
	client(&story, RST, CLIENT_ISN + 1 + far + 100, 0, 0);
	expect_state(&story, "RST after a gap", SERIN_WAY_CLOSED);
	end(&story);
}

static void gateway_stranger_opens_embryonic_flows_only(void **state)
{
	static const uint8_t flags[] = { ACK, FIN | ACK, FIN, PSH | FIN | ACK | URG, 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(flags); i++) {
		struct story story = { .scene = scene_find("gateway-ipv4") };

		story.lab = scene_open(story.scene, NULL);
		client(&story, flags[i], 100, 200, 0);
		expect_state(&story, "from nowhere", SERIN_WAY_EMBRYONIC);
		end(&story);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_strangers_fin_raises_nothing),
		cmocka_unit_test(a_syn_with_fin_is_embryonic),
		cmocka_unit_test(an_outsider_cannot_close),
		cmocka_unit_test(an_outsider_cannot_move_the_numbers),
		cmocka_unit_test(gateway_stranger_opens_embryonic_flows_only),
	};

	return EXPECT_RUN("strangers", tests);
}
