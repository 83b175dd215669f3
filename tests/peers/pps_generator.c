/* SPDX-License-Identifier: BSD-2-Clause */
/* The frame that every packet begins as, with its sums, and the run of the generator. */
#include "pps.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include <bpf/bpf.h>

#include "../e2e/tools/common.h"
#include "frame.h"

#define GOLDEN 0.6180339887
#define BATCH 64 /* what a driver takes at once; less than a veth's ring holds */

static uint32_t sum_words(const unsigned char *at, size_t length)
{
	uint32_t sum = 0;
	uint16_t word;
	size_t i;

	for (i = 0; i < length; i += sizeof(word)) {
		memcpy(&word, at + i, sizeof(word));
		sum += word;
	}
	return sum;
}

static void put16(unsigned char *at, unsigned int value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

static void make_blank(unsigned char *frame, const struct packet *packet)
{
	const uint64_t mark = FRAME_MARK;
	uint32_t source = packet->source.s_addr & htonl(0xffff0000);

	memcpy(frame, packet->to, 6);
	memcpy(frame + 6, packet->from, 6);
	put16(frame + 12, 0x0800);
	frame[FRAME_IP] = 0x45;
	put16(frame + FRAME_IP + 2, FRAME_LENGTH - FRAME_IP);
	put16(frame + FRAME_IP + 6, 0x4000); /* don't fragment */
	frame[FRAME_IP + 8] = 64;
	frame[FRAME_IP + 9] = IPPROTO_UDP;
	memcpy(frame + FRAME_IP + 12, &source, sizeof(source));
	memcpy(frame + FRAME_IP + 16, &packet->vip.sin_addr, sizeof(packet->vip.sin_addr));
	memcpy(frame + FRAME_UDP + 2, &packet->vip.sin_port, sizeof(packet->vip.sin_port));
	put16(frame + FRAME_UDP + 4, FRAME_LENGTH - FRAME_UDP);
	memcpy(frame + FRAME_PAYLOAD, &mark, sizeof(mark));
}

static uint32_t divisor(uint32_t a, uint32_t b)
{
	return b ? divisor(b, a % b) : a;
}

void generator_open(struct generator *generator, const struct packet *packet, uint32_t flows)
{
	unsigned char frame[FRAME_WORDS * 8] = { 0 };
	struct generator_bpf *bpf = generator_bpf__open();
	uint32_t step = (uint32_t)(flows * GOLDEN) | 1;

	if (!bpf)
		die("the generator: %s", strerror(errno));
	make_blank(frame, packet);
	while (divisor(step, flows) != 1)
		step += 2;
	memcpy((void *)bpf->rodata->blank, frame, sizeof(frame));
	bpf->rodata->flows = flows;
	bpf->rodata->step = step % flows;
	bpf->rodata->ip_sum = sum_words(frame + FRAME_IP, FRAME_UDP - FRAME_IP);
	/* The pseudo header's length is the UDP header's, once more. */
	bpf->rodata->udp_sum = sum_words(frame + FRAME_IP + 12, FRAME_LENGTH - FRAME_IP - 12) + htons(IPPROTO_UDP) +
			       htons(FRAME_LENGTH - FRAME_UDP);
	if (generator_bpf__load(bpf))
		die("the kernel does not take the generator: %s", strerror(errno));
	generator->bpf = bpf;
	generator->flows = flows;
}

double generator_shoot(struct generator *generator, uint32_t ifindex, uint32_t packets)
{
	unsigned char frame[FRAME_LENGTH] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame), .repeat = (int)packets,
		    .batch_size = BATCH, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	generator->bpf->bss->target = ifindex;
	if (bpf_prog_test_run_opts(bpf_program__fd(generator->bpf->progs.generator), &run))
		die("BPF_PROG_TEST_RUN with live frames: %s", strerror(errno));
	return run.duration;
}

void generator_close(struct generator *generator)
{
	generator_bpf__destroy(generator->bpf);
	generator->bpf = NULL;
}
