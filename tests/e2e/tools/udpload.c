/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks a UDP service and counts answers, losses, wrong answers, and conversations that met a second backend. A
 * conversation is one source port; every datagram of it waits for the answer to the one before. Nothing is asked twice.
 * Prints JSON; what was asked of it is not its to judge, so it exits with 0 whatever was counted.
 *
 *     udpload -t ADDRESS:PORT [-s FIRST_SOURCE -n SOURCES] [-w TIMEOUT_MS] [-N CONVERSATIONS] [-c AT_ONCE]
 *             [-r ROUNDS [-i THINK_MS]] [-q NAME | -l LENGTH]
 *
 * -q: asks a DNS server for the address of NAME, which stands for the backend. -l: asks udpecho with LENGTH bytes.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "backends.h"
#include "common.h"
#include "dns.h"
#include "stream.h"

#define MAX_LENGTH 60000
#define MAX_ANSWER 65536

struct conversation {
	int fd;
	int backend; /* index into the tally, -1: none has answered yet */
	long number, round;
	uint64_t deadline; /* of the answer, or of the next question */
	bool thinking;
	struct sockaddr_storage source;
};

static struct {
	struct sockaddr_storage target, first_source;
	long sources, conversations, at_once, rounds, think_ms, timeout_ms, length;
	const char *name;
} options = { .conversations = 1, .at_once = 64, .rounds = 1, .timeout_ms = 2000, .length = 64 };

static struct {
	uint64_t asked, answered, lost, wrong, refused, moved;
	struct backends backends;
} tally;

static volatile sig_atomic_t stopping;
static long started;
static int poller;

static void stop(int number)
{
	(void)number;
	stopping = 1;
}

static void parse_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "t:s:n:w:N:c:r:i:q:l:")) != -1) {
		switch (option) {
		case 't':
			parse_address(optarg, &options.target);
			break;
		case 's':
			parse_address(optarg, &options.first_source);
			break;
		case 'n':
			options.sources = parse_number("-n", optarg, 1, 1 << 24);
			break;
		case 'w':
			options.timeout_ms = parse_number("-w", optarg, 1, 600000);
			break;
		case 'N':
			options.conversations = parse_number("-N", optarg, 1, 1 << 24);
			break;
		case 'c':
			options.at_once = parse_number("-c", optarg, 1, 10000);
			break;
		case 'r':
			options.rounds = parse_number("-r", optarg, 1, 1 << 24);
			break;
		case 'i':
			options.think_ms = parse_number("-i", optarg, 0, 600000);
			break;
		case 'q':
			options.name = optarg;
			break;
		case 'l':
			options.length = parse_number("-l", optarg, 1, MAX_LENGTH);
			break;
		default:
			die("unknown option; see the top of udpload.c");
		}
	}
	if (!options.target.ss_family)
		die("-t is needed; see the top of udpload.c");
	if (options.first_source.ss_family && options.first_source.ss_family != options.target.ss_family)
		die("-s and -t are of two families");
	if (options.first_source.ss_family && !options.sources)
		options.sources = 1;
}

/* What question the bytes of this round are: an answer to another one does not pass for this one's. */
static struct stream question_stream(const struct conversation *conversation)
{
	uint64_t number = (uint64_t)conversation->number * 1000003u + (uint64_t)conversation->round;

	return (struct stream){ .state = (number + 1) * 0x9e3779b97f4a7c15ull };
}

static uint16_t question_id(const struct conversation *conversation)
{
	return (uint16_t)(question_stream(conversation).state >> 48);
}

static void finish(struct conversation *conversation)
{
	if (conversation->fd >= 0)
		close(conversation->fd);
	conversation->fd = -1;
}

static void ask(struct conversation *conversation)
{
	static unsigned char question[MAX_LENGTH];
	struct stream stream = question_stream(conversation);
	size_t length = (size_t)options.length;

	if (options.name)
		length = dns_question(question_id(conversation), options.name, question);
	else
		stream_fill(&stream, question, length);
	conversation->thinking = false;
	conversation->deadline = now_ms() + (uint64_t)options.timeout_ms;
	tally.asked++;
	if (send(conversation->fd, question, length, 0) != (ssize_t)length) {
		tally.refused++;
		finish(conversation);
	}
}

static void begin(struct conversation *conversation)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = conversation };
	const struct sockaddr *target = (const struct sockaddr *)&options.target;
	int fd = socket(options.target.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	conversation->fd = fd;
	conversation->backend = -1;
	conversation->number = started++;
	conversation->round = 0;
	if (fd < 0)
		die("socket: %s", strerror(errno));
	if (options.sources) {
		address_plus(&options.first_source, (uint32_t)(conversation->number % options.sources),
			     &conversation->source);
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
		if (bind(fd, (struct sockaddr *)&conversation->source, address_length(&conversation->source)))
			die("bind: %s", strerror(errno));
	}
	/* Connected: an answer from another address than the asked one is none. */
	if (connect(fd, target, address_length(&options.target)) || epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event))
		die("connect: %s", strerror(errno));
	ask(conversation);
}

