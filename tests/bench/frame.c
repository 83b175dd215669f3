/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <netinet/in.h>

#include "subject.h"

#define OBJECT "build/bench-wrapper.bpf.o"

/* A redirect and a pass, as each kind of program says them. */
static const int verdicts[BENCH_DOORS][BENCH_VERDICTS] = {
	[BENCH_XDP] = { XDP_PASS, XDP_REDIRECT }, [BENCH_TC] = { -1, 7 }, /* TC_ACT_UNSPEC, TC_ACT_REDIRECT */
};

static int program_fd(const struct frame *frame, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(frame->object, name));
}

void frame_open(struct frame *frame, __u32 packets, const char *device)
{
	memset(frame, 0, sizeof(*frame));
	frame->object = bpf_object__open_file(OBJECT, NULL);
	if (!frame->object)
		die(OBJECT);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(frame->object, "packets"), packets);
	if (bpf_object__load(frame->object))
		die("load of the frame");
	frame->wrapper[BENCH_XDP] = program_fd(frame, "xdp_wrapper");
	frame->wrapper[BENCH_TC] = program_fd(frame, "tc_wrapper");
	frame->programs[BENCH_XDP] = bpf_object__find_map_fd_by_name(frame->object, "xdp_programs");
	frame->programs[BENCH_TC] = bpf_object__find_map_fd_by_name(frame->object, "tc_programs");
	frame->packets = bpf_object__find_map_fd_by_name(frame->object, "packets");
	frame->cursor = bpf_object__find_map_fd_by_name(frame->object, "cursor");
	frame->ifindex = if_nametoindex(device);
	frame_use(frame, BENCH_XDP, BENCH_NOTHING, program_fd(frame, "xdp_nothing"));
	frame_use(frame, BENCH_TC, BENCH_NOTHING, program_fd(frame, "tc_nothing"));
}

void frame_close(struct frame *frame)
{
	bpf_object__close(frame->object);
	frame->object = NULL;
}

void frame_use(const struct frame *frame, enum bench_door door, __u32 program, int fd)
{
	if (bpf_map_update_elem(frame->programs[door], &program, &fd, BPF_ANY))
		die("programs");
}

void frame_put(const struct frame *frame, struct list *list, const struct bench_packet *packets, __u32 count)
{
	__u32 *keys = malloc(count * sizeof(*keys)), i;

	if (!keys)
		die("memory");
	for (i = 0; i < count; i++)
		keys[i] = list->first + i;
	if (bpf_map_update_batch(frame->packets, keys, packets, &count, NULL))
		die("list of packets");
	free(keys);
	list->count = count;
	list->next = list->first;
}

/* What the wrapper does not write: IPv4 of 46 bytes and, within, a TCP header of 20 bytes or a UDP datagram. SYNs have no
 * data. */
static void make_packet(unsigned char *packet, __u8 protocol, bool data)
{
	static const unsigned char blank[BENCH_FRAME_LENGTH] = { [12] = 8, [14] = 0x45, [17] = 46, [22] = 64 };

	memcpy(packet, blank, sizeof(blank));
	packet[23] = protocol;
	if (!data)
		packet[17] = 40;
	if (protocol == IPPROTO_UDP)
		packet[39] = 26; /* length; no checksum */
	else
		packet[46] = 0x50;
}

double frame_shoot(struct frame *frame, const struct shot *shot)
{
	const unsigned char mac[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1 };
	struct bench_cursor cursor = {
		.next = shot->list->next,
		.first = shot->list->first,
		.end = shot->list->first + shot->list->count,
		.program = shot->program,
		.seq = shot->list->seq,
		.seq_step = shot->seq_step,
		.ack = shot->ack,
		.ack_step = shot->ack_step,
		.flags = shot->flags,
		.protocol = shot->protocol,
		.grows = shot->grows,
	};
	unsigned char packet[BENCH_FRAME_LENGTH];
	struct __sk_buff skb = { .ifindex = frame->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = (int)shot->repeat);
	__u32 zero = 0;

	make_packet(packet, shot->protocol, shot->protocol == IPPROTO_UDP || shot->seq_step);
	memcpy(cursor.ethernet, mac, sizeof(mac));
	if (shot->door == BENCH_TC) {
		run.ctx_in = &skb;
		run.ctx_size_in = sizeof(skb);
	}
	if (bpf_map_update_elem(frame->cursor, &zero, &cursor, BPF_ANY))
		die("cursor");
	if (bpf_prog_test_run_opts(frame->wrapper[shot->door], &run))
		die("BPF_PROG_TEST_RUN");
	if (bpf_map_lookup_elem(frame->cursor, &zero, &cursor))
		die("cursor");
	shot->list->next = cursor.next;
	shot->list->seq = cursor.seq;
	if ((int)run.retval != verdicts[shot->door][shot->verdict]) {
		fprintf(stderr, "bench: verdict %d, expected %d (protocol %u, flags 0x%02x)\n", (int)run.retval,
			verdicts[shot->door][shot->verdict], shot->protocol, shot->flags);
		exit(1);
	}
	/* The kernel's own figure: the call as a whole takes 30 ms more than its rounds. */
	return run.duration;
}

double frame_net(struct frame *frame, const struct shot *shot, double *ret_frame)
{
	double whole = frame_shoot(frame, shot);
	struct list list = *shot->list;
	struct shot empty = *shot;

	empty.list = &list;
	empty.program = BENCH_NOTHING;
	empty.verdict = BENCH_PASSED;
	*ret_frame = frame_shoot(frame, &empty);
	return whole - *ret_frame;
}
