/* SPDX-License-Identifier: BSD-2-Clause */
/* Random and mutated packets through every door, each judged by what it was: no answer outside the defined set, nothing that
 * is not ours modified, everything of ours forwarded, answered, or dropped for exactly one reason that is counted, checksums
 * as right or as wrong as before, and a flow table that is whole at the end. SERIN_RANDOM_PACKETS for each door (1 500 000, or
 * 10000000 for a long run), SERIN_RANDOM_SEED. */
#include <stdlib.h>

#include "address.h"
#include "expect.h"
#include "random_packets.h"

#define BATCH 5000
#define BACKENDS (2 * SERVICES)

/* What the packets of a batch have come to. */
struct tally {
	uint64_t passed, dropped, forwarded, answered;
	uint64_t perhaps; /* pieces for processes of this host: counted, and nothing in them to change */
};

struct totals {
	uint64_t packets, answers, encapsulation, drops;
};

static struct frame in, out;
static uint64_t number; /* of the packet at hand */
static enum lab_verdict last;

static void wrong(const char *what)
{
	char text[600];

	print_message("packet %llu, by %s, %s: %s\n%s\n", (unsigned long long)number, lab_door_name(lab_door()),
		      expect_verdict_name(last), what, frame_text(&in, text, sizeof(text)));
	expect_print("packet", &in);
	expect_same_frame(what, &out, &in);
	fail_msg("%s", what);
}

static struct totals totals_of(const struct lab *lab)
{
	struct totals totals = { 0 };
	struct serin_table_stats table;
	uint64_t drops[SERIN_DROPS];
	struct serin_stats stats;
	unsigned int i;

	for (i = 0; i < BACKENDS; i++) {
		assert_int_equal(datapath_read_stats(lab->datapath, i, &stats), 0);
		totals.packets += stats.packets[0] + stats.packets[1];
	}
	assert_int_equal(datapath_read_drops(lab->datapath, drops), 0);
	for (i = 0; i < SERIN_DROPS; i++)
		totals.drops += drops[i];
	totals.encapsulation = drops[SERIN_DROP_ENCAPSULATION];
	assert_int_equal(datapath_read_table_stats(lab->datapath, &table), 0);
	totals.answers = table.rst_sent + table.icmp_sent;
	return totals;
}

static struct serin_addr address_at(const struct frame *frame, const struct frame_places *at, bool source)
{
	struct serin_addr addr = { .half = { 0, 0, 0, 0, 0, 0xffff } };

	if (at->ipv4)
		memcpy(&addr.byte[12], frame->data + at->ip + (source ? 12 : 16), 4);
	else
		memcpy(&addr, frame->data + at->ip + (source ? 8 : 24), 16);
	return addr;
}

/* The service whose listening address that is, or NULL. */
static const struct service_scene *service_at(const struct serin_addr *addr)
{
	size_t i;

	for (i = 0; i < SERVICES; i++)
		if (!memcmp(&services[i].address, addr, sizeof(*addr)))
			return &services[i];
	return NULL;
}

/* A backend's own address. */
static bool is_backend(const struct serin_addr *addr)
{
	size_t i;

	for (i = 0; i < SERVICES; i++) {
		const struct scene *scene = &services[i].scene;
		struct serin_addr one, other;

		if (!strchr(scene->backend, ':'))
			continue;
		one = segment_between(scene->backend, scene->other_backend).src;
		other = segment_between(scene->backend, scene->other_backend).dst;
		if (!memcmp(&one, addr, sizeof(one)) || !memcmp(&other, addr, sizeof(other)))
			return true;
	}
	return false;
}

/* Could the packet be any of ours? Its destination is a service's, or its source a backend's or, as a local one's would
 * be, a service's; an ICMP error may be about such a one, whoever sends it. */
static bool may_be_ours(const struct frame_places *at)
{
	struct serin_addr src = address_at(&in, at, true), dst = address_at(&in, at, false);

	if (in.data[0] & 1)
		return false;
	return service_at(&dst) || service_at(&src) || is_backend(&src) || at->protocol == FRAME_ICMP ||
	       at->protocol == FRAME_ICMPV6;
}

/* All but the addresses of the frame. */
static bool same_behind_link(void)
{
	return in.length == out.length && !memcmp(in.data + 12, out.data + 12, in.length - 12);
}

