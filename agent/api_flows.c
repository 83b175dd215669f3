/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's live connections, out of the kernel's table: as many as one answer may hold and one turn of the loop may
 * take. Whoever wants more goes on where the answer says. */
#include <stdio.h>

#include "api_call.h"
#include "flows.h"
#include "flows_json.h"
#include "scalar.h"

#define MAX_FLOWS 1000u
#define BUDGET_MS 10
#define LOOK_AT_CLOCK 1024u /* ways */

struct question {
	struct flows flows;
	int version; /* id in the image, or -1: any */
	uint32_t from, limit;
};

struct found {
	json_t *list;
	uint32_t next; /* where to go on */
};

static bool read_number(struct api_call *call, const char *name, unsigned int min, unsigned int max, uint32_t *ret)
{
	const char *text = api_parameter(call, name);
	unsigned int number;

	if (!text)
		return true;
	if (parse_unsigned(text, min, max, &number)) {
		api_error(call, 400, "bad_request", "%s is '%.32s', expected %u to %u", name, text, min, max);
		return false;
	}
	*ret = number;
	return true;
}

/* Also one that is no longer configured, as long as it has connections. */
static bool read_version(struct api_call *call, int *ret)
{
	const struct service *service = call->service;
	const char *name = api_parameter(call, "version");
	char names[SERIN_MAX_VERSIONS * (SERIN_VERSION_NAME_LEN + 2)] = "";
	size_t used = 0;
	int version;

	if (!name)
		return true;
	version = image_find_version(&call->controller->image, service->id, name);
	if (version >= 0) {
		*ret = version;
		return true;
	}
	for (size_t i = 0; i < service->now.version_count; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 service->now.versions[i].name);
	api_error(call, 404, "unknown_version", "service %s has no version '%.64s', there are: %s",
		  service->config->name, name, names);
	return false;
}

static bool read_question(struct api_call *call, struct question *question)
{
	struct complaint complaint = { "" };

	if (datapath_ways(call->controller->datapath, &question->flows.ways, &question->flows.count, &complaint)) {
		api_error(call, 500, "internal", "%s", complaint.text);
		return false;
	}
	return read_version(call, &question->version) && read_number(call, "limit", 1, MAX_FLOWS, &question->limit) &&
	       read_number(call, "from", 0, question->flows.count - 1, &question->from);
}

static bool is_wanted(const struct api_call *call, const struct question *question, unsigned int id)
{
	const struct serin_backend *backend = &call->controller->image.backends[id % SERIN_MAX_BACKENDS];

	return backend->flags & SERIN_BACKEND_USED && backend->service == call->service->id &&
	       (question->version < 0 || backend->version == question->version);
}

/* Stops before what does not fit. */
static void gather(const struct api_call *call, const struct question *question, struct found *found)
{
	int64_t start = loop_now_ms();
	uint32_t now = flows_stamp(start), looked = 0;
	struct flow flow;
	uint16_t backend;

	for (found->next = question->from; found->next < question->flows.count; found->next++) {
		if (!(++looked % LOOK_AT_CLOCK) && loop_now_ms() - start >= BUDGET_MS)
			return;
		if (!flow_glance(&question->flows, found->next, &backend) || !is_wanted(call, question, backend) ||
		    !flow_read(&question->flows, found->next, &flow) || !is_wanted(call, question, flow.backend))
			continue;
		if (json_array_size(found->list) >= question->limit)
			return;
		json_array_append_new(found->list, flow_to_json(&flow, &call->controller->image, now));
	}
}

void api_get_flows(struct api_call *call)
{
	static const char *const names[] = { "version", "limit", "from", NULL };
	struct question question = { .version = -1, .limit = MAX_FLOWS };
	struct found found = { .list = json_array() };
	bool complete;

	if (!found.list) {
		api_error(call, 500, "internal", "not enough memory for connections");
		return;
	}
	if (!api_check_parameters(call, names) || !read_question(call, &question)) {
		json_decref(found.list);
		return;
	}
	gather(call, &question, &found);
	complete = found.next >= question.flows.count;
	api_json(call, 200,
		 json_pack("{s:s, s:o, s:b, s:o}", "service", call->service->config->name, "flows", found.list,
			   "complete", (int)complete, "next", complete ? json_null() : json_integer(found.next)));
}
