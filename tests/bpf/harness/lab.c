/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading, configuring and running the real program. Its maps are found through the kernel, so that the data path's
 * interface needs no hooks for tests. */
#include "lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "door.h"
#include "rules.h"
#include "service.h"
#include "settings.h"
#include "weights.h"
#include <serin/split.h>

static const char *const arm_names[LAB_ARMS] = { NET_FRONT, NET_REAR };

void lab_die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "lab: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1);
}

/* The one that is open, or was: loading the program again takes the verifier a third of a second. */
static struct lab *loaded;

static struct lab *unload(struct lab *lab)
{
	size_t i;

	if (!lab)
		return NULL;
	for (i = 0; i < lab->map_count; i++)
		close(lab->maps[i]);
	for (i = 0; i < lab->program_count; i++)
		close(lab->programs[i]);
	datapath_close(lab->datapath);
	config_free(lab->config);
	free(lab->image);
	free(lab);
	return NULL;
}

static struct lab *load(uint32_t max_flows)
{
	struct datapath_options options = { .max_flows = max_flows };
	struct lab *lab = calloc(1, sizeof(*lab));
	struct complaint complaint;
	const char *mode;
	unsigned int i;

	if (!lab || !(lab->image = calloc(1, sizeof(*lab->image))))
		lab_die("out of memory");
	if (datapath_open(&options, &lab->datapath, &complaint))
		lab_die("%s", complaint.text);
	lab->max_flows = max_flows;
	for (i = 0; i < LAB_ARMS; i++) {
		lab->ifindex[i] = if_nametoindex(arm_names[i]);
		if (datapath_attach(lab->datapath, i, arm_names[i], ATTACH_XDP, &mode, &complaint))
			lab_die("%s", complaint.text);
	}
	door_find(lab);
	return lab;
}

/* As if it had just been loaded. */
static void make_fresh(struct lab *lab)
{
	unsigned int i;

	lab_clear(lab);
	memset(lab->image, 0, sizeof(*lab->image));
	lab->config = config_free(lab->config);
	for (i = 0; i < LAB_ARMS; i++)
		if (datapath_refresh_device(lab->datapath, i, arm_names[i]))
			lab_die("%s is gone", arm_names[i]);
}

struct lab *lab_open(uint32_t max_flows)
{
	if (loaded && loaded->max_flows != max_flows)
		loaded = unload(loaded);
	if (loaded)
		make_fresh(loaded);
	else
		loaded = load(max_flows);
	return loaded;
}

struct lab *lab_close(struct lab *lab)
{
	(void)lab;
	return NULL;
}

/* For configurations without snat.addresses. */
static int rear_address(void *context, const struct serin_addr *to, struct serin_addr *ret, struct complaint *complaint)
{
	(void)context;
	(void)complaint;
	*ret = frame_addr(address_is_ipv4(to) ? "10.0.0.1" : "2001:db8:b::1");
	return 0;
}

/* The set that the plan will name; the one before stays, and costs nothing here. */
static void put_rules(struct lab *lab, struct service *service)
{
	size_t count = rules_entry_count(&service->config->rules);
	struct rule_entry *entries = rules_entries(&service->config->rules, service->version_id);
	struct complaint complaint = { "out of memory" };

	service->rules = count ? datapath_new_rule_set(lab->datapath) : 0;
	if (!entries || datapath_write_rules(lab->datapath, service->rules, entries, count, &complaint))
		lab_die("%s", complaint.text);
	free(entries);
}

static void put_plan(struct lab *lab, const struct config_service *config, const struct state_service *weights)
{
	struct serin_plan *plan = malloc(sizeof(*plan));
	struct service service = { .config = NULL };
	struct state_service wanted = *weights;
	struct complaint complaint;

	wanted.generation = ++lab->plan_generation;
	if (!plan || service_bind(&service, config, lab->image))
		lab_die("%s: no plan", config->name);
	put_rules(lab, &service);
	if (service_build_plan(&service, lab->image, &wanted, plan, &complaint) ||
	    datapath_set_plan(lab->datapath, service.id, plan, &complaint))
		lab_die("%s: no plan", config->name);
	free(plan);
}

static void put_plans(struct lab *lab)
{
	struct state_service weights;
	size_t i;

	for (i = 0; i < lab->config->service_count; i++) {
		weights_start(&lab->config->services[i], NULL, NULL, 0, &weights);
		put_plan(lab, &lab->config->services[i], &weights);
	}
}

