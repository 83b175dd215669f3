/* SPDX-License-Identifier: BSD-2-Clause */
/* The ICMP errors that serin sends itself, byte for byte. */
#ifndef SERIN_TEST_ANSWERS_H
#define SERIN_TEST_ANSWERS_H

#include "conversation.h"

#define ANSWER_QUOTE 128 /* bytes at most, and whole words */

/* Enough of them for everything in one stamp. */
static inline void answer_all(struct lab *lab)
{
	struct serin_settings settings = lab_settings(lab);

	settings.answers_per_second = 1000000;
	lab_change_settings(lab, &settings);
}

/* From the address that the packet was sent to, back to where it came from: "too big" with an MTU, or with 0 "time
 * exceeded". */
static inline struct frame *answer_write(const struct frame *about, const struct segment *in, uint32_t mtu,
					 struct frame *ret)
{
	bool ipv4 = frame_ip(about)[0] >> 4 == 4;
	size_t length = frame_ip_length(about);
	struct icmp icmp = {
		.to = in->from,
		.from = in->to,
		.src = in->dst,
		.dst = in->src,
		.type = ipv4 ? (mtu ? 3 : 11) : (mtu ? 2 : 3),
		.code = ipv4 && mtu ? 4 : 0,
		.rest = mtu,
		.tos = ipv4 ? 0xc0 : 0,
		.may_fragment = true,
		.about = about,
		.quoted = length < ANSWER_QUOTE ? length & ~(size_t)3 : ANSWER_QUOTE,
	};

	memcpy(icmp.tags, in->tags, sizeof(icmp.tags));
	return icmp_write(&icmp, ret);
}

/* It is dropped for that reason and answered so, and opens nothing that was not there. */
static inline void expect_answer(const struct conversation *talk, const char *name, enum lab_arm arm,
				 const struct segment *in, enum serin_drop reason, uint32_t mtu)
{
	struct expect_counters change = { .drops = { 0 } };
	static struct frame about, out;

	change.drops[reason] = 1;
	change.table.icmp_sent = 1;
	segment_write(in, &about);
	expect_counted(talk->lab, name, arm, &about, LAB_BACK, answer_write(&about, in, mtu, &out), &change);
}

static inline void expect_silence(const struct conversation *talk, const char *name, enum lab_arm arm,
				  const struct segment *in, enum serin_drop reason)
{
	struct expect_counters change = { .drops = { 0 } };
	static struct frame about;

	change.drops[reason] = 1;
	expect_counted(talk->lab, name, arm, segment_write(in, &about), LAB_DROP, NULL, &change);
}

static inline void set_mtu(struct lab *lab, enum lab_arm arm, uint32_t mtu)
{
	struct serin_device device;

	lab_read(lab, "devices", arm, &device);
	device.mtu = mtu;
	lab_write(lab, "devices", arm, &device);
}

#endif