/* A RST or an ICMP error from the address that the packet was sent to, back to its sender, all of it right. */
static bool is_answer(const struct frame_places *at)
{
	struct frame_errors errors = frame_checksum_errors(&out);
	struct serin_addr src = address_at(&in, at, true), dst = address_at(&in, at, false), from, to;
	struct frame_places answer;

	if (!frame_find(&out, &answer) || errors.ip || errors.transport || answer.ip != at->ip ||
	    memcmp(out.data, in.data + 6, 6) != 0 || memcmp(out.data + 6, in.data, 6) != 0)
		return false;
	from = address_at(&out, &answer, true);
	to = address_at(&out, &answer, false);
	if (memcmp(&from, &dst, sizeof(dst)) != 0 || memcmp(&to, &src, sizeof(src)) != 0)
		return false;
	if (answer.protocol == FRAME_TCP)
		return out.data[answer.transport + 13] & RST;
	return answer.protocol == (at->ipv4 ? FRAME_ICMP : FRAME_ICMPV6) &&
	       out.data[answer.transport + 8] >> 4 == (at->ipv4 ? 4 : 6);
}

static uint8_t ttl_at(const struct frame *frame, const struct frame_places *at)
{
	return frame->data[at->ip + (at->ipv4 ? 8 : 7)];
}

/* A tunnel's packet: an outer header that is right, around the old packet with one hop less. */
static void judge_wrapped(const struct frame_places *at, const struct frame_places *outer)
{
	struct frame_errors errors = frame_checksum_errors(&out), before = frame_checksum_errors(&in), inner_errors;
	size_t gue = outer->protocol == FRAME_UDP ? 12 : 0, start = outer->transport + gue;
	static struct frame inner;
	struct frame_places inner_at;

	inner.length = out.length - start + at->ip;
	memcpy(inner.data, in.data, at->ip);
	memcpy(inner.data + at->ip, out.data + start, out.length - start);
	inner_errors = frame_checksum_errors(&inner);
	if (errors.ip || inner.length != in.length || !frame_find(&inner, &inner_at) ||
	    ttl_at(&inner, &inner_at) != (uint8_t)(ttl_at(&in, at) - 1) || inner_errors.ip != before.ip)
		wrong("not wrapped as it should be");
	if (errors.transport && !before.transport && !before.ip)
		wrong("the outer checksum is wrong around a right packet");
}

/* Translated, wrapped, or just sent to another MAC address. */
static void judge_forwarded(const struct frame_places *at, const struct service_scene *service)
{
	struct frame_errors before = frame_checksum_errors(&in), after = frame_checksum_errors(&out);
	struct frame_places now;

	if (service && scene_forward(&service->scene) == SERIN_FORWARD_L2) {
		if (!same_behind_link())
			wrong("l2 changes no packet");
		return;
	}
	if (!frame_find(&out, &now) || now.ip != at->ip)
		wrong("no packet came out, or one with other tags");
	if (service && service->scene.outer) {
		judge_wrapped(at, &now);
		return;
	}
	if (out.length != in.length || now.ipv4 != at->ipv4 || now.transport != at->transport ||
	    ttl_at(&out, &now) != (uint8_t)(ttl_at(&in, at) - 1))
		wrong("something else than addresses, ports and a hop has changed");
	if (before.ip != after.ip || before.transport != after.transport)
		wrong("a checksum is wrong in another way than before");
}

/* For a process of this host: ports and the checksum over them. */
static void judge_local(const struct frame_places *at, const struct service_scene *service)
{
	struct frame_errors before = frame_checksum_errors(&in), after = frame_checksum_errors(&out);

	if (!service || scene_forward(&service->scene) != SERIN_FORWARD_LOCAL)
		wrong("passed, and changed");
	if (in.length != out.length || memcmp(in.data, out.data, at->transport) != 0 ||
	    before.transport != after.transport)
		wrong("something else than a port has changed");
}

static bool is_same(void)
{
	return in.length == out.length && !memcmp(in.data, out.data, in.length);
}

static void judge(enum lab_verdict verdict, struct tally *tally)
{
	const struct service_scene *service = NULL;
	struct frame_places at;
	struct serin_addr dst;
	bool ours = frame_find(&in, &at) && may_be_ours(&at);

	if (ours) {
		dst = address_at(&in, &at, false);
		service = service_at(&dst);
	}
	if (verdict == LAB_OTHER)
		wrong("an answer that is none");
	if (!ours && (verdict != LAB_PASS || !is_same()))
		wrong("none of ours, and not left alone");
	if (verdict == LAB_DROP) {
		tally->dropped++;
	} else if (verdict == LAB_PASS && is_same()) {
		tally->passed++;
		tally->perhaps += service && at.is_later_fragment &&
				  scene_forward(&service->scene) == SERIN_FORWARD_LOCAL;
	} else if (verdict == LAB_PASS) {
		judge_local(&at, service);
		tally->forwarded++;
	} else if ((verdict == LAB_BACK || lab_door() == LAB_TC) && is_answer(&at)) {
		/* TC does not say by which interface, and the addresses may be another one's. */
		tally->answered++;
	} else {
		judge_forwarded(&at, service);
		tally->forwarded++;
	}
}

