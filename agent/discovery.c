/* SPDX-License-Identifier: BSD-2-Clause */
/* A follower per version whose backends are found elsewhere; waiting for first answers in a loop of their own. */
#include "discovery.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decision.h"
#include "listfile.h"
#include "resolver.h"

#define LOOK_MS 20 /* how often it is seen whether everybody has answered */

/* Names and files that are asked in one loop. */
struct asker {
	struct loop *loop;
	struct resolver *resolver; /* NULL: no name has been asked for yet */
	struct listfiles *files;
};

/* One version's source, its texts being its own. */
struct source {
	struct source *next;
	struct config_dns dns;
	char *path;
	struct backend_form form;
	struct resolver_name *name; /* either of the two */
	struct listfile *file;
	struct discovery *discovery; /* whom its changes are news to; NULL: nobody */
	bool troubled;               /* and that has been said */
	size_t running;              /* backends of its version when it began to be followed */
};

static const char *resolv_conf; /* NULL: the host's */

struct discovery {
	struct asker asker;
	struct source *sources;
	void (*changed)(void *context);
	void *context;
};

/* Tunnels carry either family. */
static struct backend_form form_of(const struct config_service *service)
{
	bool tunnel = service->forward == SERIN_FORWARD_IPIP || service->forward == SERIN_FORWARD_GUE;
	bool ipv4 = address_is_ipv4(&service->listeners[0].addr);

	return (struct backend_form){ .forward = service->forward, .ipv4 = tunnel || ipv4, .ipv6 = tunnel || !ipv4 };
}

static bool same_text(const char *one, const char *other)
{
	return one && other ? !strcmp(one, other) : one == other;
}

static bool is_source_of(const struct source *source, const struct config_service *service,
			 const struct config_version *version)
{
	struct backend_form form = form_of(service);

	return same_text(source->dns.name, version->dns.name) && source->dns.type == version->dns.type &&
	       source->dns.port == version->dns.port && source->dns.every == version->dns.every &&
	       same_text(source->path, version->file) && source->form.forward == form.forward &&
	       source->form.ipv4 == form.ipv4 && source->form.ipv6 == form.ipv6;
}

static const struct discovered *found_by(const struct source *source)
{
	return source->name ? resolver_found(source->name) : listfile_found(source->file);
}

static struct source *source_free(struct source *source)
{
	if (!source)
		return NULL;
	resolver_remove(source->name);
	listfile_remove(source->file);
	free(source->dns.name);
	free(source->path);
	free(source);
	return NULL;
}

static void sources_free(struct source **sources)
{
	while (*sources) {
		struct source *next = (*sources)->next;

		source_free(*sources);
		*sources = next;
	}
}

static void asker_close(struct asker *asker)
{
	resolver_free(asker->resolver);
	listfiles_free(asker->files);
	asker->resolver = NULL;
	asker->files = NULL;
}

/* The resolver starts with the first name: a host without names in its file needs no resolv.conf. */
static int ask(struct asker *asker, struct source *source, discovered_fn fn, void *context)
{
	const struct resolver_options options = { .resolv_conf = resolv_conf };
	const struct resolver_question question = {
		.name = source->dns.name,
		.type = source->dns.type == CONFIG_DNS_SRV ? RESOLVER_SRV : RESOLVER_ADDRESSES,
		.port = htons(source->dns.port),
		.every_ms = source->dns.every,
		.form = source->form,
	};
	int r = 0;

	if (source->path) {
		if (!asker->files)
			r = listfiles_new(asker->loop, &asker->files);
		return r ? r : listfile_add(asker->files, source->path, &source->form, fn, context, &source->file);
	}
	if (!asker->resolver)
		r = resolver_new(asker->loop, &options, &asker->resolver);
	return r ? r : resolver_add(asker->resolver, &question, fn, context, &source->name);
}

