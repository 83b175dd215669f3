/* SPDX-License-Identifier: BSD-2-Clause */
/* Next hops: whose MAC address a frame gets, and when a changed one is noticed. */
#include <string.h>

#include "expect.h"
#include "scene.h"

#define PORT (SCENE_PORT_FIRST + 1)

static const net_mac_t strange = NET_MAC(0x99, 0x99);

static struct lab *open_scene(const struct scene *scene)
{
	struct lab *lab = scene_open(scene, NULL);

	flowtable_set_cursor(lab, scene_endpoint(lab, scene), PORT - SCENE_PORT_FIRST);
	return lab;
}

/* A client's segment, from that MAC address, reaches that of the next hop. */
static void client(struct lab *lab, const struct scene *scene, uint8_t flags, net_mac_t from, net_mac_t to)
{
	struct segment in = scene_from_client(scene, flags, 1, 1), out;

	in.from = from;
	out = scene_at_backend(scene, &in, PORT);
	out.to = to;
	expect_segment(lab, "to the backend", scene->client_arm, &in, scene_verdict(scene), &out);
}

static void backend(struct lab *lab, const struct scene *scene, net_mac_t to)
{
	struct segment in = scene_from_backend(scene, PORT, ACK, 1, 1), out = scene_at_client(scene, &in);

	out.to = to;
	expect_segment(lab, "to the client", scene->backend_arm, &in, scene_verdict(scene), &out);
}

static bool is_far(const struct scene *scene)
{
	return strstr(scene->name, "far") != NULL;
}

/* On the same segment a client is where its SYN came from; behind a gateway it is where the route says. */
static void mac_of_the_syn(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < scene_count; i++) {
		const struct scene *scene = &scenes[i];
		struct lab *lab = open_scene(scene);

		client(lab, scene, SYN, strange, scene->backend_mac);
		backend(lab, scene, is_far(scene) ? scene->client_mac : strange);
		/* Later segments by another way, as routers do, change nothing. */
		client(lab, scene, ACK, NET_MAC(0x88, 0x88), scene->backend_mac);
		backend(lab, scene, is_far(scene) ? scene->client_mac : strange);
		/* When routes have changed the neighbour table is asked. */
		assert_int_equal(datapath_bump_routes(lab->datapath), 0);
		backend(lab, scene, scene->client_mac);
		lab_close(lab);
	}
}

/* A client that the neighbour table does not know keeps its MAC address when routes change. */
static void client_without_a_neighbour(void **state)
{
	static const char *const clients[] = { "198.51.100.200:4444", "[2001:db8:c::c8]:4444" };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct scene scene = *scene_find(i ? "nat-ipv6" : "nat-ipv4");
		struct lab *lab;

		scene.client = clients[i];
		lab = open_scene(&scene);
		client(lab, &scene, SYN, strange, scene.backend_mac);
		backend(lab, &scene, strange);
		assert_int_equal(datapath_bump_routes(lab->datapath), 0);
		backend(lab, &scene, strange);
		lab_close(lab);
	}
}

/* One that comes in by an interface where its route does not point is answered by the route. */
static void client_by_the_wrong_door(void **state)
{
	struct scene scene = *scene_find("nat-ipv4");
	struct lab *lab = open_scene(&scene);
	struct segment syn = scene_from_client(&scene, SYN, 1, 0), out = scene_at_backend(&scene, &syn, PORT);

	(void)state;
	syn.from = strange;
	syn.to = NET_REAR_MAC;
	expect_segment(lab, "SYN by the rear", LAB_REAR, &syn, LAB_BACK, &out);
	backend(lab, &scene, NET_CLIENT_MAC(0x10));
	lab_close(lab);
}

#define CHANGE_BACKEND_NEIGHBOUR "neigh replace 10.0.0.17 lladdr 02:00:00:00:0b:77 nud permanent dev rear"
#define RESTORE_BACKEND_NEIGHBOUR "neigh replace 10.0.0.17 lladdr 02:00:00:00:0b:11 nud permanent dev rear"
#define CHANGE_BACKEND_NEIGHBOUR6 "neigh replace 2001:db8:b::11 lladdr 02:00:00:00:0b:77 nud permanent dev rear"
#define RESTORE_BACKEND_NEIGHBOUR6 "neigh replace 2001:db8:b::11 lladdr 02:00:00:00:0b:11 nud permanent dev rear"

static void make_hop_old(struct lab *lab, const struct scene *scene)
{
	unsigned int endpoint = scene_endpoint(lab, scene);
	struct serin_hop hop;

	lab_read(lab, "hops", endpoint, &hop);
	hop.stamp -= 8;
	lab_write(lab, "hops", endpoint, &hop);
}

/* At once when the agent says so, else within a second or so. */
static void changed_neighbour_of_a_backend(void **state)
{
	size_t i, by_time;

	(void)state;
	for (i = 0; i < 2; i++) {
		for (by_time = 0; by_time < 2; by_time++) {
			const struct scene *scene = scene_find(i ? "gateway-ipv6" : "nat-ipv4");
			struct lab *lab = open_scene(scene);

			client(lab, scene, SYN, strange, NET_BACKEND_MAC(0x11));
			net_ip("%s", i ? CHANGE_BACKEND_NEIGHBOUR6 : CHANGE_BACKEND_NEIGHBOUR);
			if (by_time)
				make_hop_old(lab, scene);
			else
				assert_int_equal(datapath_bump_routes(lab->datapath), 0);
			client(lab, scene, ACK, strange, NET_BACKEND_MAC(0x77));
			net_ip("%s", i ? RESTORE_BACKEND_NEIGHBOUR6 : RESTORE_BACKEND_NEIGHBOUR);
			lab_close(lab);
		}
	}
}

