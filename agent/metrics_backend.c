/* SPDX-License-Identifier: BSD-2-Clause */
/* What metrics say of backends: one table of the counters that each of them has. */
#include "metrics_text.h"

#define MOST_LINES 5

/* A line per backend, or some with a label that tells them apart. */
struct family {
	const char *name, *help;
	const char *label; /* NULL: one line */
	size_t lines;
	struct {
		const char *value; /* of the label */
		size_t offset;     /* of a __u64 in struct serin_stats */
	} line[MOST_LINES];
};

_Static_assert(SERIN_FAILURES <= MOST_LINES, "a line for every reason");

#define STAT(field) offsetof(struct serin_stats, field)
#define FAILURE(upper, text, help) { #text, STAT(failures[SERIN_FAILURE_##upper]) },

/* clang-format off */
#define ONE(field) NULL, 1, { { NULL, STAT(field) } }
#define TWO(label, first, second, field) label, 2, { { first, STAT(field[0]) }, { second, STAT(field[1]) } }
#define BY_DIRECTION(field) TWO("direction", "to_backend", "to_client", field)
#define BY_ORIGIN(field) TWO("origin", "client", "backend", field)
#define BY_REASON "reason", SERIN_FAILURES, { SERIN_FAILURE_REASONS(FAILURE) }

static const struct family families[] = {
	{ "serin_packets_total", "Packets forwarded.", BY_DIRECTION(packets) },
	{ "serin_bytes_total", "Bytes of IP packets forwarded.", BY_DIRECTION(bytes) },
	{ "serin_connections_total", "Connections given to a backend.", ONE(opened) },
	{ "serin_handshakes_total", "Handshakes that the client completed.", ONE(established) },
	{ "serin_connections_closed_total", "Connections that ended with both FINs or a valid RST.", ONE(closed) },
	{ "serin_connections_gone_total", "Connections that ended otherwise: expired, or taken for a new one.", ONE(gone) },
	{ "serin_connections_placed_total", "Connections whose client a rule has placed.", ONE(placed) },
	{ "serin_resets_total", "Valid TCP resets, by who sent them.", BY_ORIGIN(resets) },
	{ "serin_connection_failures_total", "Turns and handshakes that a backend, or the way to it, failed.", BY_REASON },
	{ "serin_retransmits_total", "Segments of the backend whose data had been seen before.", ONE(retransmits) },
	{ "serin_requests_total", "Turns that clients have begun, handshakes not included.", ONE(asked) },
	{ "serin_responses_total", "Turns that backends have ended with an answer.", ONE(answered) },
};
/* clang-format on */

static void print_family(struct metrics_out *out, const struct family *family, const struct metrics *metrics,
			 char (*labels)[METRICS_LABELS_LEN])
{
	metrics_head(out, family->name, "counter", family->help);
	for (size_t i = 0; i < metrics->backend_count; i++) {
		const char *stats = (const char *)metrics->backends[i].stats;

		for (size_t line = 0; line < family->lines; line++)
			metrics_count(out, family->name, labels[i], family->label, family->line[line].value,
				      *(const __u64 *)(stats + family->line[line].offset));
	}
}

void metrics_print_backends(struct metrics_out *out, const struct metrics *metrics, char (*labels)[METRICS_LABELS_LEN])
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		print_family(out, &families[i], metrics, labels);
	metrics_head(out, "serin_connections_active", "gauge", "Connections that have not ended.");
	for (size_t i = 0; i < metrics->backend_count; i++)
		metrics_count(out, "serin_connections_active", labels[i], NULL, NULL, metrics->backends[i].active);
	metrics_head(out, "serin_backend_up", "gauge", "1 while it gets clients, 0 while it is out or drained.");
	for (size_t i = 0; i < metrics->backend_count; i++) {
		if (!metrics->backends[i].leaving)
			metrics_count(out, "serin_backend_up", labels[i], NULL, NULL, metrics->backends[i].up);
	}
}
