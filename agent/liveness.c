/* SPDX-License-Identifier: BSD-2-Clause */
/* Evidence about backends comes in here, goes through the state machine of each, and comes out as rings to be built. */
#include "liveness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "decision.h"
#include "ring.h"

#define AGAIN_MS 1000
#define TICK_MS 100   /* as long as somebody is out, suspect, or on its way back */
#define PROBE_MS 250  /* of the agent's own, after a client's handshake has failed */
#define MOST 256u     /* records of the kernel's in one turn of the loop */
#define TRIAL_MS 1000 /* a trial connection's time, where no checks are configured */

struct liveness {
	struct liveness_options options;
	struct checker *checker;
	struct loop_source *ticks, *news;
	bool ticking;
	const struct config_service *config[SERIN_MAX_SERVICES]; /* by id; NULL: not at work */
	bool known[SERIN_MAX_BACKENDS];
	int64_t weighed_ms[SERIN_MAX_BACKENDS]; /* suspect: when that was last weighed; else 0 */
	struct health health[SERIN_MAX_BACKENDS];
	bool changed[SERIN_MAX_SERVICES];
	uint8_t probed
		[SERIN_MAX_BACKENDS]; /* failures in a row, the probes' own among them; 0: no probe is under way */
	struct log_limit limit;
};

static const struct serin_backend *backend_of(const struct liveness *liveness, unsigned int id)
{
	return &liveness->options.image->backends[id];
}

/* NULL: not configured, or of a service that is not looked after. */
static const struct config_service *config_of(const struct liveness *liveness, unsigned int id)
{
	const struct serin_backend *backend = backend_of(liveness, id);

	if ((backend->flags & (SERIN_BACKEND_USED | SERIN_BACKEND_LEAVING)) != SERIN_BACKEND_USED)
		return NULL;
	return liveness->config[backend->service % SERIN_MAX_SERVICES];
}

static struct health_rules rules_of(const struct config_service *config)
{
	bool udp = config->protocol == IPPROTO_UDP;

	return (struct health_rules){
		.comes_back = config->health.check != CONFIG_CHECK_OFF ? HEALTH_BY_CHECKS
			      : udp                                    ? HEALTH_BY_TIME
								       : HEALTH_BY_TRIAL,
		.fall = config->health.fall,
		.rise = config->health.rise,
		.slow_start_ms = config->slow_start,
	};
}

static bool is_watched(const struct config_service *config)
{
	return config->health.passive || config->health.check != CONFIG_CHECK_OFF;
}

static void wake(struct liveness *liveness)
{
	if (liveness->ticking || !liveness->ticks)
		return;
	liveness->ticking = !loop_set_timer(liveness->ticks, TICK_MS, TICK_MS);
}

/* Not at once: what else is known by the end of this turn of the loop makes the same ring. */
static void must_build(struct liveness *liveness, unsigned int service)
{
	liveness->changed[service % SERIN_MAX_SERVICES] = true;
	if (liveness->news)
		loop_set_timer(liveness->news, 0, 0);
}

static void tell(const struct liveness *liveness, unsigned int id, enum health_change change, const char *evidence)
{
	const struct serin_backend *backend = backend_of(liveness, id);
	const struct serin_service *service = &liveness->options.image->services[backend->service];
	const char *version = service->version[backend->version % SERIN_MAX_VERSIONS];
	bool out = change == HEALTH_WENT_OUT;
	char address[ADDRESS_TEXT_LEN], text[EVENT_TEXT_LEN];

	backend_format(&backend->addr, backend->port, address);
	snprintf(text, sizeof(text), "%s: backend %s of %s %s: %s", service->name, address, version,
		 out ? "is out" : "is back", evidence);
	decision_make(out ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, EVENT_BACKEND, out ? "backend out" : "backend back", text,
		      log_text("service", service->name), log_text("version", version), log_text("backend", address),
		      log_text("evidence", evidence));
}

/* ---- checks ----------------------------------------------------------------------------------------------------- */

