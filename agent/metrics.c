/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics: the families that neither backends nor versions have, and the order of all. */
#include "metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics_text.h"

/* What a newcomer can take the place of. */
static const struct {
	enum serin_way_state state;
	const char *label;
} evictable[] = {
	{ SERIN_WAY_EMBRYONIC, "embryonic" },
	{ SERIN_WAY_ESTABLISHED, "established" },
	{ SERIN_WAY_HALF_CLOSED, "half_closed" },
	{ SERIN_WAY_CLOSED, "closed" },
};

static const char *const drop_labels[] = {
#define DROP_LABEL(upper, label, text) #label,
	SERIN_DROP_REASONS(DROP_LABEL)
#undef DROP_LABEL
};

static void print_services(struct metrics_out *out, const struct metrics *metrics)
{
	metrics_head(out, "serin_plan_generation", "gauge", "Generation of a service's plan.");
	for (size_t i = 0; i < metrics->service_count; i++) {
		char labels[METRICS_LABELS_LEN] = "";

		metrics_add_label(labels, "service", metrics->services[i].service);
		metrics_count(out, "serin_plan_generation", labels, NULL, NULL, metrics->services[i].generation);
	}
}

static void print_drops(struct metrics_out *out, const struct metrics *metrics)
{
	metrics_head(out, "serin_drops_total", "counter", "Packets to a service that were dropped.");
	for (size_t i = 0; i < SERIN_DROPS; i++)
		metrics_count(out, "serin_drops_total", NULL, "reason", drop_labels[i], metrics->drops[i]);
}

static void print_counter(struct metrics_out *out, const char *name, const char *help, uint64_t value)
{
	metrics_head(out, name, "counter", help);
	metrics_count(out, name, NULL, NULL, NULL, value);
}

static void print_table(struct metrics_out *out, const struct metrics *metrics)
{
	const struct serin_table_stats *table = &metrics->table;
	size_t i;

	metrics_head(out, "serin_flow_table_ways", "gauge", "Places of the flow table; a connection takes two.");
	metrics_count(out, "serin_flow_table_ways", NULL, NULL, NULL, metrics->flow_table_ways);
	if (metrics->is_swept) {
		metrics_head(out, "serin_flow_table_entries", "gauge",
			     "Connections in the flow table, by the last sweep over it; ended ones linger.");
		metrics_count(out, "serin_flow_table_entries", NULL, NULL, NULL, metrics->flows);
		metrics_head(out, "serin_flow_table_sweep_seconds", "gauge",
			     "How long that sweep took, pauses included.");
		metrics_real(out, "serin_flow_table_sweep_seconds", NULL, metrics->sweep_seconds);
	}
	metrics_head(out, "serin_flow_evictions_total", "counter",
		     "Places taken for a new connection, by what was there.");
	for (i = 0; i < sizeof(evictable) / sizeof(evictable[0]); i++)
		metrics_count(out, "serin_flow_evictions_total", NULL, "state", evictable[i].label,
			      table->evicted[evictable[i].state]);
	metrics_count(out, "serin_flow_evictions_total", NULL, "state", "expired", table->expired);
	print_counter(out, "serin_snat_ports_retaken_total",
		      "SNAT ports taken from an embryonic or finished connection.", table->ports_retaken);
	print_counter(out, "serin_snat_ports_unrested_total", "SNAT ports given out again before their rest was over.",
		      table->ports_unrested);
	print_counter(out, "serin_flow_lost_races_total", "Connections that another CPU had opened at the same moment.",
		      table->lost_races);
	print_counter(out, "serin_flows_unremembered_packets_total",
		      "Packets of one-way modes sent without a place in the flow table.", table->unremembered);
	print_counter(out, "serin_flows_emptied_total",
		      "Connections ended to empty a backend: reset on both sides, or let move (UDP).",
		      metrics->flows_emptied);
	print_counter(out, "serin_rst_sent_total", "Resets sent by the program in answer to a segment.",
		      table->rst_sent);
	print_counter(out, "serin_icmp_sent_total", "ICMP errors sent: too big, or time exceeded.", table->icmp_sent);
	print_counter(out, "serin_incident_clients_forgotten_total",
		      "Clients of incidents that gave way to others: they would be counted again.", table->forgotten);
	print_counter(out, "serin_slow_clients_forgotten_total",
		      "Slow clients that gave way to others: they would be counted again.", table->forgotten_slow);
}