/* The name of the backend that answered, or NULL: it is no answer to what was asked. */
static const char *read_name(const struct conversation *conversation, unsigned char *answer, size_t length)
{
	struct stream stream = question_stream(conversation);
	static char name[MAX_ANSWER];
	size_t head;

	if (options.name)
		return dns_answer(question_id(conversation), answer, length, name) ? NULL : name;
	answer[length] = '\0';
	head = strcspn((char *)answer, "\n");
	if (head == length || length - head - 1 != (size_t)options.length ||
	    !stream_matches(&stream, answer + head + 1, (size_t)options.length))
		return NULL;
	memcpy(name, answer, head);
	name[head] = '\0';
	name[strcspn(name, " ")] = '\0';
	return name;
}

static void answered(struct conversation *conversation, const char *name)
{
	int backend = backends_find(&tally.backends, name);

	tally.answered++;
	tally.backends.list[backend].requests++;
	if (conversation->backend < 0)
		tally.backends.list[backend].connections++;
	else if (conversation->backend != backend)
		tally.moved++;
	conversation->backend = backend;
	conversation->round++;
	conversation->thinking = true;
	conversation->deadline = now_ms() + (uint64_t)options.think_ms;
	if (conversation->round == options.rounds || stopping)
		finish(conversation);
	else if (!options.think_ms)
		ask(conversation);
}

static void receive(struct conversation *conversation)
{
	static unsigned char answer[MAX_ANSWER + 1];
	const char *name;
	ssize_t got;

	if (conversation->fd < 0)
		return;
	got = recv(conversation->fd, answer, MAX_ANSWER, 0);
	if (got < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		tally.refused++;
		finish(conversation);
		return;
	}
	name = conversation->thinking ? NULL : read_name(conversation, answer, (size_t)got);
	if (name)
		answered(conversation, name);
	else
		tally.wrong++; /* and wait on for the right one */
}

static void expire(struct conversation *conversation)
{
	if (conversation->thinking && !stopping) {
		ask(conversation);
		return;
	}
	tally.lost += !conversation->thinking;
	finish(conversation);
}

/* Begin what may begin, look at the deadlines. Returns how many conversations are under way. */
static long sweep(struct conversation *conversations)
{
	uint64_t now = now_ms();
	long i, busy = 0;

	for (i = 0; i < options.at_once; i++) {
		struct conversation *conversation = &conversations[i];

		if (conversation->fd >= 0 && (conversation->deadline <= now || (stopping && conversation->thinking)))
			expire(conversation);
		if (conversation->fd < 0 && started < options.conversations && !stopping)
			begin(conversation);
		busy += conversation->fd >= 0;
	}
	return busy;
}

static void run(void)
{
	struct conversation *conversations = calloc((size_t)options.at_once, sizeof(*conversations));
	struct epoll_event events[256];
	int count, i;
	long slot;

	poller = epoll_create1(EPOLL_CLOEXEC);
	if (!conversations || poller < 0)
		die("out of memory or descriptors");
	for (slot = 0; slot < options.at_once; slot++)
		conversations[slot].fd = -1;
	while (sweep(conversations) > 0 || (started < options.conversations && !stopping)) {
		count = epoll_wait(poller, events, 256, 2);
		for (i = 0; i < count; i++)
			receive(events[i].data.ptr);
	}
	free(conversations);
}

static void print(uint64_t milliseconds)
{
	printf("{\"asked\": %llu, \"requests\": %llu, \"failed\": %llu, \"moved\": %llu, \"milliseconds\": %llu,\n"
	       " \"lost\": %llu, \"wrong\": %llu, \"refused\": %llu,\n \"backends\": ",
	       (unsigned long long)tally.asked, (unsigned long long)tally.answered,
	       (unsigned long long)(tally.lost + tally.wrong + tally.refused), (unsigned long long)tally.moved,
	       (unsigned long long)milliseconds, (unsigned long long)tally.lost, (unsigned long long)tally.wrong,
	       (unsigned long long)tally.refused);
	backends_print(&tally.backends);
	printf("}\n");
}

int main(int argc, char **argv)
{
	uint64_t start = now_ms();

	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	raise_descriptor_limit();
	parse_options(argc, argv);
	run();
	print(now_ms() - start);
	return 0;
}