/* Whether there is one now. */
static bool set_check(struct liveness *liveness, unsigned int id, const struct config_service *config,
		      unsigned int once_ms)
{
	static const struct serin_addr loopback = { .word = { 0, 0, __builtin_bswap32(0xffff),
							      __builtin_bswap32(0x7f000001) } };
	const struct serin_backend *backend = backend_of(liveness, id);
	const struct config_health *health = &config->health;
	struct check check = {
		.kind = health->check == CONFIG_CHECK_HTTP && !once_ms ? CHECK_HTTP : CHECK_TCP,
		.endpoint = { .addr = backend->addr, .port = backend->port },
		.path = health->path,
		.host = *health->host ? health->host : NULL,
		.status_first = health->status_low,
		.status_last = health->status_high,
		.every_ms = once_ms ? 0 : health->every,
		.timeout_ms = once_ms ? once_ms : health->timeout,
	};
	unsigned int kept_back;
	int r;

	if (config->forward == SERIN_FORWARD_LOCAL)
		check.endpoint.addr = loopback;
	if (health->port)
		check.endpoint.port = htons(health->port);
	r = checker_set(liveness->checker, id, &check);
	if (r && log_allowed(&liveness->limit, loop_now_ms(), 60000, &kept_back))
		log_error("a backend cannot be checked", log_text("error", strerror(-r)),
			  log_number("kept_back", kept_back));
	return !r;
}

static void react(struct liveness *liveness, unsigned int id, enum health_change change, const char *evidence)
{
	const struct config_service *config = config_of(liveness, id);

	if (change == HEALTH_TRY && config && !set_check(liveness, id, config, TRIAL_MS))
		health_untried(&liveness->health[id], loop_now_ms());
	if (change != HEALTH_WENT_OUT && change != HEALTH_CAME_BACK)
		return;
	tell(liveness, id, change, evidence);
	must_build(liveness, backend_of(liveness, id)->service);
	wake(liveness);
}

/* Whether a version has a live backend may hang on a suspect. Weighed when that begins and ends, and with further strikes once
 * in a while, since the version may have got a share meanwhile; not with each, since clients go on failing by the thousand. */
static void weigh(struct liveness *liveness, unsigned int id, bool struck)
{
	bool suspect = liveness->health[id].suspect;
	int64_t now = loop_now_ms(), *weighed = &liveness->weighed_ms[id];

	if (suspect == (*weighed != 0) && !(suspect && struck && now - *weighed >= AGAIN_MS))
		return;
	*weighed = suspect ? now : 0;
	must_build(liveness, backend_of(liveness, id)->service);
}

/* What failed handshakes of clients or of probes make of it. */
static void strike(struct liveness *liveness, unsigned int id, const struct config_service *config,
		   enum health_reason why, const char *evidence)
{
	const struct serin_backend *backend = backend_of(liveness, id);
	struct health_tally tally;

	liveness_count(liveness, backend->service, backend->version, &tally);
	react(liveness, id,
	      health_struck(&liveness->health[id], why, health_may_eject(&tally, config->max_ejected), loop_now_ms()),
	      evidence);
	weigh(liveness, id, true);
	wake(liveness);
}

/* A client's first failed handshake: with few clients the next one may take long, so the agent knocks itself. */
static void probe(struct liveness *liveness, unsigned int id, const struct config_service *config)
{
	if (config->health.check != CONFIG_CHECK_OFF || config->protocol != IPPROTO_TCP || liveness->probed[id] ||
	    liveness->health[id].state != HEALTH_UP)
		return;
	liveness->probed[id] = set_check(liveness, id, config, PROBE_MS);
}

static void probe_ended(struct liveness *liveness, unsigned int id, const struct config_service *config,
			const struct check_result *result)
{
	char evidence[CHECK_TEXT_LEN + 64];

	if (result->verdict != CHECK_FAILED) {
		liveness->probed[id] = 0;
	} else if (++liveness->probed[id] < SERIN_STRIKES_OUT) {
		if (!set_check(liveness, id, config, PROBE_MS))
			liveness->probed[id] = 0;
	} else {
		snprintf(evidence, sizeof(evidence), "%s, a client's handshake and %u of our own in a row",
			 result->text, SERIN_STRIKES_OUT - 1);
		liveness->probed[id] = 0;
		strike(liveness, id, config, result->why, evidence);
	}
}

/* Of checks in a row; what hangs on their row is looked at again. */
static bool row_broke(const struct health *before, const struct health *now)
{
	return before->state == now->state &&
	       (now->state == HEALTH_UP ? before->fails && !now->fails : before->passes && !now->passes);
}

