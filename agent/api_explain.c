/* SPDX-License-Identifier: BSD-2-Clause */
/* Which version a client gets and why: the rules, the kernel's own code on the plan that it has, and its guard. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <serin/split.h>

#include "api_call.h"
#include "datapath_guard.h"
#include "rules.h"
#include "scalar.h"

/* A client as asked about. */
struct question {
	struct endpoint client;                 /* port 0: none given */
	const struct config_listener *listener; /* NULL: any */
};

static bool same_family(const struct serin_addr *a, const struct serin_addr *b)
{
	return address_is_ipv4(a) == address_is_ipv4(b);
}

static bool read_client(struct api_call *call, struct question *question)
{
	const char *address = api_parameter(call, "address"), *port = api_parameter(call, "port");
	unsigned int number = 0;

	if (!address || address_parse(address, &question->client.addr)) {
		api_error(call, 400, "bad_request",
			  "'%.64s' is no address, expected such as address=198.51.100.7 or address=2001:db8::7",
			  address ? address : "");
		return false;
	}
	if (port && parse_unsigned(port, 1, 65535, &number)) {
		api_error(call, 400, "bad_request", "'%.32s' is no port, expected 1 to 65535", port);
		return false;
	}
	question->client.port = htons((uint16_t)number);
	return true;
}

static bool is_asked_for(const struct config_listener *listener, const struct endpoint *wanted, uint8_t protocol)
{
	return listener->port == wanted->port && !memcmp(&listener->addr, &wanted->addr, sizeof(wanted->addr)) &&
	       (!protocol || listener->protocol == protocol);
}

static bool find_listener(struct api_call *call, const char *text, struct question *question)
{
	const struct config_service *service = call->service->config;
	struct endpoint wanted;
	uint8_t protocol;
	size_t i;

	if (listener_parse(text, &wanted, &protocol)) {
		api_error(call, 400, "bad_request",
			  "'%.64s' is no listening address, expected such as 203.0.113.10:80 or [2001:db8::10]:53/udp",
			  text);
		return false;
	}
	for (i = 0; i < service->listener_count && !is_asked_for(&service->listeners[i], &wanted, protocol); i++)
		;
	if (i == service->listener_count) {
		api_error(call, 400, "bad_request", "service %s does not listen on %.64s", service->name, text);
		return false;
	}
	question->listener = &service->listeners[i];
	if (same_family(&wanted.addr, &question->client.addr))
		return true;
	api_error(call, 400, "bad_request", "the client and %.64s are not of one family", text);
	return false;
}

/* Without one given: the only one of the client's family; with affinity source, any of it will do. */
static bool default_listener(struct api_call *call, struct question *question)
{
	const struct config_service *service = call->service->config;
	bool is_ipv4 = address_is_ipv4(&question->client.addr);
	size_t found = 0;

	for (size_t i = 0; i < service->listener_count; i++) {
		if (!same_family(&service->listeners[i].addr, &question->client.addr))
			continue;
		question->listener = &service->listeners[i];
		found++;
	}
	if (!found) {
		api_error(call, 400, "bad_request", "service %s has no IPv%d address, so that client cannot reach it",
			  service->name, is_ipv4 ? 4 : 6);
		return false;
	}
	if (found > 1 && service->affinity == SERIN_AFFINITY_FLOW) {
		api_error(call, 400, "bad_request",
			  "service %s has %zu IPv%d addresses, and affinity: flow counts them: say which with listen=",
			  service->name, found, is_ipv4 ? 4 : 6);
		return false;
	}
	return true;
}

static bool read_question(struct api_call *call, struct question *question)
{
	const char *listen = api_parameter(call, "listen");

	if (!read_client(call, question))
		return false;
	if (listen ? !find_listener(call, listen, question) : !default_listener(call, question))
		return false;
	if (call->service->config->affinity == SERIN_AFFINITY_FLOW && !question->client.port) {
		api_error(call, 400, "bad_request",
			  "service %s draws every connection for itself (affinity: flow): say the client's port with "
			  "port=",
			  call->service->config->name);
		return false;
	}
	return true;
}

/* What the hash is taken over, for people. */
static void describe_counted(const struct service *service, const struct question *question, char *buffer, size_t size)
{
	const struct serin_plan *plan = service->plan;
	bool is_ipv4 = address_is_ipv4(&question->client.addr);
	const __u64 *mask = is_ipv4 ? plan->mask4 : plan->mask6;
	char client[ADDRESS_TEXT_LEN], listener[ADDRESS_TEXT_LEN];
	struct serin_addr masked = question->client.addr;

	if (plan->affinity == SERIN_AFFINITY_FLOW) {
		snprintf(buffer, size, "%s to %s",
			 endpoint_format(&question->client.addr, question->client.port, client),
			 endpoint_format(&question->listener->addr, question->listener->port, listener));
		return;
	}
	masked.quad[0] &= mask[0];
	masked.quad[1] &= mask[1];
	snprintf(buffer, size, "%s/%u", address_format(&masked, client), is_ipv4 ? plan->prefix4 : plan->prefix6);
}

