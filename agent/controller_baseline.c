/* SPDX-License-Identifier: BSD-2-Clause */
/* A baseline that nobody knows any more: what is said of it, and being told. */
#include "controller_trial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *list_versions(const struct state_service *service, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < service->version_count && used < size; i++)
		used += (size_t)snprintf(buffer + used, size - used, "%s%s", i ? ", " : "", service->versions[i].name);
	return buffer;
}

int controller_check_baseline(const struct service *service, struct complaint *complaint)
{
	char names[SERIN_MAX_VERSIONS * (SERIN_VERSION_NAME_LEN + 2)];

	if (!service->now.lost)
		return 0;
	return complain(
		complaint, -ENODATA,
		"service %s serves nobody: with a damaged state file it was lost which version is the baseline; "
		"`serin baseline %s VERSION` says so, of %s",
		service->config->name, service->config->name, list_versions(&service->now, names, sizeof(names)));
}

int controller_set_baseline(struct controller *controller, struct service *service,
			    const struct controller_request *request, const char *version, struct complaint *complaint)
{
	char names[SERIN_MAX_VERSIONS * (SERIN_VERSION_NAME_LEN + 2)];
	struct state_service wanted = service->now;
	int index = state_find_version(&wanted, version);
	int r;

	r = controller_check_generation(service, request, complaint);
	if (r)
		return r;
	if (index < 0)
		return complain(complaint, -ENOENT, "service %s has no version named '%.64s', there are: %s",
				service->config->name, version, list_versions(&wanted, names, sizeof(names)));
	if (!wanted.lost)
		return complain(
			complaint, -EBUSY,
			"the baseline of %s is known to be %s, expected a rollout to change it (`serin rollout %s "
			"finish`)",
			service->config->name, wanted.versions[wanted.baseline].name, service->config->name);
	wanted.lost = false;
	wanted.baseline = (size_t)index;
	weights_rollback(&wanted);
	controller_stamp(&wanted, request, STATE_BASELINE);
	return controller_commit(controller, service, &wanted, complaint);
}