static void checked(void *context, unsigned int id, const struct check_result *result)
{
	struct liveness *liveness = context;
	const struct config_service *config = config_of(liveness, id);
	struct health *health = &liveness->health[id], before = *health;
	struct health_rules rules;

	if (!config)
		return;
	rules = rules_of(config);
	if (liveness->probed[id] && health->state == HEALTH_UP) {
		probe_ended(liveness, id, config, result);
		return;
	}
	liveness->probed[id] = 0;
	/* Of this host's doing: a trial is made again, a check comes again by itself. */
	if (result->verdict == CHECK_IMPOSSIBLE)
		health_untried(health, loop_now_ms());
	else
		react(liveness, id,
		      health_checked(health, &rules, result->verdict == CHECK_PASSED, result->why, loop_now_ms()),
		      result->text);
	if (row_broke(&before, health))
		must_build(liveness, backend_of(liveness, id)->service);
	wake(liveness);
}

/* ---- strikes ---------------------------------------------------------------------------------------------------- */

static enum health_reason reason_of(unsigned int failure)
{
	switch (failure) {
	case SERIN_FAILURE_REFUSED:
		return HEALTH_REFUSED;
	case SERIN_FAILURE_UNREACHABLE:
		return HEALTH_UNREACHABLE;
	default:
		return HEALTH_TIMEOUT;
	}
}

static void struck(struct liveness *liveness, const struct serin_verdict *verdict)
{
	unsigned int id = verdict->backend % SERIN_MAX_BACKENDS;
	const struct config_service *config = config_of(liveness, id);
	enum health_reason why = reason_of(verdict->why);
	char evidence[128];

	if (!config || !config->health.passive)
		return;
	if (verdict->count < SERIN_STRIKES_OUT) {
		probe(liveness, id, config);
		return;
	}
	snprintf(evidence, sizeof(evidence), "%s, %u %s in a row", health_reason_words(why), verdict->count,
		 config->protocol == IPPROTO_UDP ? "conversations" : "handshakes");
	strike(liveness, id, config, why, evidence);
}

static void verdict_came(void *context, const struct serin_verdict *verdict)
{
	struct liveness *liveness = context;

	if (verdict->kind == SERIN_VERDICT_STRUCK)
		struck(liveness, verdict);
	else if (verdict->kind == SERIN_VERDICT_TRIPPED && liveness->options.tripped)
		liveness->options.tripped(liveness->options.context, verdict->place);
}

static void ring_is_filled(void *context)
{
	struct liveness *liveness = context;
	unsigned int kept_back;
	int r = datapath_read_verdicts(liveness->options.datapath, MOST);

	if (r && log_allowed(&liveness->limit, loop_now_ms(), 60000, &kept_back))
		log_error("cannot read the kernel's verdicts", log_text("error", strerror(-r)),
			  log_number("kept_back", kept_back));
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

/* Whether there is anything left to wait for. */
static bool tick_one(struct liveness *liveness, unsigned int id, const struct config_service *config, int64_t now)
{
	struct health_rules rules = rules_of(config);
	struct health *health = &liveness->health[id];
	int64_t next = health_next_ms(health, &rules, now);

	if (next <= now)
		react(liveness, id, health_tick(health, &rules, now), "it is given another try");
	weigh(liveness, id, false);
	if (liveness->options.image->absent[id] != RING_ABSENT - health_share(health, &rules, now))
		must_build(liveness, backend_of(liveness, id)->service);
	return next != INT64_MAX || health->state == HEALTH_TRYING;
}

static void tick(void *context)
{
	struct liveness *liveness = context;
	const struct config_service *config;
	int64_t now = loop_now_ms();
	bool waiting = false;

	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++) {
		config = liveness->known[id] ? config_of(liveness, id) : NULL;
		if (config && tick_one(liveness, id, config, now))
			waiting = true;
	}
	if (!waiting) {
		loop_stop_timer(liveness->ticks);
		liveness->ticking = false;
	}
}

static void build(void *context)
{
	struct liveness *liveness = context;

	for (unsigned int i = 0; i < SERIN_MAX_SERVICES; i++) {
		if (!liveness->changed[i])
			continue;
		liveness->changed[i] = liveness->options.changed(liveness->options.context, i) != 0;
		if (liveness->changed[i])
			loop_set_timer(liveness->news, AGAIN_MS, 0);
	}
}

/* ---- for the controller ----------------------------------------------------------------------------------------- */

void liveness_forget(struct liveness *liveness, unsigned int id)
{
	if (liveness->checker)
		checker_remove(liveness->checker, id);
	liveness->health[id] = (struct health){ .state = HEALTH_UP };
	liveness->known[id] = false;
	liveness->weighed_ms[id] = 0;
	liveness->probed[id] = 0;
}

