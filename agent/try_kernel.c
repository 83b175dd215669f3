/* SPDX-License-Identifier: BSD-2-Clause */
/* A split in the kernel: a configuration of one service, made and attached like that of the agent. */
#include "try_kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "counters.h"
#include "datapath.h"
#include "service.h"
#include "settings.h"
#include "sweeper.h"
#include "try_guard.h"
#include "weights.h"

#define MAX_FLOWS 65536u /* some 17 MB */

struct try_kernel {
	const struct try_split *split;
	struct config *config;
	struct datapath *datapath;
	struct image *image;
	struct counters *counters;
	struct service service;
	struct sweeper *sweeper;
	struct try_guard guard;
	int64_t started_ms;
};

static int check_others(const struct try_split *split, struct complaint *complaint)
{
	struct serin_addr addr;
	char text[ADDRESS_TEXT_LEN];

	if (!datapath_find_other(htons(split->port), split->protocol, &addr))
		return 0;
	return complain(complaint, -EADDRINUSE,
			"port %u/%s is taken: a serin at work listens on %s, expected a port that none listens on",
			split->port, protocol_name(split->protocol), endpoint_format(&addr, htons(split->port), text));
}

/* The addresses are put in as they are: the file's language has no link-local ones. */
static int make_config(const struct try_split *split, const struct try_host *host, struct config **ret,
		       struct complaint *complaint)
{
	char *text = try_config_text(split, MAX_FLOWS);
	struct config_service *service;
	int r;

	if (!text)
		return complain(complaint, -ENOMEM, "out of memory");
	r = config_parse("try", text, strlen(text), ret, complaint);
	free(text);
	if (r)
		return r;
	service = &(*ret)->services[0];
	service->listener_count = host->address_count;
	for (size_t i = 0; i < host->address_count; i++)
		service->listeners[i] = (struct config_listener){ .addr = host->addresses[i],
								  .port = htons(split->port),
								  .protocol = split->protocol };
	return 0;
}

static int set_plan(struct try_kernel *kernel, struct complaint *complaint)
{
	struct serin_plan *plan = malloc(sizeof(*plan));
	int r;

	if (!plan)
		return complain(complaint, -ENOMEM, "not enough memory for a plan");
	r = service_bind(&kernel->service, &kernel->config->services[0], kernel->image);
	weights_start(&kernel->config->services[0], NULL, NULL, time(NULL), &kernel->service.now);
	kernel->service.now.generation = 1;
	if (!r)
		r = service_build_plan(&kernel->service, kernel->image, &kernel->service.now, plan, complaint);
	if (!r)
		r = datapath_set_plan(kernel->datapath, kernel->service.id, plan, complaint);
	free(plan);
	return r;
}

/* All but the listeners: no packet is met before these are there. */
static int fill_tables(struct try_kernel *kernel, struct complaint *complaint)
{
	const struct serin_settings settings = settings_of(kernel->config);
	struct image *empty = calloc(1, sizeof(*empty));
	int r;

	if (!empty)
		return complain(complaint, -ENOMEM, "not enough memory for the image of the tables");
	r = image_build(kernel->config, empty, NULL, NULL, kernel->image, complaint);
	if (!r)
		r = datapath_set_settings(kernel->datapath, &settings, complaint);
	if (!r)
		r = datapath_apply_backends(kernel->datapath, empty, kernel->image, complaint);
	if (!r)
		r = set_plan(kernel, complaint);
	free(empty);
	return r;
}

/* First what answers leave by. Always by TC: XDP would take a driver's queues down for a moment, there is room for one
 * XDP program only, and what goes up to a process is made into an sk_buff anyway. */
static int attach_one(struct try_kernel *kernel, unsigned int device, const char *name, struct complaint *complaint)
{
	const char *mode;
	int r = datapath_attach_egress(kernel->datapath, device, name, complaint);

	if (r)
		return r;
	r = datapath_attach(kernel->datapath, device, name, ATTACH_TC, &mode, complaint);
	if (r)
		datapath_detach_egress(kernel->datapath, name);
	return r;
}

/* One that cannot be had is no reason to do without the others. */
static int attach(struct try_kernel *kernel, struct try_host *host, void (*skipped)(void *context, const char *reason),
		  void *context, struct complaint *complaint)
{
	struct complaint why = { "" };
	size_t kept = 0;
	int r = 0;

	for (size_t i = 0; i < host->interface_count; i++) {
		r = attach_one(kernel, (unsigned int)i, host->interfaces[i].name, &why);
		if (r)
			skipped(context, why.text);
		else
			host->interfaces[kept++] = host->interfaces[i];
	}
	host->interface_count = kept;
	return kept ? 0
		    : complain(complaint, r ? r : -ENODEV, "nothing can be attached to any interface: %s", why.text);
}

