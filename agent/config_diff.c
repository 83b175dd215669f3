/* SPDX-License-Identifier: BSD-2-Clause */
/* The difference of two configurations: services down to their backends, and all of it put together. */
#include "config_diff.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scalar.h"

void config_lines_add(struct config_lines *lines, const char *format, ...)
{
	char **more = reallocarray(lines->line, lines->count + 1, sizeof(*more));
	va_list args;
	int length;

	if (!more) {
		lines->incomplete = true;
		return;
	}
	lines->line = more;
	va_start(args, format);
	length = vasprintf(&more[lines->count], format, args);
	va_end(args);
	if (length < 0)
		lines->incomplete = true;
	else
		lines->count++;
}

void config_lines_free(struct config_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->line[i]);
	free(lines->line);
	*lines = (struct config_lines){ 0 };
}

void config_diff_free(struct config_diff *diff)
{
	config_lines_free(&diff->changes);
	config_lines_free(&diff->refused);
}

void config_diff_seconds(const char *what, const char *of, unsigned int from, unsigned int to,
			 struct config_lines *lines)
{
	char old[DURATION_TEXT_LEN], new[DURATION_TEXT_LEN];

	if (from != to)
		config_lines_add(lines, "~ %s%s: %s -> %s", what, of, duration_format(from, old),
				 duration_format(to, new));
}

/* The listeners of `in` that `notin` has not. */
static void diff_listeners(char sign, const struct config_service *in, const struct config_service *notin,
			   struct config_lines *lines)
{
	char text[ADDRESS_TEXT_LEN];

	for (size_t i = 0; i < in->listener_count; i++) {
		const struct config_listener *listener = &in->listeners[i];

		if (!config_diff_has_listener(notin, listener))
			config_lines_add(lines, "%c listener %s/%s of %s", sign,
					 endpoint_format(&listener->addr, listener->port, text),
					 protocol_name(listener->protocol), in->name);
	}
}

static const struct config_backend *find_backend(const struct config_version *version,
						 const struct config_backend *like)
{
	for (size_t i = 0; i < version->backend_count; i++) {
		const struct endpoint *endpoint = &version->backends[i].endpoint;

		if (endpoint->port == like->endpoint.port &&
		    !memcmp(&endpoint->addr, &like->endpoint.addr, sizeof(endpoint->addr)))
			return &version->backends[i];
	}
	return NULL;
}

static void list_backends(const struct config_service *service, const struct config_version *from,
			  const struct config_version *to, struct config_lines *lines)
{
	char text[ADDRESS_TEXT_LEN];

	for (size_t i = 0; i < to->backend_count; i++) {
		const struct config_backend *new = &to->backends[i], *old = find_backend(from, new);

		backend_format(&new->endpoint.addr, new->endpoint.port, text);
		if (!old && new->weight == 1)
			config_lines_add(lines, "+ backend %s of %s/%s", text, service->name, to->name);
		else if (!old)
			config_lines_add(lines, "+ backend %s of %s/%s: weight %u", text, service->name, to->name,
					 new->weight);
		else if (old->weight != new->weight)
			config_lines_add(lines, "~ backend %s of %s/%s: weight %u -> %u", text, service->name, to->name,
					 old->weight, new->weight);
	}
	for (size_t i = 0; i < from->backend_count; i++) {
		const struct config_backend *old = &from->backends[i];

		if (!find_backend(to, old))
			config_lines_add(lines, "- backend %s of %s/%s (draining)",
					 backend_format(&old->endpoint.addr, old->endpoint.port, text), service->name,
					 from->name);
	}
}

/* Of a version that was there, is there now, or both: the other has no name. */
static void diff_backends(const struct config_service *service, const struct config_version *from,
			  const struct config_version *to, struct config_lines *lines)
{
	char text[CONFIG_SOURCE_LEN];

	if (!from->name[0] && config_is_discovered(to))
		config_lines_add(lines, "+ backends of %s/%s: %s", service->name, to->name,
				 config_source_format(to, text));
	else if (!to->name[0] && config_is_discovered(from))
		config_lines_add(lines, "- backends of %s/%s: %s (draining)", service->name, from->name,
				 config_source_format(from, text));
	else if (config_diff_find_source(service, from, to, lines))
		list_backends(service, from, to, lines);
}

static const char *weight_text(const struct config_service *service, size_t version, char *buffer)
{
	int weight = service->versions[version].weight;

	if (version == service->baseline)
		return "the rest";
	return share_format(weight < 0 ? 0 : (unsigned int)weight, buffer);
}

static void diff_versions(const struct config_service *from, const struct config_service *to,
			  struct config_lines *lines)
{
	static const struct config_version none;
	char old_weight[SHARE_TEXT_LEN], new_weight[SHARE_TEXT_LEN];

