/* SPDX-License-Identifier: BSD-2-Clause */
/* What every service starts with: its rules in the kernel, those of the last agent if they are as wanted. */
#include "startup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "rules.h"

/* The entries of one set, which lie together. */
static size_t find_set(const struct startup_rules *rules, __u32 set, size_t *ret_count)
{
	size_t low = 0, high = rules->count, middle, end;

	while (low < high) {
		middle = (low + high) / 2;
		if (rules->running[middle].set < set)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < rules->count && rules->running[end].set == set; end++)
		;
	*ret_count = end - low;
	return low;
}

static bool is_named(const struct controller *controller, __u32 set)
{
	for (size_t i = 0; i < controller->service_count; i++) {
		if (controller->services[i].rules == set)
			return true;
	}
	return false;
}

static struct rule_entry *without_set(const struct placed_entry *placed, size_t count)
{
	struct rule_entry *entries = calloc(count ? count : 1, sizeof(*entries));

	for (size_t i = 0; entries && i < count; i++)
		entries[i] = placed[i].entry;
	return entries;
}

/* A plan only ever names a set that was written whole. */
static bool is_as_wanted(const struct startup_rules *rules, __u32 set, const struct rule_entry *wanted, size_t count)
{
	size_t running, first = find_set(rules, set, &running);
	struct rule_entry *entries;
	bool same;

	if (running != count)
		return false;
	entries = without_set(&rules->running[first], running);
	same = entries && rule_entries_equal(entries, wanted, count);
	free(entries);
	return same;
}

static int choose_set(struct controller *controller, struct startup_rules *rules, size_t index,
		      struct complaint *complaint)
{
	struct service *service = &controller->services[index];
	const struct config_rules *config = &service->config->rules;
	__u32 pinned = service->plan ? service->plan->rules : 0;
	struct rule_entry *wanted;

	if (!config->count)
		return 0;
	wanted = rules_entries(config, service->version_id);
	if (!wanted)
		return complain(complaint, -ENOMEM, "not enough memory for the rules of service %s",
				service->config->name);
	rules->fresh[index] = !pinned || is_named(controller, pinned) ||
			      !is_as_wanted(rules, pinned, wanted, rules_entry_count(config));
	service->rules = rules->fresh[index] ? datapath_new_rule_set(controller->datapath) : pinned;
	free(wanted);
	return 0;
}

int startup_choose_rules(struct controller *controller, struct startup_rules *ret, struct complaint *complaint)
{
	int r = datapath_read_rules(controller->datapath, &ret->running, &ret->count, complaint);

	for (size_t i = 0; !r && i < controller->service_count; i++)
		r = choose_set(controller, ret, i, complaint);
	return r;
}

static int write_set(struct controller *controller, const struct service *service, struct complaint *complaint)
{
	const struct config_rules *config = &service->config->rules;
	struct rule_entry *entries = rules_entries(config, service->version_id);
	int r;

	if (!entries)
		return complain(complaint, -ENOMEM, "not enough memory for the rules of service %s",
				service->config->name);
	r = datapath_write_rules(controller->datapath, service->rules, entries, rules_entry_count(config), complaint);
	free(entries);
	if (!r)
		log_info("rules", log_text("service", service->config->name),
			 log_number("count", (long long)config->count), log_number("set", service->rules));
	return r;
}

int startup_write_rules(struct controller *controller, const struct startup_rules *rules, struct complaint *complaint)
{
	int r = 0;

	for (size_t i = 0; !r && i < controller->service_count; i++) {
		if (rules->fresh[i])
			r = write_set(controller, &controller->services[i], complaint);
	}
	return r;
}

static int drop_set(struct controller *controller, const struct placed_entry *first, size_t count)
{
	struct rule_entry *entries = without_set(first, count);
	int r = entries ? datapath_delete_rules(controller->datapath, first->set, entries, count) : -ENOMEM;

	free(entries);
	return r;
}

void startup_drop_rules(struct controller *controller, const struct startup_rules *rules)
{
	size_t first, count;
	int r;

	for (first = 0; first < rules->count; first += count) {
		__u32 set = rules->running[first].set;

		find_set(rules, set, &count);
		r = is_named(controller, set) ? 0 : drop_set(controller, &rules->running[first], count);
		if (r)
			log_warn("rules that nobody asks any more are left in the kernel until the next start",
				 log_number("set", set), log_text("error", strerror(-r)));
	}
}
