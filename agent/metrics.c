/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics text: one table of the counters that every backend has, and the few families beside it. */
#include "metrics.h"

#include <inttypes.h>

/* A line per backend, or two with a label that tells them apart. */
struct backend_family {
	const char *name, *help;
	const char *label; /* NULL: one line */
	struct {
		const char *value; /* of the label */
		size_t offset;     /* of a __u64 in struct serin_stats */
	} line[SERIN_DIRECTIONS];
};

#define STAT(field) offsetof(struct serin_stats, field)
#define BY_DIRECTION(field)                                       \
	"direction",                                              \
	{                                                         \
		{ "to_backend", STAT(field[SERIN_TO_BACKEND]) },  \
		{                                                 \
			"to_client", STAT(field[SERIN_TO_CLIENT]) \
		}                                                 \
	}
#define BY_ORIGIN(field)                                        \
	"origin",                                               \
	{                                                       \
		{ "client", STAT(field[SERIN_TO_BACKEND]) },    \
		{                                               \
			"backend", STAT(field[SERIN_TO_CLIENT]) \
		}                                               \
	}
#define ALONE(field)                               \
	NULL,                                      \
	{                                          \
		{ NULL, STAT(field) }, { NULL, 0 } \
	}

static const struct backend_family backend_families[] = {
	{ "serin_packets_total", "Packets forwarded.", BY_DIRECTION(packets) },
	{ "serin_bytes_total", "Bytes of IP packets forwarded.", BY_DIRECTION(bytes) },
	{ "serin_connections_total", "Connections given to a backend.", ALONE(opened) },
	{ "serin_handshakes_total", "Handshakes that the client completed.", ALONE(established) },
	{ "serin_connections_closed_total", "Connections that ended with both FINs or a valid RST.", ALONE(closed) },
	{ "serin_connections_gone_total", "Connections that ended otherwise: expired, or taken for a new one.",
	  ALONE(gone) },
	{ "serin_connections_placed_total", "Connections whose client a rule has placed.", ALONE(placed) },
	{ "serin_resets_total", "Valid TCP resets, by who sent them.", BY_ORIGIN(resets) },
};

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