/* While the kernel looks for a neighbour again, the last known address goes on. */
static void forgotten_neighbour_of_a_backend(void **state)
{
	const struct scene *scene = scene_find("nat-ipv4");
	struct lab *lab = open_scene(scene);

	(void)state;
	client(lab, scene, SYN, strange, NET_BACKEND_MAC(0x11));
	net_ip("neigh del 10.0.0.17 dev rear");
	assert_int_equal(datapath_bump_routes(lab->datapath), 0);
	client(lab, scene, ACK, strange, NET_BACKEND_MAC(0x11));
	net_ip(RESTORE_BACKEND_NEIGHBOUR);
	lab_close(lab);
}

static void changed_route_to_a_backend(void **state)
{
	const struct scene *scene = scene_find("nat-ipv4");
	struct lab *lab = open_scene(scene);
	struct segment ack = scene_from_client(scene, ACK, 1, 1);

	(void)state;
	client(lab, scene, SYN, strange, NET_BACKEND_MAC(0x11));
	net_ip("route add 10.0.0.17/32 via 10.0.0.254");
	assert_int_equal(datapath_bump_routes(lab->datapath), 0);
	client(lab, scene, ACK, strange, NET_BACKEND_GATEWAY_MAC);
	net_ip("route replace 10.0.0.17/32 dev other");
	assert_int_equal(datapath_bump_routes(lab->datapath), 0);
	expect_segment(lab, "out of an interface that nobody is on", LAB_FRONT, &ack, LAB_DROP, NULL);
	assert_int_equal(expect_read_counters(lab).drops[SERIN_DROP_NO_ROUTE], 1);
	net_ip("route del 10.0.0.17/32");
	assert_int_equal(datapath_bump_routes(lab->datapath), 0);
	client(lab, scene, ACK, strange, NET_BACKEND_MAC(0x11));
	lab_close(lab);
}

/* The backend moves to where the client is: from two arms to one. */
static void backend_moves_to_the_other_interface(void **state)
{
	const struct scene *scene = scene_find("nat-ipv4");
	struct lab *lab = open_scene(scene);
	struct segment ack = scene_from_client(scene, ACK, 1, 1), out = scene_at_backend(scene, &ack, PORT);

	(void)state;
	client(lab, scene, SYN, strange, NET_BACKEND_MAC(0x11));
	net_ip("route add 10.0.0.17/32 via 198.51.100.254");
	assert_int_equal(datapath_bump_routes(lab->datapath), 0);
	out.from = NET_FRONT_MAC;
	out.to = NET_CLIENT_GATEWAY_MAC;
	expect_segment(lab, "one arm now", LAB_FRONT, &ack, LAB_BACK, &out);
	net_ip("route del 10.0.0.17/32");
	lab_close(lab);
}

static void changed_route_to_a_client(void **state)
{
	const struct scene *scene = scene_find("nat-ipv4-far");
	struct lab *lab = open_scene(scene);

	(void)state;
	client(lab, scene, SYN, strange, scene->backend_mac);
	backend(lab, scene, NET_CLIENT_GATEWAY_MAC);
	net_ip("route replace 192.0.2.0/24 via 198.51.100.17");
	backend(lab, scene, NET_CLIENT_GATEWAY_MAC);
	assert_int_equal(datapath_bump_routes(lab->datapath), 0);
	backend(lab, scene, NET_CLIENT_MAC(0x11));
	net_ip("route replace 192.0.2.0/24 via 198.51.100.254");
	assert_int_equal(datapath_bump_routes(lab->datapath), 0);
	backend(lab, scene, NET_CLIENT_GATEWAY_MAC);
	lab_close(lab);
}

/* What a device is like is written by the agent, and counts at once. */
static void changed_device(void **state)
{
	const struct scene *scene = scene_find("nat-ipv4");
	struct lab *lab = open_scene(scene);
	struct segment ack = scene_from_client(scene, ACK, 1, 1), out = scene_at_backend(scene, &ack, PORT);

	(void)state;
	client(lab, scene, SYN, strange, NET_BACKEND_MAC(0x11));
	net_ip("link set rear address 02:00:00:00:01:99 mtu 1400");
	assert_int_equal(datapath_refresh_device(lab->datapath, LAB_REAR, NET_REAR), 0);
	out.from = NET_MAC(1, 0x99);
	expect_segment(lab, "another MAC address of ours", LAB_FRONT, &ack, LAB_ON, &out);
	net_ip("link set rear address 02:00:00:00:01:02 mtu 1500");
	net_restore_neighbours();
	lab_close(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mac_of_the_syn),
		cmocka_unit_test(client_without_a_neighbour),
		cmocka_unit_test(client_by_the_wrong_door),
		cmocka_unit_test(changed_neighbour_of_a_backend),
		cmocka_unit_test(forgotten_neighbour_of_a_backend),
		cmocka_unit_test(changed_route_to_a_backend),
		cmocka_unit_test(backend_moves_to_the_other_interface),
		cmocka_unit_test(changed_route_to_a_client),
		cmocka_unit_test(changed_device),
	};

	return EXPECT_RUN("hops", tests);
}
