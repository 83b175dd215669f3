/* SPDX-License-Identifier: BSD-2-Clause */
/* The start, step by step: checks of the host, tables, plans, listeners, next hops, and at last the interfaces. */
#include "startup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hostcheck.h"
#include "lock.h"
#include "log.h"
#include "settings.h"

#define NEXTHOP_PATIENCE_MS 2000

/* The directory may be made by datapath_open; where it is there before, nobody may be at work in it. */
static int open_datapath(struct controller *controller, struct complaint *complaint)
{
	const struct datapath_options options = {
		.pin_dir = controller->options.pin_dir,
		.max_flows = controller->config->max_flows,
	};
	int r;

	r = lock_take_directory(options.pin_dir, &controller->pin_lock, complaint);
	if (r && r != -ENOENT)
		return r;
	r = datapath_open(&options, &controller->datapath, complaint);
	if (!r && controller->pin_lock < 0)
		r = lock_take_directory(options.pin_dir, &controller->pin_lock, complaint);
	return r;
}

static int load_state(struct controller *controller, struct complaint *complaint)
{
	struct complaint damage = { "" };
	int r;

	r = state_load(controller->options.state_dir, &controller->state, &damage);
	if (!r || r == -ENOENT)
		return 0;
	if (r != -EBADMSG)
		return complain(complaint, r, "%s", damage.text);
	r = state_keep_aside(controller->options.state_dir, time(NULL), controller->damaged,
			     sizeof(controller->damaged), complaint);
	if (r)
		return r;
	log_error(
		datapath_is_reused(controller->datapath)
			? "the state file is damaged: going on with the running plans, else with the configuration"
			: "the state file is damaged, and no plan runs that shows which versions are baselines: nobody "
			  "is served until `serin baseline SERVICE VERSION`",
		log_text("error", damage.text), log_text("kept_as", controller->damaged));
	return 0;
}

int startup_source_of_host(void *context, const struct serin_addr *to, struct serin_addr *ret,
			   struct complaint *complaint)
{
	struct neigh_route route;
	int r = neigh_route(context, to, &route, complaint);

	if (!r)
		*ret = route.source;
	return r;
}

int startup_apply_settings(const struct controller *controller, struct complaint *complaint)
{
	const struct serin_settings settings = settings_of(controller->config);

	return datapath_set_settings(controller->datapath, &settings, complaint);
}

/* Tables in the order that no packet meets a half: settings and backends, rules, plans, listeners. The state comes before
 * any of them: a crash in between is repeated by the next start. */
static int fill_tables(struct controller *controller, const struct image *running, const struct startup_rules *rules,
		       const bool differs[SERIN_MAX_SERVICES], struct complaint *complaint)
{
	const struct config_snat *snat = &controller->config->snat;
	int r = 0;

	if (startup_uses_nat(controller->config))
		r = hostcheck_reserve_ports(snat->port_first, snat->port_last, complaint);
	if (!r)
		r = state_save(controller->options.state_dir, &controller->state, complaint);
	if (!r)
		r = startup_apply_settings(controller, complaint);
	if (!r)
		r = datapath_apply_backends(controller->datapath, running, &controller->image, complaint);
	if (!r)
		r = startup_write_rules(controller, rules, complaint);
	if (!r)
		r = startup_set_plans(controller, differs, complaint);
	if (!r)
		r = datapath_apply_listeners(controller->datapath, running, &controller->image, complaint);
	if (!r)
		startup_drop_rules(controller, rules);
	return r;
}

/* What is found elsewhere and has given nothing at this start: as it runs. */
static int keep_running(struct config *config, const struct image *running, struct complaint *complaint)
{
	struct config_backend *found = calloc(SERIN_MAX_BACKENDS, sizeof(*found));
	int r = found ? 0 : complain(complaint, -ENOMEM, "not enough memory for backends");

	for (size_t i = 0; !r && i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];

		for (size_t j = 0; !r && j < service->version_count; j++) {
			const struct config_version *version = &service->versions[j];
			size_t count;

			if (!config_is_discovered(version) || version->backend_count)
				continue;
			count = image_list_backends(running, service->name, version->name, found);
			if (count)
				r = config_set_backends(config, i, j, found, count, complaint);
			else
				r = complain(complaint, -EINVAL,
					     "%.200s:%u:%u: no backend of version %s of %s has been found",
					     config->path, version->source_place.line, version->source_place.column,
					     version->name, service->name);
		}
	}
	free(found);
	return r;
}