static void print_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* `,name="value"`, or without the comma where it is the first. */
static void print_label(FILE *out, const char *separator, const char *name, const char *value)
{
	fprintf(out, "%s%s=\"", separator, name);
	for (; *value; value++) {
		if (*value == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (*value == '"' || *value == '\\')
			fputc('\\', out);
		fputc(*value, out);
	}
	fputc('"', out);
}

/* Without a closing brace. */
static void print_backend_labels(FILE *out, const char *name, const struct metrics_backend *backend)
{
	fputs(name, out);
	print_label(out, "{", "service", backend->service);
	print_label(out, ",", "version", backend->version);
	print_label(out, ",", "backend", backend->backend);
	print_label(out, ",", "role", backend->role);
}

static void print_backend_line(FILE *out, const struct backend_family *family, size_t line,
			       const struct metrics_backend *backend)
{
	const char *at = (const char *)backend->stats + family->line[line].offset;

	print_backend_labels(out, family->name, backend);
	if (family->label)
		print_label(out, ",", family->label, family->line[line].value);
	fprintf(out, "} %" PRIu64 "\n", (uint64_t)*(const __u64 *)at);
}

static void print_backend_family(FILE *out, const struct backend_family *family, const struct metrics *metrics)
{
	print_head(out, family->name, "counter", family->help);
	for (size_t i = 0; i < metrics->backend_count; i++) {
		print_backend_line(out, family, 0, &metrics->backends[i]);
		if (family->label)
			print_backend_line(out, family, 1, &metrics->backends[i]);
	}
}

static void print_active(FILE *out, const struct metrics *metrics)
{
	print_head(out, "serin_connections_active", "gauge", "Connections that have not ended.");
	for (size_t i = 0; i < metrics->backend_count; i++) {
		print_backend_labels(out, "serin_connections_active", &metrics->backends[i]);
		fprintf(out, "} %" PRIu64 "\n", metrics->backends[i].active);
	}
}

static void print_version_line(FILE *out, const char *name, const struct metrics_version *version, double value)
{
	fputs(name, out);
	print_label(out, "{", "service", version->service);
	print_label(out, ",", "version", version->version);
	print_label(out, ",", "role", version->role);
	fprintf(out, "} %.9g\n", value);
}

static void print_versions(FILE *out, const struct metrics *metrics)
{
	size_t i;

	print_head(out, "serin_weight_ratio", "gauge", "Share of new clients that a version is set to.");
	for (i = 0; i < metrics->version_count; i++)
		print_version_line(out, "serin_weight_ratio", &metrics->versions[i], metrics->versions[i].weight);
	print_head(out, "serin_measured_ratio", "gauge",
		   "Share of connections that a version got since its weight changed, over a minute at most.");
	for (i = 0; i < metrics->version_count; i++) {
		if (metrics->versions[i].is_measured)
			print_version_line(out, "serin_measured_ratio", &metrics->versions[i],
					   metrics->versions[i].measured);
	}
}

static void print_services(FILE *out, const struct metrics *metrics)
{
	print_head(out, "serin_plan_generation", "gauge", "Generation of a service's plan.");
	for (size_t i = 0; i < metrics->service_count; i++) {
		fputs("serin_plan_generation", out);
		print_label(out, "{", "service", metrics->services[i].service);
		fprintf(out, "} %" PRIu32 "\n", metrics->services[i].generation);
	}
}

static void print_drops(FILE *out, const struct metrics *metrics)
{
	print_head(out, "serin_drops_total", "counter", "Packets to a service that were dropped.");
	for (size_t i = 0; i < SERIN_DROPS; i++)
		fprintf(out, "serin_drops_total{reason=\"%s\"} %" PRIu64 "\n", drop_labels[i], metrics->drops[i]);
}

static void print_counter(FILE *out, const char *name, const char *help, uint64_t value)
{
	print_head(out, name, "counter", help);
	fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static void print_table(FILE *out, const struct metrics *metrics)
{
	const struct serin_table_stats *table = &metrics->table;
	size_t i;

	print_head(out, "serin_flow_table_ways", "gauge", "Places of the flow table; a connection takes two.");
	fprintf(out, "serin_flow_table_ways %" PRIu64 "\n", metrics->flow_table_ways);
	if (metrics->is_swept) {
		print_head(out, "serin_flow_table_entries", "gauge",
			   "Connections in the flow table, by the last sweep over it; ended ones linger.");
		fprintf(out, "serin_flow_table_entries %" PRIu64 "\n", metrics->flows);
		print_head(out, "serin_flow_table_sweep_seconds", "gauge",
			   "How long that sweep took, pauses included.");
		fprintf(out, "serin_flow_table_sweep_seconds %.9g\n", metrics->sweep_seconds);
	}
	print_head(out, "serin_flow_evictions_total", "counter",
		   "Places taken for a new connection, by what was there.");
	for (i = 0; i < sizeof(evictable) / sizeof(evictable[0]); i++)
		fprintf(out, "serin_flow_evictions_total{state=\"%s\"} %" PRIu64 "\n", evictable[i].label,
			(uint64_t)table->evicted[evictable[i].state]);
	fprintf(out, "serin_flow_evictions_total{state=\"expired\"} %" PRIu64 "\n", (uint64_t)table->expired);
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
}

static void print_agent(FILE *out, const struct metrics *metrics)
{
	print_head(out, "serin_agent_tick_seconds", "gauge", "How long the agent's last tick took.");
	fprintf(out, "serin_agent_tick_seconds %.9g\n", metrics->tick_seconds);
	print_head(out, "serin_build_info", "gauge", "Always 1; the labels say what is running.");
	fputs("serin_build_info", out);
	print_label(out, "{", "version", metrics->build);
	fprintf(out, ",abi=\"%u\"} 1\n", SERIN_ABI_VERSION);
}

void metrics_print(FILE *out, const struct metrics *metrics)
{
	for (size_t i = 0; i < sizeof(backend_families) / sizeof(backend_families[0]); i++)
		print_backend_family(out, &backend_families[i], metrics);
	print_active(out, metrics);
	print_versions(out, metrics);
	print_services(out, metrics);
	print_drops(out, metrics);
	print_table(out, metrics);
	print_agent(out, metrics);
}
