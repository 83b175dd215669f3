/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of pps: the generator, the sinks, a way between the two that has no load balancer in it, and the measuring. */
#ifndef SERIN_PEERS_PPS_H
#define SERIN_PEERS_PPS_H

#include <jansson.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>

#include "peers/generator.skel.h"
#include "peers/sink.skel.h"

#include "frame.h"

/* A network namespace to be in: setns(), or the end of the program. */
void enter(int netns);
int current_netns(void);

struct packet {
	unsigned char to[6], from[6];
	struct in_addr source; /* the lower half is the flow's */
	struct sockaddr_in vip;
};

struct generator {
	struct generator_bpf *bpf;
	uint32_t flows;
};

/* What every packet of `flows` flows holds. */
void generator_open(struct generator *generator, const struct packet *packet, uint32_t flows);

/* Send that many packets to the interface of the namespace that one is in: ns for each, by the kernel's own clock, which stands
 * still while other threads have the CPU. */
double generator_shoot(struct generator *generator, uint32_t ifindex, uint32_t packets);
void generator_close(struct generator *generator);

struct sink {
	char place[80]; /* as it was given */
	int netns;
	uint32_t ifindex;
	int replaced; /* the program that was there before, or -1 */
	struct sink_bpf *bpf;
};

/* "NETNS/IFACE", or end the program. What is there comes back with sink_close(). */
void sink_open(struct sink *sink, const char *place);

/* The same on an interface of the namespace that one is in. */
void sink_open_here(struct sink *sink, uint32_t ifindex);

/* Packets so far; those of them that other CPUs than `cpu` have met are added to *elsewhere. */
uint64_t sink_counted(const struct sink *sink, int cpu, uint64_t *elsewhere);

/* From now on. What was found before is forgotten when it begins to inspect or to answer. */
void sink_set(struct sink *sink, enum sink_mode mode);

/* Add what was found meanwhile to the destinations, an object of counts by address. Packets with wrong checksums. */
uint64_t sink_found(const struct sink *sink, json_t *destinations);
void sink_close(struct sink *sink);

/* A wire of our own in a namespace that ends with this process: what goes into `ifindex` comes out at the sink. */
struct direct {
	int netns;
	uint32_t ifindex;
	struct sink sink;
};
void direct_open(struct direct *direct);
void direct_close(struct direct *direct);

/* The pid of that CPU's softirq thread, or 0 where none can be seen; and the CPU time that it has had. */
int softirq_thread(int cpu);
uint64_t softirq_thread_ns(int pid);

#define MAX_SINKS 16
struct course {
	struct generator generator;
	struct direct direct;
	struct sink sinks[MAX_SINKS];
	unsigned int sink_count;
	int netns; /* the client's */
	uint32_t ifindex;
	struct sink client; /* on that interface: where answers end */
	bool unanswered;    /* servers say nothing */
	int cpu;
	int softirq_thread;
	volatile sig_atomic_t interrupted;
};

/* Send every flow's packet until a round of all is answered, 10 times at most, and once more, as clients go on after an
 * answer. {"warmup_rounds", "answered", "damaged", "destinations"} of the last ones. */
json_t *course_warm_up(struct course *course);

/* Slices with the load balancer and without it in turn, for so many seconds. The result's other members are added. */
void course_measure(struct course *course, double seconds, json_t *result);

#endif
