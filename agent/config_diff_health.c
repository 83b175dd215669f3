/* SPDX-License-Identifier: BSD-2-Clause */
/* The difference of two configurations in what they say about backends that die, come back, and are found elsewhere. */
#include <stdio.h>
#include <string.h>

#include "config_diff.h"
#include "scalar.h"

/* One key of two services, as words: room for the longest of them, a Host header. */
struct words {
	char text[CONFIG_CHECK_HOST_LEN];
};

static const char *number(unsigned int value, struct words *words)
{
	snprintf(words->text, sizeof(words->text), "%u", value);
	return words->text;
}

static const char *duration(unsigned int ms, struct words *words)
{
	return ms ? duration_format_ms(ms, words->text) : "off";
}

static const char *status(const struct config_health *health, struct words *words)
{
	if (health->status_low == health->status_high)
		return number(health->status_low, words);
	snprintf(words->text, sizeof(words->text), "%u-%u", health->status_low, health->status_high);
	return words->text;
}

static const char *port(const struct config_health *health, struct words *words)
{
	return health->port ? number(health->port, words) : "the backend's";
}

static const char *host(const struct config_health *health)
{
	return health->host[0] ? health->host : "the backend's";
}

static void diff_check(const struct config_service *of, const struct config_health *from,
		       const struct config_health *to, struct config_lines *lines)
{
	struct words old, new;

	config_diff_words("health.check", of, config_check_name(from->check), config_check_name(to->check), lines);
	config_diff_words("health.path", of, from->path, to->path, lines);
	config_diff_words("health.host", of, host(from), host(to), lines);
	config_diff_words("health.status", of, status(from, &old), status(to, &new), lines);
	config_diff_words("health.every", of, duration(from->every, &old), duration(to->every, &new), lines);
	config_diff_words("health.timeout", of, duration(from->timeout, &old), duration(to->timeout, &new), lines);
	config_diff_words("health.fall", of, number(from->fall, &old), number(to->fall, &new), lines);
	config_diff_words("health.rise", of, number(from->rise, &old), number(to->rise, &new), lines);
	config_diff_words("health.port", of, port(from, &old), port(to, &new), lines);
}

void config_diff_find_health(const struct config_service *from, const struct config_service *to,
			     struct config_lines *lines)
{
	struct words old, new;

	config_diff_words("health", to, from->health.passive ? "on" : "off", to->health.passive ? "on" : "off", lines);
	diff_check(to, &from->health, &to->health, lines);
	config_diff_words("max_ejected", to, share_format(from->max_ejected, old.text),
			  share_format(to->max_ejected, new.text), lines);
	config_diff_words("on_ejection", to, config_flows_name(from->on_ejection), config_flows_name(to->on_ejection),
			  lines);
	config_diff_words("slow_start", to, duration(from->slow_start, &old), duration(to->slow_start, &new), lines);
}

static bool same_text(const char *one, const char *other)
{
	return one == other || (one && other && !strcmp(one, other));
}

static bool same_source(const struct config_version *from, const struct config_version *to)
{
	return same_text(from->file, to->file) && same_text(from->dns.name, to->dns.name) &&
	       from->dns.type == to->dns.type && from->dns.port == to->dns.port;
}

bool config_diff_find_source(const struct config_service *service, const struct config_version *from,
			     const struct config_version *to, struct config_lines *lines)
{
	char old[CONFIG_SOURCE_LEN], new[CONFIG_SOURCE_LEN];
	struct words old_every, new_every;

	if (!config_is_discovered(from) && !config_is_discovered(to))
		return true;
	if (!same_source(from, to)) {
		config_lines_add(lines, "~ backends of %s/%s: from %s to %s", service->name, to->name,
				 config_source_format(from, old), config_source_format(to, new));
		return false;
	}
	if (to->dns.name && from->dns.every != to->dns.every)
		config_lines_add(lines, "~ dns.every of %s/%s: %s -> %s", service->name, to->name,
				 duration(from->dns.every, &old_every), duration(to->dns.every, &new_every));
	return to->backend_count > 0;
}
