/* SPDX-License-Identifier: BSD-2-Clause */
/* What metrics say of versions: shares, clients that were failed, HTTP, and how long handshakes and answers took. */
#include "figures_json.h"
#include "histogram.h"
#include "metrics_text.h"

/* Bounds in seconds as OpenMetrics wants them spelled: in the other format they must be the same, or changing the format
 * would make other series. */
static const char *const bounds[SERIN_HISTOGRAM_BOUND_COUNT + 1] = {
	"0.001", "0.002", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf",
};

typedef char labels_t[METRICS_LABELS_LEN];

static void print_shares(struct metrics_out *out, const struct metrics *metrics, labels_t *labels)
{
	size_t i;

	metrics_head(out, "serin_weight_ratio", "gauge", "Share of new clients that a version is set to.");
	for (i = 0; i < metrics->version_count; i++)
		metrics_real(out, "serin_weight_ratio", labels[i], metrics->versions[i].weight);
	metrics_head(out, "serin_measured_ratio", "gauge",
		     "Share of connections that a version got since its weight changed, over a minute at most.");
	for (i = 0; i < metrics->version_count; i++) {
		if (metrics->versions[i].is_measured)
			metrics_real(out, "serin_measured_ratio", labels[i], metrics->versions[i].measured);
	}
}

static void print_incidents(struct metrics_out *out, const struct metrics *metrics, labels_t *labels)
{
	metrics_head(out, "serin_incident_clients_total", "counter",
		     "Clients that a version failed, each once per generation of the plan.");
	for (size_t i = 0; i < metrics->version_count; i++)
		metrics_count(out, "serin_incident_clients_total", labels[i], NULL, NULL,
			      metrics->versions[i].incidents);
}

static void print_responses(struct metrics_out *out, const struct metrics *metrics, labels_t *labels)
{
	const char *const name = "serin_http_responses_total";

	metrics_head(out, name, "counter", "HTTP answers, by class; \"unread\": the status line could not be read.");
	for (size_t i = 0; i < metrics->version_count; i++) {
		const struct metrics_version *version = &metrics->versions[i];

		for (unsigned int j = 0; version->is_http && j < SERIN_HTTP_CLASSES; j++)
			metrics_count(out, name, labels[i], "code", figures_class_name(j),
				      version->observed->classes[j]);
	}
}

/* A counter that appears with its first event hides it from rate(). */
static bool is_usual(unsigned int error)
{
	return error == 0 || (error >= 2 && error <= 4);
}

static void print_server_errors(struct metrics_out *out, const struct metrics *metrics, labels_t *labels)
{
	const char *const name = "serin_http_server_errors_total";
	char code[8];

	metrics_head(out, name, "counter",
		     "HTTP answers with a 5xx, by their status: the usual ones, and others as far as there were any.");
	for (size_t i = 0; i < metrics->version_count; i++) {
		const struct metrics_version *version = &metrics->versions[i];

		for (unsigned int j = 0; version->is_http && j < SERIN_HTTP_SERVER_ERRORS; j++) {
			if (is_usual(j) || version->observed->server_errors[j])
				metrics_count(out, name, labels[i], "code", figures_server_error_name(j, code),
					      version->observed->server_errors[j]);
		}
	}
}

static void print_methods(struct metrics_out *out, const struct metrics *metrics, labels_t *labels)
{
	const char *const name = "serin_http_requests_total";

	metrics_head(out, name, "counter", "HTTP requests, by method.");
	for (size_t i = 0; i < metrics->version_count; i++) {
		const struct metrics_version *version = &metrics->versions[i];

		for (unsigned int j = 0; version->is_http && j < SERIN_HTTP_METHODS; j++)
			metrics_count(out, name, labels[i], "method", figures_method_name(j),
				      version->observed->methods[j]);
	}
}

static void print_histogram(struct metrics_out *out, const char *const names[3], const char *labels,
			    const struct serin_histogram *histogram)
{
	struct histogram_sums sums;

	histogram_sum_up(histogram, &sums);
	for (unsigned int i = 0; i < SERIN_HISTOGRAM_BOUND_COUNT; i++)
		metrics_count(out, names[0], labels, "le", bounds[i], sums.upto[i]);
	metrics_count(out, names[0], labels, "le", bounds[SERIN_HISTOGRAM_BOUND_COUNT], sums.count);
	metrics_real(out, names[1], labels, sums.seconds);
	metrics_count(out, names[2], labels, NULL, NULL, sums.count);
}

#define HISTOGRAM(name) { name "_bucket", name "_sum", name "_count" }

static void print_times(struct metrics_out *out, const struct metrics *metrics, labels_t *labels)
{
	static const char *const handshake[3] = HISTOGRAM("serin_handshake_seconds");
	static const char *const response[3] = HISTOGRAM("serin_response_seconds");
	size_t i;

	metrics_head(out, "serin_handshake_seconds", "histogram", "From a client's SYN to its backend's SYN-ACK.");
	for (i = 0; i < metrics->version_count; i++)
		print_histogram(out, handshake, labels[i], &metrics->versions[i].observed->handshake);
	metrics_head(out, "serin_response_seconds", "histogram",
		     "From the last byte of a request to the first one of its answer.");
	for (i = 0; i < metrics->version_count; i++)
		print_histogram(out, response, labels[i], &metrics->versions[i].observed->response);
}

void metrics_print_versions(struct metrics_out *out, const struct metrics *metrics, labels_t *labels)
{
	print_shares(out, metrics, labels);
	print_incidents(out, metrics, labels);
	print_responses(out, metrics, labels);
	print_server_errors(out, metrics, labels);
	print_methods(out, metrics, labels);
	print_times(out, metrics, labels);
}
