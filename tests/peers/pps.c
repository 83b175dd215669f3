/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets per second through a load balancer: live frames of BPF_PROG_TEST_RUN go out of an interface of this namespace, small
 * UDP packets of many flows in scattered order, and are counted and dropped by XDP where backends would get them. What the same
 * packets take to a sink right away is taken off. Everything runs on one CPU. Prints a line of JSON.
 *
 *     pps --ingress IFACE --dst-mac MAC --vip ADDR:PORT --sink NETNS/IFACE [--sink ...] [--flows N] [--seconds S]
 *         [--source NETWORK] [--cpu N] [--unanswered]
 *
 * Before it measures, every flow has had an answer, unless --unanswered: the load balancer's interfaces must take frames from
 * XDP, by a program of their own or with GRO on.
 */
#include "pps.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/ether.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../e2e/tools/common.h"

static struct course course;

struct options {
	const char *ingress;
	const char *places[MAX_SINKS];
	unsigned int place_count;
	struct packet packet;
	uint32_t flows;
	double seconds;
	bool has_mac;
};

static const struct option names[] = {
	{ "ingress", required_argument, NULL, 'i' }, { "dst-mac", required_argument, NULL, 'm' },
	{ "vip", required_argument, NULL, 'v' },     { "sink", required_argument, NULL, 's' },
	{ "flows", required_argument, NULL, 'f' },   { "seconds", required_argument, NULL, 't' },
	{ "source", required_argument, NULL, 'a' },  { "cpu", required_argument, NULL, 'c' },
	{ "unanswered", no_argument, NULL, 'u' },    { NULL, 0, NULL, 0 },
};

static void parse_mac(const char *text, unsigned char *ret)
{
	const struct ether_addr *mac = ether_aton(text);

	if (!mac)
		die("'%s' is no MAC address", text);
	memcpy(ret, mac, 6);
}

static void parse_vip(const char *text, struct sockaddr_in *ret)
{
	struct sockaddr_storage address;

	parse_address(text, &address);
	memcpy(ret, &address, sizeof(*ret));
	if (ret->sin_family != AF_INET || !ret->sin_port)
		die("'%s' is no IPv4 address and port", text);
}

static double parse_seconds(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0 && seconds <= 600))
		die("--seconds: '%s' is no number up to 600", text);
	return seconds;
}

static void take(struct options *options, int name, const char *text)
{
	switch (name) {
	case 'i':
		options->ingress = text;
		break;
	case 'm':
		parse_mac(text, options->packet.to);
		options->has_mac = true;
		break;
	case 'v':
		parse_vip(text, &options->packet.vip);
		break;
	case 's':
		if (options->place_count == MAX_SINKS)
			die("more than %d sinks", MAX_SINKS);
		options->places[options->place_count++] = text;
		break;
	case 'f':
		options->flows = (uint32_t)parse_number("--flows", text, 1, FRAME_MAX_FLOWS);
		break;
	case 't':
		options->seconds = parse_seconds(text);
		break;
	case 'a':
		if (inet_pton(AF_INET, text, &options->packet.source) != 1)
			die("--source: '%s' is no IPv4 address", text);
		break;
	case 'c':
		course.cpu = (int)parse_number("--cpu", text, 0, CPU_SETSIZE - 1);
		break;
	case 'u':
		course.unanswered = true;
		break;
	default:
		exit(2);
	}
}

static void parse_options(struct options *options, int argc, char **argv)
{
	int name;

	options->flows = 60000;
	options->seconds = 5;
	inet_pton(AF_INET, "10.64.0.0", &options->packet.source);
	course.cpu = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1)
		take(options, name, optarg);
	if (optind != argc || !options->ingress || !options->has_mac || !options->packet.vip.sin_port ||
	    !options->place_count)
		die("expected --ingress IFACE --dst-mac MAC --vip ADDR:PORT --sink NETNS/IFACE [--sink ...] [--flows N] "
		    "[--seconds S] [--source NETWORK] [--cpu N] [--unanswered]");
}

static void mac_of(const char *name, unsigned char *ret)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		die("%s: %s", name, strerror(errno));
	memcpy(ret, request.ifr_hwaddr.sa_data, 6);
	close(fd);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("CPU %d: %s", cpu, strerror(errno));
}

static void clean_up(void)
{
	unsigned int i;

	for (i = 0; i < course.sink_count; i++)
		sink_close(&course.sinks[i]);
	sink_close(&course.client);
	direct_close(&course.direct);
	generator_close(&course.generator);
}

static void interrupted(int signal)
{
	(void)signal;
	course.interrupted = 1;
}

static void catch_signals(void)
{
	const struct sigaction action = { .sa_handler = interrupted };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	json_t *result;

	parse_options(&options, argc, argv);
	course.netns = current_netns();
	course.ifindex = if_nametoindex(options.ingress);
	mac_of(options.ingress, options.packet.from);
	pin(course.cpu);
	course.softirq_thread = softirq_thread(course.cpu);
	catch_signals();
	atexit(clean_up);
	generator_open(&course.generator, &options.packet, options.flows);
	direct_open(&course.direct);
	sink_open_here(&course.client, course.ifindex);
	for (; course.sink_count < options.place_count; course.sink_count++)
		sink_open(&course.sinks[course.sink_count], options.places[course.sink_count]);
	result = course_warm_up(&course);
	course_measure(&course, options.seconds, result);
	json_dumpf(result, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(result);
	return 0;
}