/* One that the cap has kept, or too few strikes so far, while another agent looked on: what that knew is found out anew. */
static void look_again(struct liveness *liveness, unsigned int id, const struct config_service *config)
{
	uint32_t strikes = 0;

	if (config->health.passive && !datapath_read_strikes(liveness->options.datapath, id, &strikes) && strikes)
		probe(liveness, id, config);
}

static void follow_one(struct liveness *liveness, unsigned int id, const struct config_service *config)
{
	struct health *health = &liveness->health[id];
	struct health_rules rules = rules_of(config);
	bool is_new = !liveness->known[id];

	if (is_new && backend_of(liveness, id)->flags & SERIN_BACKEND_EJECTED)
		health_found_out(health, loop_now_ms());
	liveness->known[id] = true;
	if (!is_watched(config))
		react(liveness, id, health_forgive(health, &rules, loop_now_ms()),
		      "nobody is to look after it any more");
	if (config->health.check != CONFIG_CHECK_OFF || !config->health.passive)
		liveness->probed[id] = 0;
	if (config->health.check != CONFIG_CHECK_OFF)
		set_check(liveness, id, config, 0);
	else if (health->state != HEALTH_TRYING && !liveness->probed[id])
		checker_remove(liveness->checker, id);
	if (is_new)
		look_again(liveness, id, config);
}

void liveness_follow(struct liveness *liveness, const struct service *services, size_t count)
{
	const struct config_service *config;

	memset(liveness->config, 0, sizeof(liveness->config));
	for (size_t i = 0; i < count; i++)
		liveness->config[services[i].id] = services[i].config;
	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++) {
		config = config_of(liveness, id);
		if (config)
			follow_one(liveness, id, config);
		else if (liveness->known[id])
			liveness_forget(liveness, id);
	}
	wake(liveness);
}

void liveness_mark(const struct liveness *liveness, struct image *image)
{
	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++) {
		const struct config_service *config = liveness->known[id] ? config_of(liveness, id) : NULL;
		const struct health *health = &liveness->health[id];
		struct health_rules rules;

		if (!config)
			continue;
		rules = rules_of(config);
		image->backends[id].flags &= (__u8)~SERIN_BACKEND_EJECTED;
		image->backends[id].flags |= health->state == HEALTH_UP ? 0 : SERIN_BACKEND_EJECTED;
		image->absent[id] = (uint16_t)(RING_ABSENT - health_share(health, &rules, loop_now_ms()));
	}
}

void liveness_measure(const struct liveness *liveness, struct checker_figures *ret)
{
	checker_measure(liveness->checker, ret);
}

const struct health *liveness_of(const struct liveness *liveness, unsigned int id)
{
	return &liveness->health[id];
}

void liveness_count(const struct liveness *liveness, unsigned int service, unsigned int version,
		    struct health_tally *ret)
{
	*ret = (struct health_tally){ 0 };
	for (unsigned int id = 0; id < SERIN_MAX_BACKENDS; id++) {
		const struct serin_backend *backend = backend_of(liveness, id);

		if (config_of(liveness, id) && backend->service == service && backend->version == version)
			health_count(ret, &liveness->health[id],
				     backend->flags & SERIN_BACKEND_DRAINED ? 0 : backend->weight);
	}
}

int liveness_open(const struct liveness_options *options, struct liveness **ret, struct complaint *complaint)
{
	struct liveness *liveness = calloc(1, sizeof(*liveness));
	int r;

	if (!liveness)
		return complain(complaint, -ENOMEM, "not enough memory for the backends' health");
	liveness->options = *options;
	r = datapath_open_verdicts(options->datapath, verdict_came, liveness, complaint);
	if (r) {
		free(liveness);
		return r;
	}
	*ret = liveness;
	return 0;
}

struct liveness *liveness_close(struct liveness *liveness)
{
	if (!liveness)
		return NULL;
	checker_free(liveness->checker);
	free(liveness);
	return NULL;
}

int liveness_add_to_loop(struct liveness *liveness, struct loop *loop)
{
	int r;

	r = checker_new(loop, checked, liveness, &liveness->checker);
	if (!r)
		r = loop_add_timer(loop, tick, liveness, &liveness->ticks);
	if (!r)
		r = loop_add_timer(loop, build, liveness, &liveness->news);
	if (!r)
		r = loop_add_fd(loop, datapath_verdicts_fd(liveness->options.datapath), ring_is_filled, liveness, NULL);
	return r;
}
