/* SPDX-License-Identifier: BSD-2-Clause */
/* A reload's second half: the steps that packets can see, in the order that no packet meets a half; and the way back. */
#include "reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What comes: backends, rules, plans, listeners. What goes: listeners, plans, backends. */
static int change_tables(struct reload *reload, struct complaint *complaint)
{
	struct controller *next = reload->next;
	struct datapath *datapath = next->datapath;
	int r;

	r = startup_apply_settings(next, complaint);
	if (!r)
		r = datapath_apply_backends(datapath, reload->running, reload->both, complaint);
	if (!r)
		r = startup_write_rules(next, &reload->rules, complaint);
	if (!r)
		r = startup_set_plans(next, reload->differs, complaint);
	if (!r)
		r = datapath_apply_listeners(datapath, reload->running, &next->image, complaint);
	if (!r)
		r = datapath_apply_backends(datapath, reload->both, &next->image, complaint);
	return r;
}

static bool has_old_plan(struct datapath *datapath, const struct service *old)
{
	struct serin_plan *plan = malloc(sizeof(*plan));
	bool same = plan && !datapath_get_plan(datapath, old->id, plan) && plan->generation == old->plan->generation;

	free(plan);
	return same;
}

static int set_old_plans(const struct reload *reload, struct complaint *complaint)
{
	const struct controller *next = reload->next;
	int r, first = 0;

	for (size_t i = 0; i < next->service_count; i++) {
		const struct service *old = controller_find_service(reload->controller, next->services[i].config->name);

		if (!reload->differs[i] || !old || !old->plan || has_old_plan(next->datapath, old))
			continue;
		r = datapath_set_plan(next->datapath, old->id, old->plan, first ? NULL : complaint);
		first = first ? first : r;
	}
	return first;
}

/* Every step is made, whatever became of the others; what has come to be is read back, so that only that is changed.
 * 0, or the first failure. */
static int restore_tables(struct reload *reload, struct complaint *complaint)
{
	struct controller *controller = reload->controller;
	struct image *now = reload->running; /* it has served */
	int r, first;

	if (datapath_read_image(controller->datapath, now, NULL))
		*now = reload->next->image;
	first = datapath_apply_listeners(controller->datapath, now, reload->back, complaint);
	r = set_old_plans(reload, first ? NULL : complaint);
	first = first ? first : r;
	r = datapath_apply_backends(controller->datapath, now, reload->back, first ? NULL : complaint);
	first = first ? first : r;
	r = startup_apply_settings(controller, first ? NULL : complaint);
	return first ? first : r;
}

static int go_back(struct reload *reload, struct complaint *complaint)
{
	struct controller *controller = reload->controller;
	struct complaint failure = *complaint, detail = { "" };
	int r = restore_tables(reload, &detail);

	controller->image = *reload->back;
	if (controller_save(controller, NULL))
		log_error("the state file names weights that were not set");
	nexthops_refresh(&controller->nexthops);
	if (r)
		return complain(complaint, -EUCLEAN, "%.220s; going back failed too, expected a restart: %.200s",
				failure.text, detail.text);
	reload_drop_rules(reload->next, controller);
	return complain(complaint, -ECANCELED, "%.400s; the changes made before it were taken back", failure.text);
}

/* The state comes first: a crash in between is repeated by the next start. */
int reload_apply(struct reload *reload, struct complaint *complaint)
{
	struct controller *next = reload->next;
	int r;

	r = state_save(next->options.state_dir, &next->state, complaint);
	if (r) {
		controller_save(reload->controller, NULL);
		nexthops_refresh(&reload->controller->nexthops);
		return r;
	}
	r = change_tables(reload, complaint);
	if (r)
		return go_back(reload, complaint);
	reload_drop_rules(reload->controller, next);
	return 0;
}