static void print_notices(struct metrics_out *out, const struct outbox_figures *notices)
{
	metrics_head(out, "serin_notifications_total", "counter", "What became of notifications, and of their file.");
	for (unsigned int i = 0; i < OUTBOX_FATE_COUNT; i++)
		metrics_count(out, "serin_notifications_total", NULL, "fate", outbox_fate_name((enum outbox_fate)i),
			      notices->fates[i]);
	metrics_head(out, "serin_notifications_waiting", "gauge", "Notifications that no receiver has taken yet.");
	metrics_count(out, "serin_notifications_waiting", NULL, NULL, NULL, notices->pending);
	metrics_head(out, "serin_notifications_oldest_seconds", "gauge", "How long the oldest of them has waited.");
	metrics_count(out, "serin_notifications_oldest_seconds", NULL, NULL, NULL, (uint64_t)notices->oldest_s);
}

static void print_checks(struct metrics_out *out, const struct checker_figures *checks)
{
	static const char *const results[] = {
		[CHECK_PASSED] = "passed",
		[CHECK_FAILED] = "failed",
		[CHECK_IMPOSSIBLE] = "impossible",
	};

	metrics_head(out, "serin_health_checks_total", "counter",
		     "Checks of backends by result; impossible is for want of something of this host's.");
	for (unsigned int i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		metrics_count(out, "serin_health_checks_total", NULL, "result", results[i], checks->results[i]);
	metrics_head(out, "serin_health_check_late_seconds", "gauge", "How long the next check has been due.");
	metrics_real(out, "serin_health_check_late_seconds", NULL, (double)checks->late_ms / 1000);
}

static void print_agent(struct metrics_out *out, const struct metrics *metrics)
{
	char labels[METRICS_LABELS_LEN] = "", abi[16];

	metrics_head(out, "serin_agent_tick_seconds", "gauge", "How long the agent's last tick took.");
	metrics_real(out, "serin_agent_tick_seconds", NULL, metrics->tick_seconds);
	metrics_head(out, "serin_agent_start_time_seconds", "gauge",
		     "When the agent was started, in seconds since 1970: its own counters began with it.");
	metrics_count(out, "serin_agent_start_time_seconds", NULL, NULL, NULL, metrics->started);
	metrics_head(out, "serin_build_info", "info", "Always 1; the labels say what is running.");
	metrics_add_label(labels, "version", metrics->build);
	snprintf(abi, sizeof(abi), "%u", SERIN_ABI_VERSION);
	metrics_count(out, "serin_build_info", labels, "abi", abi, 1);
}

static void make_labels(const struct metrics *metrics, char (*backends)[METRICS_LABELS_LEN],
			char (*versions)[METRICS_LABELS_LEN])
{
	size_t i;

	for (i = 0; i < metrics->backend_count; i++) {
		metrics_add_label(backends[i], "service", metrics->backends[i].service);
		metrics_add_label(backends[i], "version", metrics->backends[i].version);
		metrics_add_label(backends[i], "backend", metrics->backends[i].backend);
		metrics_add_label(backends[i], "role", metrics->backends[i].role);
	}
	for (i = 0; i < metrics->version_count; i++) {
		metrics_add_label(versions[i], "service", metrics->versions[i].service);
		metrics_add_label(versions[i], "version", metrics->versions[i].version);
		metrics_add_label(versions[i], "role", metrics->versions[i].role);
	}
}

int metrics_print(const struct metrics *metrics, enum metrics_format format, char **ret_text, size_t *ret_length)
{
	struct metrics_out out = { .format = format };
	char(*backends)[METRICS_LABELS_LEN] = calloc(metrics->backend_count + 1, sizeof(*backends));
	char(*versions)[METRICS_LABELS_LEN] = calloc(metrics->version_count + 1, sizeof(*versions));
	int r = backends && versions ? 0 : -ENOMEM;

	if (r)
		goto out;
	make_labels(metrics, backends, versions);
	metrics_print_backends(&out, metrics, backends);
	metrics_print_versions(&out, metrics, versions);
	metrics_print_rollouts(&out, metrics, versions);
	print_services(&out, metrics);
	print_drops(&out, metrics);
	print_table(&out, metrics);
	print_notices(&out, &metrics->notices);
	print_checks(&out, &metrics->checks);
	print_agent(&out, metrics);
	if (format == METRICS_OPENMETRICS)
		metrics_put(&out, "# EOF\n");
	r = out.failed ? -ENOMEM : 0;
out:
	free(backends);
	free(versions);
	if (r) {
		free(out.text);
		return r;
	}
	*ret_text = out.text;
	*ret_length = out.used;
	return 0;
}