static int build_tables(struct controller *controller, struct complaint *complaint)
{
	struct image *running = calloc(1, sizeof(*running));
	struct startup_rules rules = { .running = NULL };
	bool differs[SERIN_MAX_SERVICES];
	int r;

	if (!running)
		return complain(complaint, -ENOMEM, "not enough memory for the image of the tables");
	r = datapath_read_image(controller->datapath, running, complaint);
	if (!r)
		r = keep_running(controller->config, running, complaint);
	if (!r)
		r = image_build(controller->config, running, startup_source_of_host, controller->neigh,
				&controller->image, complaint);
	if (!r) {
		controller_mark_drained(&controller->state, &controller->image);
		controller_mark_replaced(&controller->image);
		r = startup_check_tables(controller, running, complaint);
	}
	if (!r)
		r = startup_choose_weights(controller, running, complaint);
	if (!r)
		r = startup_choose_rules(controller, &rules, complaint);
	if (!r)
		r = startup_make_plans(controller, differs, complaint);
	if (!r)
		r = fill_tables(controller, running, &rules, differs, complaint);
	free(rules.running);
	free(running);
	return r;
}

/* Which interfaces were attached before is only known while the links are those of then. */
static int attach(struct controller *controller, bool has_state, struct complaint *complaint)
{
	static const struct state nowhere;
	const struct state *before = &nowhere;
	int r;

	if (controller->at_work)
		before = has_state ? &controller->state : NULL;
	devices_assign(controller->config, &controller->state, &controller->devices);
	r = devices_attach(&controller->devices, controller->datapath, before, complaint);
	if (r)
		return r;
	devices_names(&controller->devices, &controller->state);
	r = state_save(controller->options.state_dir, &controller->state, complaint);
	if (r)
		return r;
	/* Devices may have moved since the last agent's time. */
	r = datapath_bump_routes(controller->datapath);
	return r ? complain(complaint, r, "cannot have next hops looked up: %s", strerror(-r)) : 0;
}

void startup_withdraw(struct controller *controller)
{
	struct complaint complaint = { "" };
	unsigned int removed;

	if (!controller->datapath || datapath_is_reused(controller->datapath))
		return;
	if (datapath_detach(controller->options.pin_dir, &removed, &complaint))
		log_error("pins of a start that failed are left", log_text("error", complaint.text));
}

static int bring_up(struct controller *controller, struct complaint *complaint)
{
	bool has_state = controller->state.service_count != 0;
	int r;

	r = build_tables(controller, complaint);
	if (r)
		return r;
	/* Traffic that runs already has next hops resolved under the last agent, and whoever watches readiness must not
	 * take the VIP away because a backend is down at the moment of a restart. */
	r = nexthops_start(&controller->nexthops, controller->neigh, controller->datapath, &controller->image,
			   controller->config, controller->at_work ? 0 : NEXTHOP_PATIENCE_MS, complaint);
	controller->nexthops.ready |= controller->at_work;
	return r ? r : attach(controller, has_state, complaint);
}

int startup_run(struct controller *controller, struct complaint *complaint)
{
	int r;

	r = startup_check_host(controller->config, complaint);
	if (!r)
		r = neigh_open(&controller->neigh, complaint);
	if (!r)
		r = open_datapath(controller, complaint);
	if (!r)
		r = load_state(controller, complaint);
	if (!r) {
		controller->at_work = datapath_has_links(controller->datapath);
		startup_warn_of_surprises(controller->config);
		r = bring_up(controller, complaint);
	}
	if (r)
		startup_withdraw(controller);
	return r;
}