void lab_configure_parts(struct lab *lab, const char *yaml, enum lab_parts parts)
{
	struct image *before = lab->image, *next = calloc(1, sizeof(*next));
	struct serin_settings settings;
	struct complaint complaint;

	lab->config = config_free(lab->config);
	if (!next || config_parse("lab.yaml", yaml, strlen(yaml), &lab->config, &complaint) ||
	    image_build(lab->config, before, rear_address, NULL, next, &complaint))
		lab_die("%s", complaint.text);
	settings = settings_of(lab->config);
	if (datapath_set_settings(lab->datapath, &settings, &complaint) ||
	    datapath_apply_backends(lab->datapath, before, next, &complaint))
		lab_die("%s", complaint.text);
	lab->image = next;
	if (parts == LAB_ALL)
		put_plans(lab);
	if (datapath_apply_listeners(lab->datapath, before, next, &complaint))
		lab_die("%s", complaint.text);
	free(before);
}

void lab_configure(struct lab *lab, const char *yaml)
{
	lab_configure_parts(lab, yaml, LAB_ALL);
}

void lab_set_weight(struct lab *lab, const char *service, const char *version, unsigned int weight)
{
	const struct config_service *config = config_find_service(lab->config, service);
	int trial = config ? config_find_version(config, version) : -1;
	struct state_service weights;
	size_t i;

	if (trial < 0)
		lab_die("no version %s of %s", version, service);
	weights_start(config, NULL, NULL, 0, &weights);
	for (i = 0; i < weights.version_count; i++)
		weights.versions[i].weight = 0;
	weights.versions[weights.baseline].weight = (uint16_t)(SERIN_SLOTS - weight);
	weights.versions[trial].weight = (uint16_t)weight;
	put_plan(lab, config, &weights);
}

int lab_map(const struct lab *lab, const char *name)
{
	size_t i;

	for (i = 0; i < lab->map_count; i++)
		if (!strncmp(lab->map_names[i], name, sizeof(lab->map_names[i]) - 1))
			return lab->maps[i];
	lab_die("the program has no map '%s'", name);
}

void lab_read(const struct lab *lab, const char *map, uint32_t key, void *ret)
{
	if (bpf_map_lookup_elem(lab_map(lab, map), &key, ret))
		lab_die("%s[%u]: %s", map, key, strerror(errno));
}

void lab_write(const struct lab *lab, const char *map, uint32_t key, const void *value)
{
	if (bpf_map_update_elem(lab_map(lab, map), &key, value, BPF_ANY))
		lab_die("%s[%u]: %s", map, key, strerror(errno));
}

unsigned int lab_service(const struct lab *lab, const char *name)
{
	int id = image_find_service(lab->image, name);

	if (id < 0)
		lab_die("no service %s", name);
	return (unsigned int)id;
}

unsigned int lab_backend(const struct lab *lab, const char *service, const char *version, const char *address)
{
	unsigned int service_id = lab_service(lab, service);
	int version_id = image_find_version(lab->image, service_id, version), id = -ENOENT;
	struct endpoint endpoint = { .port = htons((uint16_t)atoi(address)) };

	/* forward: local knows bare ports. */
	if (version_id >= 0 && (!strchr(address, ':') || !endpoint_parse(address, &endpoint)))
		id = image_find_backend(lab->image, service_id, (unsigned int)version_id, &endpoint);
	if (id < 0)
		lab_die("no backend %s of %s %s", address, service, version);
	return (unsigned int)id;
}

unsigned int lab_choose(struct lab *lab, const char *service, const struct segment *syn)
{
	struct serin_plan *plan = malloc(sizeof(*plan));
	struct serin_split_key key;
	struct serin_split split;

	if (!plan || datapath_get_plan(lab->datapath, lab_service(lab, service), plan))
		lab_die("%s has no plan", service);
	memset(&key, 0, sizeof(key));
	key.client = syn->src;
	key.listener = syn->dst;
	key.client_port = htons(syn->sport);
	key.listener_port = htons(syn->dport);
	key.protocol = syn->protocol ? syn->protocol : FRAME_TCP;
	key.family = address_is_ipv4(&syn->src) ? SERIN_IPV4 : SERIN_IPV6;
	serin_split(plan, &key, &split);
	free(plan);
	return split.backend;
}

struct serin_settings lab_settings(const struct lab *lab)
{
	struct serin_settings settings;

	lab_read(lab, "settings", 0, &settings);
	return settings;
}

void lab_change_settings(struct lab *lab, const struct serin_settings *settings)
{
	lab_write(lab, "settings", 0, settings);
}

void lab_stay_on_one_cpu(void)
{
	cpu_set_t cpus;
	int cpu;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		lab_die("sched_getaffinity: %s", strerror(errno));
	for (cpu = 0; !CPU_ISSET(cpu, &cpus); cpu++)
		;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		lab_die("sched_setaffinity: %s", strerror(errno));
}

uint32_t lab_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint32_t)(((uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec) >> SERIN_STAMP_SHIFT);
}
