/* SPDX-License-Identifier: BSD-2-Clause */
/* A reload's first half: the tables, weights and plans that the new configuration asks for, and what this host has
 * against them. Nothing is changed here. */
#include "controller_trial.h"
#include "reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hostcheck.h"
#include "image_undo.h"

#define PATIENCE_MS 500 /* the loop stands still meanwhile */

static int prepare_images(struct reload *reload, struct complaint *complaint)
{
	struct controller *next = reload->next;
	int r;

	reload->running = calloc(1, sizeof(*reload->running));
	reload->both = calloc(1, sizeof(*reload->both));
	reload->back = calloc(1, sizeof(*reload->back));
	if (!reload->running || !reload->both || !reload->back)
		return complain(complaint, -ENOMEM, "not enough memory for images of the tables");
	r = datapath_read_image(next->datapath, reload->running, complaint);
	if (!r)
		r = image_build(next->config, reload->running, startup_source_of_host, next->neigh, &next->image,
				complaint);
	if (!r) {
		controller_mark_drained(&reload->controller->state, &next->image);
		liveness_mark(reload->controller->liveness, &next->image);
		controller_mark_replaced(&next->image);
		r = startup_check_image(next, reload->running, complaint);
	}
	return r;
}

static int copy_plan(const struct service *from, struct service *to, struct complaint *complaint)
{
	if (!from->plan)
		return 0;
	to->plan = malloc(sizeof(*to->plan));
	if (!to->plan)
		return complain(complaint, -ENOMEM, "not enough memory for a plan");
	*to->plan = *from->plan;
	return 0;
}

/* Weights that were set by hand stay: said where the file asks for others than before. */
static void note_kept(struct reload *reload, const struct service *old, const struct service *new)
{
	struct state_service before, after;
	char text[512];

	if (weights_are_by_file(&new->now))
		return;
	weights_start(new->config, NULL, NULL, 0, &after);
	if (old)
		weights_start(old->config, NULL, NULL, 0, &before);
	if (weights_are_same(&after, &new->now) || (old && weights_are_same(&before, &after)))
		return;
	config_lines_add(&reload->diff.changes, "= weights of %s stay as set (%s by %s): %s", new->now.name,
			 state_change_kind_name(new->now.changed.kind), new->now.changed.by,
			 weights_format(&new->now, text, sizeof(text)));
}

/* What the service has now, as far as its versions are still there; a new one may have been here before. */
static int carry_over(struct reload *reload, size_t index, struct complaint *complaint)
{
	struct controller *next = reload->next;
	const struct config_service *config = &next->config->services[index];
	const struct service *old = controller_find_service(reload->controller, config->name);
	const struct state_service *stored = old ? &old->now : state_find_service(&next->state, config->name);
	struct service *service = &next->services[next->service_count++];
	int r;

	r = service_bind(service, config, &next->image);
	if (r)
		return complain(complaint, r, "service %s is not in the tables that were made for it", config->name);
	if (old)
		r = weights_check_baseline(&old->now, config, complaint);
	if (!r && old)
		r = copy_plan(old, service, complaint);
	if (!r)
		r = reload_choose_rules(reload, index, complaint);
	if (r)
		return r;
	weights_start(config, stored, NULL, time(NULL), &service->now);
	if (old)
		trial_note_returned(&old->now, &service->now);
	if (!old && stored && rollout_is_judged(&service->now.trial.rollout))
		controller_rollout_resume(next, service, ROLLOUT_ABORT,
					  "the service was taken out of the configuration");
	reload->moved[index] = !old || !weights_are_same(&old->now, &service->now);
	/* Of weights that were set by hand, whoever set them is still the reason. */
	if (old && reload->moved[index] && weights_are_by_file(&service->now))
		service->now.changed.kind = STATE_RELOAD;
	if (old) {
		service->window = old->window;
		service->newest = old->newest;
	}
	next->image.services[service->id].baseline = service->version_id[service->now.baseline];
	note_kept(reload, old, service);
	return 0;
}

static int carry_all_over(struct reload *reload, struct complaint *complaint)
{
	struct controller *next = reload->next;
	int r = 0;

	if (state_copy(&reload->controller->state, &next->state))
		return complain(complaint, -ENOMEM, "not enough memory for the state");
	next->services = calloc(next->config->service_count + 1, sizeof(*next->services));
	if (!next->services)
		return complain(complaint, -ENOMEM, "not enough memory for the services");
	for (size_t i = 0; !r && i < next->config->service_count; i++)
		r = carry_over(reload, i, complaint);
	return r;
}

/* Not wrong: the address may be announced by other means, or move here when another host fails. */
static void note_strangers(struct reload *reload, const struct config_service *service)
{
	char text[ADDRESS_TEXT_LEN];

	for (size_t i = 0; i < service->listener_count; i++) {
		const struct config_listener *listener = &service->listeners[i];
		bool is_local = true;

		if (config_diff_find_former(reload->controller->config, listener) ||
		    hostcheck_listener_address(&listener->addr, &is_local) || is_local)
			continue;
		config_lines_add(&reload->diff.changes,
				 "= %s of %s is none of this host's addresses: nobody answers ARP or neighbour "
				 "discovery for it",
				 address_format(&listener->addr, text), service->name);
	}
}

int reload_prepare(struct reload *reload, struct complaint *complaint)
{
	struct controller *next = reload->next;
	int r;

	r = startup_check_forwarding(next->config, complaint);
	if (!r)
		r = prepare_images(reload, complaint);
	if (!r)
		r = carry_all_over(reload, complaint);
	if (!r)
		r = startup_make_plans(next, reload->differs, complaint);
	if (r)
		return r;
	for (size_t i = 0; i < next->config->service_count; i++)
		note_strangers(reload, &next->config->services[i]);
	image_union(reload->running, &next->image, reload->both);
	image_undo(reload->running, &next->image, reload->back);
	return 0;
}

int reload_arrange(struct reload *reload, struct complaint *complaint)
{
	struct controller *next = reload->next;
	const struct config_snat *snat = &next->config->snat;
	int r = 0;

	if (startup_uses_nat(next->config))
		r = hostcheck_reserve_ports(snat->port_first, snat->port_last, complaint);
	if (!r && devices_need_local(next->config))
		r = devices_begin_local(&reload->controller->devices, next->datapath, complaint);
	if (!r)
		devices_names(&reload->controller->devices, &next->state);
	if (!r && memcmp(reload->running->backends, next->image.backends, sizeof(next->image.backends)))
		nexthops_expect(&reload->controller->nexthops, &next->image, PATIENCE_MS);
	return r;
}