static void judge_batch(const struct lab *lab, const struct tally *tally, const struct totals *before)
{
	struct totals now = totals_of(lab);
	uint64_t packets = now.packets - before->packets - (now.encapsulation - before->encapsulation);

	if (packets < tally->forwarded || packets > tally->forwarded + tally->perhaps)
		fail_msg("packet %llu: %llu forwarded, %llu counted", (unsigned long long)number,
			 (unsigned long long)tally->forwarded, (unsigned long long)packets);
	assert_int_equal(now.answers - before->answers, tally->answered);
	assert_int_equal(now.drops - before->drops, tally->dropped + tally->answered);
}

/* Times that let flows end within a run, and answers for all. */
static struct lab *open_services(void)
{
	struct lab *lab = lab_open(SCENE_FLOWS);
	struct serin_settings settings;
	char yaml[16384];

	services_make();
	lab_configure(lab, services_yaml(yaml, sizeof(yaml)));
	settings = lab_settings(lab);
	settings.linger_embryonic = 3;
	settings.linger_closed = 2;
	settings.linger_udp = 2;
	settings.answers_per_second = 1000000;
	lab_change_settings(lab, &settings);
	return lab;
}

/* Backends come to be emptied or ejected and back, versions get other shares, next hops are looked up again. */
static void stir(struct lab *lab, unsigned int batch)
{
	uint32_t id = batch % BACKENDS;
	struct serin_backend backend;
	char service[16];

	lab_read(lab, "backends", id, &backend);
	backend.flags ^= batch / BACKENDS % 2 ? SERIN_BACKEND_RESET : 0;
	backend.flags ^= batch / BACKENDS % 3 ? SERIN_BACKEND_EJECTED | SERIN_BACKEND_REPLACED : 0;
	lab_write(lab, "backends", id, &backend);
	assert_int_equal(datapath_bump_routes(lab->datapath), 0);
	snprintf(service, sizeof(service), "s%u", batch % (unsigned int)SERVICES);
	if (batch % 8 == 0)
		lab_set_weight(lab, service, "canary", batch % 3 * 4000);
}

static void random_packets(void **state)
{
	const char *wanted = getenv("SERIN_RANDOM_PACKETS"), *seed = getenv("SERIN_RANDOM_SEED");
	uint64_t packets = wanted ? strtoull(wanted, NULL, 10) : 1500000, sum[4] = { 0 };
	struct lab *lab = open_services();
	enum lab_arm arm;

	(void)state;
	random_state = 0x9e3779b97f4a7c15ull * (seed ? strtoull(seed, NULL, 10) : 1);
	for (number = 0; number < packets;) {
		struct totals before = totals_of(lab);
		struct tally tally = { 0 };
		unsigned int i;

		for (i = 0; i < BATCH; i++, number++) {
			random_packet(&in, &arm);
			out.length = in.length;
			memcpy(out.data, in.data, in.length);
			last = lab_run(lab, arm, &out);
			judge(last, &tally);
		}
		judge_batch(lab, &tally, &before);
		sum[0] += tally.passed;
		sum[1] += tally.dropped;
		sum[2] += tally.forwarded;
		sum[3] += tally.answered;
		if (number / BATCH % 20 == 0)
			assert_int_equal(flowtable_check(lab, stdout), 0);
		stir(lab, (unsigned int)(number / BATCH));
	}
	print_message("%llu packets: %llu passed, %llu dropped, %llu forwarded, %llu answered\n",
		      (unsigned long long)number, (unsigned long long)sum[0], (unsigned long long)sum[1],
		      (unsigned long long)sum[2], (unsigned long long)sum[3]);
	assert_int_equal(flowtable_check(lab, stdout), 0);
	assert_true(sum[0] && sum[1] && sum[2] > number / 4 && sum[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_packets) };
	size_t i;

	for (i = 0; i < sizeof(random_payload); i++)
		random_payload[i] = (uint8_t)(i * 53 + 5);
	return EXPECT_RUN("random", tests);
}