	for (size_t i = 0; i < to->version_count; i++) {
		const struct config_version *version = &to->versions[i];
		const char *weight = weight_text(to, i, new_weight), *before;
		int at = config_find_version(from, version->name);

		if (at < 0) {
			config_lines_add(lines, "+ version %s of %s: weight %s", version->name, to->name, weight);
			diff_backends(to, &none, version, lines);
			continue;
		}
		before = weight_text(from, (size_t)at, old_weight);
		if (strcmp(before, weight))
			config_lines_add(lines, "~ weight of %s/%s: %s -> %s", to->name, version->name, before, weight);
		if (from->versions[at].capacity != version->capacity)
			config_lines_add(lines, "~ capacity of %s/%s: %s -> %s", to->name, version->name,
					 share_format(from->versions[at].capacity, old_weight),
					 share_format(version->capacity, new_weight));
		diff_backends(to, &from->versions[at], version, lines);
	}
	for (size_t i = 0; i < from->version_count; i++) {
		const struct config_version *version = &from->versions[i];

		if (config_find_version(to, version->name) >= 0)
			continue;
		config_lines_add(lines, "- version %s of %s", version->name, from->name);
		diff_backends(from, version, &none, lines);
	}
}

static const char *affinity_text(const struct config_service *service, char buffer[64])
{
	if (service->affinity == SERIN_AFFINITY_FLOW)
		return "flow";
	if (service->prefix4 == 32 && service->prefix6 == 64)
		return "source";
	snprintf(buffer, 64, "source {ipv4: %u, ipv6: %u}", service->prefix4, service->prefix6);
	return buffer;
}

static const char *rate_text(unsigned int rate, char buffer[32])
{
	if (!rate)
		return "any number";
	snprintf(buffer, 32, "%u/s", rate);
	return buffer;
}

static bool same_rules(const struct config_service *a, const struct config_service *b)
{
	if (a->rules.count != b->rules.count)
		return false;
	for (size_t i = 0; i < a->rules.count; i++) {
		const struct config_rule *x = &a->rules.items[i], *y = &b->rules.items[i];

		if (x->prefix.bits != y->prefix.bits ||
		    memcmp(&x->prefix.addr, &y->prefix.addr, sizeof(x->prefix.addr)) ||
		    strcmp(a->versions[x->version].name, b->versions[y->version].name))
			return false;
	}
	return true;
}

static void diff_rules(const struct config_service *from, const struct config_service *to, struct config_lines *lines)
{
	if (!to->version_count || same_rules(from, to))
		return;
	if (from->rules.count == to->rules.count)
		config_lines_add(lines, "~ rules of %s: %zu, others than before", to->name, to->rules.count);
	else
		config_lines_add(lines, "~ rules of %s: %zu -> %zu", to->name, from->rules.count, to->rules.count);
}

void config_diff_words(const char *what, const struct config_service *of, const char *from, const char *to,
		       struct config_lines *lines)
{
	if (strcmp(from, to))
		config_lines_add(lines, "~ %s of %s: %s -> %s", what, of->name, from, to);
}

/* Keys of a service that was there before. */
static void diff_keys(const struct config_service *from, const struct config_service *to, struct config_lines *lines)
{
	char old_text[64], new_text[64];

	config_diff_words("protocol", to, config_protocol_name(from), config_protocol_name(to), lines);
	config_diff_words("affinity", to, affinity_text(from, old_text), affinity_text(to, new_text), lines);
	config_diff_words("baseline", to, from->versions[from->baseline].name, to->versions[to->baseline].name, lines);
	config_diff_words("max_new_flows", to, rate_text(from->max_new, old_text), rate_text(to->max_new, new_text),
			  lines);
	config_diff_seconds("drain_timeout of ", to->name, from->drain_timeout, to->drain_timeout, lines);
	config_diff_words("on_rollback", to, config_flows_name(from->on_rollback), config_flows_name(to->on_rollback),
			  lines);
	config_diff_find_health(from, to, lines);
	config_diff_find_rollout(from, to, lines);
}

/* What a service has, and that it has not any more. */
static void diff_parts(const struct config_service *from, const struct config_service *to, struct config_lines *lines)
{
	diff_listeners('+', to, from, lines);
	diff_listeners('-', from, to, lines);
	diff_versions(from, to, lines);
	diff_rules(from, to, lines);
}

static void diff_services(const struct config *from, const struct config *to, struct config_lines *lines)
{
	static const struct config_service none;

	for (size_t i = 0; i < to->service_count; i++) {
		const struct config_service *new = &to->services[i], *old = config_find_service(from, new->name);

		if (old)
			diff_keys(old, new, lines);
		else
			config_lines_add(lines, "+ service %s: forward %s, affinity %s", new->name,
					 config_forward_name(new->forward), affinity_text(new, (char[64]){ "" }));
		diff_parts(old ? old : &none, new, lines);
	}
	for (size_t i = 0; i < from->service_count; i++) {
		if (config_find_service(to, from->services[i].name))
			continue;
		config_lines_add(lines, "- service %s", from->services[i].name);
		diff_parts(&from->services[i], &none, lines);
	}
}

int config_diff_make(const struct config *from, const struct config *to, struct config_diff *ret)
{
	struct config_diff diff = { 0 };

	config_diff_find_host(from, to, &diff.changes);
	config_diff_find_refused(from, to, &diff);
	diff_services(from, to, &diff.changes);
	if (diff.changes.incomplete || diff.refused.incomplete) {
		config_diff_free(&diff);
		return -ENOMEM;
	}
	*ret = diff;
	return 0;
}