static int source_new(struct asker *asker, const struct config_service *service, const struct config_version *version,
		      discovered_fn fn, struct discovery *discovery, struct source **ret)
{
	struct source *source = calloc(1, sizeof(*source));
	int r = -ENOMEM;

	if (!source)
		return r;
	source->dns = version->dns;
	source->dns.name = version->dns.name ? strdup(version->dns.name) : NULL;
	source->path = version->file ? strdup(version->file) : NULL;
	source->form = form_of(service);
	source->discovery = discovery;
	source->running = version->backend_count;
	if (source->dns.name || source->path)
		r = ask(asker, source, fn, source);
	if (r) {
		source_free(source);
		return r;
	}
	*ret = source;
	return 0;
}

static struct source *find(struct source *sources, const struct config_service *service,
			   const struct config_version *version)
{
	while (sources && !is_source_of(sources, service, version))
		sources = sources->next;
	return sources;
}

/* The next version, after service i's version j, that is found elsewhere. */
static bool next_discovered(const struct config *config, size_t *i, size_t *j)
{
	for (; *i < config->service_count; (*i)++, *j = 0) {
		for (; *j < config->services[*i].version_count; (*j)++) {
			if (config_is_discovered(&config->services[*i].versions[*j]))
				return true;
		}
	}
	return false;
}

/* Said when it begins and when it is over. */
static void tell(struct source *source, const struct discovered *found)
{
	char text[EVENT_TEXT_LEN > DISCOVERED_TEXT_LEN ? EVENT_TEXT_LEN : DISCOVERED_TEXT_LEN];

	if (source->troubled == found->keeps)
		return;
	source->troubled = found->keeps;
	discovered_describe(found, source->running, loop_now_ms(), text);
	decision_make(found->keeps ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, EVENT_BACKEND,
		      found->keeps ? "backends cannot be found" : "backends are found again", text,
		      log_text("source", found->subject), log_text("state", text));
}

static void list_changed(void *context)
{
	struct source *source = context;
	struct discovery *discovery = source->discovery;

	tell(source, found_by(source));
	discovery->changed(discovery->context);
}

int discovery_follow(struct discovery *discovery, const struct config *config, struct complaint *complaint)
{
	struct source *kept = NULL, *fresh = NULL, **place, *source;
	size_t i = 0, j = 0;
	int r;

	for (; next_discovered(config, &i, &j); j++) {
		const struct config_service *service = &config->services[i];
		const struct config_version *version = &service->versions[j];

		if (find(discovery->sources, service, version) || find(fresh, service, version))
			continue;
		r = source_new(&discovery->asker, service, version, list_changed, discovery, &source);
		if (r) {
			sources_free(&fresh);
			return complain(complaint, r, "cannot ask for backends: %s", strerror(-r));
		}
		source->next = fresh;
		fresh = source;
	}
	for (i = j = 0; next_discovered(config, &i, &j); j++) {
		for (place = &discovery->sources; *place; place = &(*place)->next) {
			if (!is_source_of(*place, &config->services[i], &config->services[i].versions[j]))
				continue;
			source = *place;
			*place = source->next;
			source->next = kept;
			kept = source;
			break;
		}
	}
	sources_free(&discovery->sources);
	for (place = &kept; *place; place = &(*place)->next)
		;
	*place = fresh;
	discovery->sources = kept;
	return 0;
}

/* ---- first answers ---------------------------------------------------------------------------------------------- */

struct first_answers {
	struct asker asker;
	struct source *sources;
	int64_t until_ms;
};

static bool has_answered(const struct source *source)
{
	const struct discovered *found = found_by(source);

	return found->list.count || found->keeps;
}

static void look(void *context)
{
	struct first_answers *first = context;
	const struct source *source = first->sources;

	while (source && has_answered(source))
		source = source->next;
	if (!source || loop_now_ms() >= first->until_ms)
		loop_stop(first->asker.loop);
}

static void ignore(void *context)
{
	(void)context;
}