/* The version's name by its id in the plan. */
static const struct state_version *version_of(const struct service *service, unsigned int id)
{
	for (size_t i = 0; i < service->now.version_count; i++) {
		if (service->version_id[i] == id)
			return &service->now.versions[i];
	}
	return NULL;
}

static json_t *backend_of(const struct controller *controller, unsigned int id)
{
	char text[ADDRESS_TEXT_LEN];

	if (id >= SERIN_MAX_BACKENDS)
		return json_null();
	return json_string(
		backend_format(&controller->image.backends[id].addr, controller->image.backends[id].port, text));
}

static json_t *rule_of(const struct config_rule *rule)
{
	char text[ADDRESS_TEXT_LEN];

	return rule ? json_string(prefix_format(&rule->prefix, text)) : json_null();
}

/* The version's guard may not let it have anybody: then it is the baseline's client, if that one has a backend for it.
 * Returns why, in words, or NULL. */
static const char *guard(const struct api_call *call, struct serin_split *split)
{
	static const char *const words[] = {
#define WORDS(upper, label, text) text,
		SERIN_GUARD_REASONS(WORDS)
#undef WORDS
	};
	const struct serin_plan *plan = call->service->plan;
	enum serin_guard_reason why;

	if (split->version == plan->baseline || plan->ring[plan->baseline][split->place] == SERIN_NO_BACKEND)
		return NULL;
	why = datapath_guard_refusal(call->controller->datapath, call->service->id, split->version);
	if (why == SERIN_GUARD_REASON_COUNT)
		return NULL;
	split->version = plan->baseline;
	split->backend = plan->ring[plan->baseline][split->place];
	return words[why];
}

static void answer(struct api_call *call, const struct question *question, const struct config_rule *rule,
		   const struct state_version *drawn, const char *refused, const struct serin_split *split)
{
	const struct state_version *version = version_of(call->service, split->version);
	char client[ADDRESS_TEXT_LEN], counted[2 * ADDRESS_TEXT_LEN + 8];
	int port = ntohs(question->client.port);

	if (!version || !drawn) {
		api_error(call, 500, "internal", "slot %u belongs to no version", split->slot);
		return;
	}
	describe_counted(call->service, question, counted, sizeof(counted));
	api_json(call, 200,
		 json_pack("{s:s, s:s, s:o, s:s, s:I, s:s, s:s, s:s, s:s?, s:o, s:i, s:I, s:o, s:I}", "service",
			   call->service->config->name, "address", address_format(&question->client.addr, client),
			   "port", port ? json_integer(port) : json_null(), "counted", counted, "slot",
			   (json_int_t)split->slot, "version", version->name, "because",
			   refused ? "guard"
			   : rule  ? "rule"
				   : "slot",
			   "drawn", drawn->name, "guard", refused, "rule", rule_of(rule), "weight", (int)drawn->weight,
			   "place", (json_int_t)split->place, "backend", backend_of(call->controller, split->backend),
			   "generation", (json_int_t)call->service->plan->generation));
}

/* As the program does: a rule decides about the version, the hash about the backend within it. */
static const struct config_rule *place(const struct service *service, const struct serin_addr *client,
				       struct serin_split *split)
{
	const struct config_rule *rule = service->plan->rules ? rules_find(&service->config->rules, client) : NULL;

	if (!rule)
		return NULL;
	split->version = service->version_id[rule->version];
	split->backend = service->plan->ring[split->version][split->place];
	return rule;
}

void api_get_explain(struct api_call *call)
{
	static const char *const names[] = { "address", "port", "listen", NULL };
	struct question question = { .listener = NULL };
	struct complaint complaint = { "" };
	struct serin_split_key key = { .protocol = 0 };
	const struct state_version *drawn;
	const struct config_rule *rule;
	struct serin_split split;
	const char *refused;

	if (!api_check_parameters(call, names) || !read_question(call, &question))
		return;
	if (controller_check_baseline(call->service, &complaint)) {
		api_error(call, 409, "baseline_unknown", "%s", complaint.text);
		return;
	}
	key.client = question.client.addr;
	key.client_port = question.client.port;
	key.listener = question.listener->addr;
	key.listener_port = question.listener->port;
	key.protocol = question.listener->protocol;
	key.family = address_is_ipv4(&question.client.addr) ? SERIN_IPV4 : SERIN_IPV6;
	serin_split(call->service->plan, &key, &split);
	rule = place(call->service, &question.client.addr, &split);
	drawn = version_of(call->service, split.version);
	refused = guard(call, &split);
	answer(call, &question, rule, drawn, refused, &split);
}
