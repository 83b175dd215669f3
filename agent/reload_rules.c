/* SPDX-License-Identifier: BSD-2-Clause */
/* A reload's sets of rules: those that stay as they are keep their number, and are neither read nor written. */
#include "reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

static bool is_named(const struct controller *controller, uint32_t set)
{
	for (size_t i = 0; i < controller->service_count; i++) {
		if (controller->services[i].rules == set)
			return true;
	}
	return false;
}

/* As the kernel has them: by the plan's numbers of versions, whatever their order in the file. */
static int compare(const struct service *old, const struct service *new, bool *ret_same)
{
	const struct config_rules *a = &old->config->rules, *b = &new->config->rules;
	struct rule_entry *before, *after;
	int r = 0;

	if (a->count != b->count) {
		*ret_same = false;
		return 0;
	}
	before = rules_entries(a, old->version_id);
	after = rules_entries(b, new->version_id);
	if (before && after)
		*ret_same = rule_entries_equal(before, after, a->count);
	else
		r = -ENOMEM;
	free(before);
	free(after);
	return r;
}

int reload_choose_rules(struct reload *reload, size_t index, struct complaint *complaint)
{
	struct service *service = &reload->next->services[index];
	const struct service *old = controller_find_service(reload->controller, service->config->name);
	bool same = false;

	if (!service->config->rules.count)
		return 0;
	if (old && old->rules && compare(old, service, &same))
		return complain(complaint, -ENOMEM, "not enough memory for the rules of service %s",
				service->config->name);
	reload->rules.fresh[index] = !same;
	service->rules = same ? old->rules : datapath_new_rule_set(reload->next->datapath);
	return 0;
}

static int drop(struct datapath *datapath, const struct service *service)
{
	struct rule_entry *entries = rules_entries(&service->config->rules, service->version_id);
	int r = -ENOMEM;

	if (entries)
		r = datapath_delete_rules(datapath, service->rules, entries,
					  rules_entry_count(&service->config->rules));
	free(entries);
	return r;
}

void reload_drop_rules(const struct controller *of, const struct controller *except)
{
	int r;

	for (size_t i = 0; i < of->service_count; i++) {
		const struct service *service = &of->services[i];

		if (!service->rules || is_named(except, service->rules))
			continue;
		r = drop(of->datapath, service);
		if (r)
			log_warn("rules that nobody asks any more are left in the kernel until the next start",
				 log_number("set", service->rules), log_text("error", strerror(-r)));
	}
}