/* Whoever has no list yet. */
static int gather(struct first_answers *first, const struct discovery *discovery, const struct config *config)
{
	size_t i = 0, j = 0;
	int r = 0;

	for (; !r && next_discovered(config, &i, &j); j++) {
		const struct config_service *service = &config->services[i];
		const struct config_version *version = &service->versions[j];
		struct source *source = discovery ? find(discovery->sources, service, version) : NULL;

		if ((source && found_by(source)->list.count) || find(first->sources, service, version))
			continue;
		r = source_new(&first->asker, service, version, ignore, NULL, &source);
		if (r)
			break;
		source->next = first->sources;
		first->sources = source;
	}
	return r;
}

static int wait_for_first(struct first_answers *first, int patience_ms)
{
	struct loop_source *timer;
	int r;

	first->until_ms = loop_now_ms() + patience_ms;
	r = loop_add_timer(first->asker.loop, look, first, &timer);
	if (!r)
		r = loop_set_timer(timer, 0, LOOK_MS);
	return r ? r : loop_run(first->asker.loop);
}

static const struct config_version *same_version(const struct config *before, const char *service, const char *version)
{
	const struct config_service *found = before ? config_find_service(before, service) : NULL;
	int index = found ? config_find_version(found, version) : -ENOENT;

	return index < 0 ? NULL : &found->versions[index];
}

static int fill_one(const struct discovery *discovery, const struct first_answers *first, struct config *config,
		    const struct config *before, size_t i, size_t j, struct complaint *complaint)
{
	struct config_service *service = &config->services[i];
	struct config_version *version = &service->versions[j];
	struct source *source = discovery ? find(discovery->sources, service, version) : NULL;
	const struct config_version *former = same_version(before, service->name, version->name);
	const struct discovered *found = source ? found_by(source) : NULL;
	char text[CONFIG_SOURCE_LEN];

	if (!found || !found->list.count) {
		source = find(first->sources, service, version);
		found = source ? found_by(source) : NULL;
	}
	if (found && found->list.count)
		return config_set_backends(config, i, j, found->list.items, found->list.count, complaint);
	if (!before)
		return 0;
	if (former && former->backend_count)
		return config_set_backends(config, i, j, former->backends, former->backend_count, complaint);
	return complain(complaint, -EINVAL, "%.200s:%u:%u: %.200s has given no backend: %.200s", config->path,
			version->source_place.line, version->source_place.column, config_source_format(version, text),
			found && *found->trouble.text ? found->trouble.text : "no answer");
}

int discovery_fill(struct discovery *discovery, struct config *config, const struct config *before, int patience_ms,
		   struct complaint *complaint)
{
	struct first_answers first = { .sources = NULL };
	size_t i = 0, j = 0;
	int r;

	if (!next_discovered(config, &i, &j))
		return 0;
	r = loop_new(&first.asker.loop);
	if (!r && patience_ms)
		r = gather(&first, discovery, config);
	if (!r && first.sources)
		r = wait_for_first(&first, patience_ms);
	if (r)
		complain(complaint, r, "cannot ask for backends: %s", strerror(-r));
	for (; !r && next_discovered(config, &i, &j); j++)
		r = fill_one(discovery, &first, config, before, i, j, complaint);
	sources_free(&first.sources);
	asker_close(&first.asker);
	loop_free(first.asker.loop);
	return r;
}

const struct discovered *discovery_of(const struct discovery *discovery, const struct config_service *service,
				      const struct config_version *version)
{
	const struct source *source = find(discovery->sources, service, version);

	return source ? found_by(source) : NULL;
}

int discovery_open(struct loop *loop, void (*changed)(void *context), void *context, struct discovery **ret,
		   struct complaint *complaint)
{
	struct discovery *discovery = calloc(1, sizeof(*discovery));

	if (!discovery)
		return complain(complaint, -ENOMEM, "not enough memory to ask for backends");
	discovery->asker.loop = loop;
	discovery->changed = changed;
	discovery->context = context;
	*ret = discovery;
	return 0;
}

void discovery_setup(const char *path)
{
	resolv_conf = path;
}

struct discovery *discovery_close(struct discovery *discovery)
{
	if (!discovery)
		return NULL;
	sources_free(&discovery->sources);
	asker_close(&discovery->asker);
	free(discovery);
	return NULL;
}