/* A filter of the clsact qdisc outlives us, a link does not. */
static bool leaves_filters(const struct try_kernel *kernel, const struct try_host *host)
{
	const char *hook;

	for (size_t i = 0; i < host->interface_count; i++) {
		hook = datapath_attached_by(kernel->datapath, if_nametoindex(host->interfaces[i].name));
		if (hook && !strcmp(hook, "clsact"))
			return true;
	}
	return false;
}

static int start(struct try_kernel *kernel, struct try_host *host, void (*skipped)(void *context, const char *reason),
		 void *context, struct complaint *complaint)
{
	const struct datapath_options options = { .max_flows = MAX_FLOWS };
	int r;

	r = check_others(kernel->split, complaint);
	if (!r)
		r = make_config(kernel->split, host, &kernel->config, complaint);
	if (!r)
		r = datapath_open(&options, &kernel->datapath, complaint);
	if (!r)
		r = fill_tables(kernel, complaint);
	if (!r)
		r = attach(kernel, host, skipped, context, complaint);
	if (!r && leaves_filters(kernel, host))
		r = try_guard_start(&kernel->guard, kernel->datapath, complaint);
	if (!r && sweeper_open(kernel->datapath, &kernel->sweeper))
		r = complain(complaint, -ENOMEM, "not enough memory to sweep the flow table with");
	return r;
}

int try_kernel_open(const struct try_split *split, struct try_host *host,
		    void (*skipped)(void *context, const char *reason), void *context, struct try_kernel **ret,
		    struct complaint *complaint)
{
	struct try_kernel *kernel = calloc(1, sizeof(*kernel));
	int r;

	if (!kernel)
		return complain(complaint, -ENOMEM, "out of memory");
	kernel->split = split;
	kernel->guard = TRY_GUARD_NONE;
	kernel->image = calloc(1, sizeof(*kernel->image));
	kernel->counters = calloc(1, sizeof(*kernel->counters));
	r = kernel->image && kernel->counters ? start(kernel, host, skipped, context, complaint)
					      : complain(complaint, -ENOMEM, "out of memory");
	if (r) {
		try_kernel_close(kernel);
		return r;
	}
	*ret = kernel;
	return 0;
}

struct try_kernel *try_kernel_close(struct try_kernel *kernel)
{
	if (!kernel)
		return NULL;
	sweeper_close(kernel->sweeper);
	datapath_close(kernel->datapath);
	try_guard_end(&kernel->guard);
	config_free(kernel->config);
	counters_free(kernel->counters);
	free(kernel->counters);
	free(kernel->image);
	free(kernel);
	return NULL;
}

int try_kernel_show(struct try_kernel *kernel, struct complaint *complaint)
{
	struct image *empty = calloc(1, sizeof(*empty));
	int r;

	if (!empty)
		return complain(complaint, -ENOMEM, "not enough memory for the image of the tables");
	r = datapath_apply_listeners(kernel->datapath, empty, kernel->image, complaint);
	kernel->started_ms = loop_now_ms();
	free(empty);
	return r;
}

/* Addresses and ports stay: open flows name their listener. */
int try_kernel_hide(struct try_kernel *kernel, struct complaint *complaint)
{
	struct image *hidden = malloc(sizeof(*hidden));
	int r;

	if (!hidden)
		return complain(complaint, -ENOMEM, "not enough memory for the image of the tables");
	*hidden = *kernel->image;
	for (size_t i = 0; i < SERIN_MAX_LISTENERS; i++)
		hidden->listeners[i].forward = 0;
	r = datapath_apply_listeners(kernel->datapath, kernel->image, hidden, complaint);
	free(hidden);
	return r;
}

int try_kernel_add_to_loop(struct try_kernel *kernel, struct loop *loop)
{
	return sweeper_add_to_loop(kernel->sweeper, loop);
}

static void sum_versions(const struct try_kernel *kernel, struct try_figures *ret)
{
	for (size_t i = 0; i < SERIN_MAX_BACKENDS; i++) {
		const struct serin_backend *backend = &kernel->image->backends[i];

		if (!(backend->flags & SERIN_BACKEND_USED))
			continue;
		for (size_t version = 0; version < kernel->split->count; version++) {
			if (kernel->service.version_id[version] == backend->version)
				ret->versions[version] = kernel->counters->backends[i];
		}
	}
}

int try_kernel_read(struct try_kernel *kernel, int64_t now_ms, struct try_figures *ret)
{
	const struct try_figures before = *ret;
	double seconds;
	int r;

	r = counters_read(kernel->counters, kernel->datapath, kernel->image, now_ms);
	if (r)
		return r;
	ret->ms = now_ms - kernel->started_ms;
	sum_versions(kernel, ret);
	ret->dropped = 0;
	for (int i = 0; i < SERIN_DROPS; i++)
		ret->dropped += kernel->counters->drops[i];
	seconds = (double)(ret->ms - before.ms) / 1000;
	for (size_t i = 0; i < kernel->split->count; i++)
		ret->per_second[i] =
			seconds > 0 ? (double)(ret->versions[i].opened - before.versions[i].opened) / seconds : 0;
	return 0;
}
