/* SPDX-License-Identifier: BSD-2-Clause */
/* An agent's worth of an outbox, with quick settings and a clock of the test's: started and stopped at will, asked what it
 * reports. */
#ifndef SERIN_TESTS_OUTBOX_AGENT_H
#define SERIN_TESTS_OUTBOX_AGENT_H

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "../scratch.h"
#include "outbox.h"
#include "receiver.h"

#define MANY 64

static int64_t wall = 1763920000;

static inline int64_t clock_of_test(void)
{
	return wall;
}

static const struct outbox_settings quick = {
	.timeout_ms = 300, .first_ms = 40, .longest_ms = 160, .give_up_s = 86400, .clock = clock_of_test
};

struct seen_report {
	enum outbox_fate fate;
	char service[32], key[NOTICE_KEY_LEN], text[512];
};

/* An agent's worth: made anew by each restart. */
struct agent {
	char directory[SCRATCH_LEN];
	struct loop *loop;
	struct fetcher *fetcher;
	struct outbox *outbox;
	struct loop_source *guard;
	struct seen_report reports[MANY];
	unsigned int count, wanted;
};

static inline void on_report(void *context, const struct outbox_report *report)
{
	struct agent *agent = context;
	struct seen_report *seen = &agent->reports[agent->count++ % MANY];

	seen->fate = report->fate;
	snprintf(seen->service, sizeof(seen->service), "%s", report->service ? report->service : "");
	snprintf(seen->key, sizeof(seen->key), "%s", report->key ? report->key : "");
	snprintf(seen->text, sizeof(seen->text), "%s", report->text);
	if (agent->count == agent->wanted)
		loop_stop(agent->loop);
}

static inline void on_guard(void *context)
{
	loop_stop(context);
}

static inline void agent_start(struct agent *agent)
{
	struct complaint complaint = { "" };

	assert_int_equal(loop_new(&agent->loop), 0);
	assert_int_equal(loop_add_timer(agent->loop, on_guard, agent->loop, &agent->guard), 0);
	assert_int_equal(fetcher_new(agent->loop, &agent->fetcher), 0);
	assert_int_equal(outbox_open(agent->loop, agent->fetcher, agent->directory, &quick, on_report, agent,
				     &agent->outbox, &complaint),
			 0);
	agent->count = agent->wanted = 0;
}

static inline void agent_stop(struct agent *agent)
{
	outbox_free(agent->outbox);
	fetcher_free(agent->fetcher);
	loop_free(agent->loop);
}

static inline void agent_new(struct agent *agent)
{
	memset(agent, 0, sizeof(*agent));
	assert_int_equal(scratch_directory(agent->directory), 0);
	agent_start(agent);
}

/* True when there were so many reports before `ms` were over. */
static inline bool run_until(struct agent *agent, unsigned int reports, int64_t ms)
{
	agent->wanted = reports;
	if (agent->count >= reports)
		return true;
	loop_set_timer(agent->guard, ms, 0);
	assert_int_equal(loop_run(agent->loop), 0);
	return agent->count >= reports;
}

static inline struct outbox_figures figures_of(const struct agent *agent)
{
	struct outbox_figures figures;

	outbox_measure(agent->outbox, &figures);
	return figures;
}

static inline struct notice notice_of(unsigned int step)
{
	return (struct notice){ .kind = CONFIG_NOTICE_ROLLBACK,
				.service = "shop",
				.version = "canary",
				.from = "progressing",
				.to = "rolled_back",
				.reason = "errors",
				.who = "agent",
				.at = wall,
				.rollout = 7,
				.step = step };
}

static inline int tell_all(struct agent *agent, const struct config_notify *receivers, size_t count, unsigned int step)
{
	struct notice notice = notice_of(step);
	struct complaint complaint;

	return outbox_add(agent->outbox, receivers, count, &notice, &complaint);
}

static inline void tell(struct agent *agent, char *url, unsigned int step)
{
	struct config_notify receiver = { .url = url, .on = 1 << CONFIG_NOTICE_ROLLBACK };

	assert_int_equal(tell_all(agent, &receiver, 1, step), 0);
}

#endif
