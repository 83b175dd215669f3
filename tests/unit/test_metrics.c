/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics in both formats, read back by a parser that forgives nothing; and which format a scraper gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api_metrics_rollout.h"
#include "metrics_parser.h"

#define ABI "5"

static const struct serin_stats busy = {
	.packets = { 11, 12 },
	.bytes = { 1100, 1200 },
	.opened = 5,
	.established = 4,
	.closed = 3,
	.resets = { 1, 2 },
	.gone = 1,
	.placed = 2,
	.failures = { 21, 22, 23, 24, 25 },
	.retransmits = 26,
	.asked = 27,
	.answered = 28,
};
static const struct serin_stats idle;
static const struct serin_observed unobserved;

/* One turn of 1 ms, three in the bucket of 25 ms of which one is longer than that, one of 200 s. */
static const struct serin_observed observed = {
	.handshake = { .ns = 1500000000, .bucket = { [0] = 3 } },
	.response = { .ns = UINT64_C(200076000000),
		      .beyond = { [4] = 1 },
		      .bucket = { [87] = 1, [123] = 3, [SERIN_HISTOGRAM_BUCKETS - 1] = 1 } },
	.methods = { [SERIN_HTTP_OTHER] = 1, [SERIN_HTTP_GET] = 40 },
	.classes = { 5, 0, 30, 0, 2, 9 },
	.server_errors = { [0] = 2, [3] = 6, [31] = 1 },
};

static struct metrics make_metrics(void)
{
	static const struct metrics_backend backends[] = {
		{ "shop", "stable", "10.0.0.11:3000", "baseline", &busy, 1, true, false },
		{ "shop", "canary", "[2001:db8::21]:3000", "trial", &idle, 0, false, false },
	};
	static const struct metrics_version versions[] = {
		{ "shop", "stable", "baseline", 0.95, 0.5, true, true, 12, &observed, { { 0 } } },
		{ "shop", "canary", "trial", 0.05, 0.25, false, false, 0, &unobserved, { { 51, 52, 53 } } },
	};
	static const struct metrics_service services[] = { { "shop", 7 } };
	static const struct metrics_rollout rollouts[] = { {
		.service = "shop",
		.version = "canary",
		.phase = ROLLOUT_PAUSED,
		.pause = ROLLOUT_PAUSE_HOLD,
		.step = 2,
		.evidence = { 0.25, -1, 0 },
		.allowance = 6.5,
		.detection_seconds = 0.125,
		.is_counted = true,
		.rollbacks = { [ROLLOUT_BY_ERRORS] = 3, [ROLLOUT_BY_USER] = 1, [ROLLOUT_BY_REBOOT] = 9 },
		.trips = { [SERIN_GUARD_ERRORS] = 2, [SERIN_GUARD_CLOSED] = 9 },
		.outcomes_lost = 4,
	} };
	struct metrics metrics = {
		.backends = backends,
		.backend_count = 2,
		.versions = versions,
		.version_count = 2,
		.services = services,
		.service_count = 1,
		.rollouts = rollouts,
		.rollout_count = 1,
		.flow_table_ways = 1048576,
		.is_swept = true,
		.flows = 4321,
		.sweep_seconds = 3.25,
		.flows_emptied = 17,
		.tick_seconds = 0.0025,
		.notices = { .pending = 5, .oldest_s = 77, .fates = { [OUTBOX_DELIVERED] = 12, [OUTBOX_DROPPED] = 3 } },
		.checks = { .late_ms = 1500, .results = { 1000, 20, 1 } },
		.build = "1.0",
	};

	for (size_t i = 0; i < SERIN_DROPS; i++)
		metrics.drops[i] = 100 + i;
	for (size_t i = 0; i < 8; i++)
		metrics.table.evicted[i] = 200 + i;
	metrics.table.expired = 30;
	metrics.table.ports_retaken = 31;
	metrics.table.ports_unrested = 32;
	metrics.table.lost_races = 33;
	metrics.table.rst_sent = UINT64_C(1) << 40;
	metrics.table.icmp_sent = 34;
	metrics.table.unremembered = 35;
	metrics.table.forgotten = 36;
	metrics.table.forgotten_slow = 37;
	metrics.started = UINT64_C(1795478400);
	return metrics;
}

/* A snapshot with this backend alone. */
static struct parsed *print_with(const struct metrics_backend *backend)
{
	struct metrics metrics = make_metrics();

	metrics.backends = backend;
	metrics.backend_count = 1;
	return print_and_parse(&metrics);
}

/* A backend that was taken out of the configuration is not waited for: it has counters, but is neither up nor down. */
static void test_one_that_leaves_is_not_down(void **state)
{
	const struct metrics_backend leaves = { "shop", "canary", "10.0.0.21:3000", "trial", &busy, 1, false, true };
	struct parsed *parsed = print_with(&leaves);

	(void)state;
	assert_sample(parsed,
		      "serin_connections_active{service=\"shop\",version=\"canary\",backend=\"10.0.0.21:3000\","
		      "role=\"trial\"}",
		      1);
	for (size_t i = 0; i < parsed->sample_count; i++)
		assert_null(strstr(parsed->samples[i].key, "serin_backend_up"));
	free(parsed);
}

static void test_every_value_under_its_name(void **state)
{
	struct metrics metrics = make_metrics();
	struct parsed *parsed = print_and_parse(&metrics);

	(void)state;
#define STABLE "service=\"shop\",version=\"stable\",backend=\"10.0.0.11:3000\",role=\"baseline\""
	assert_sample(parsed, "serin_packets_total{" STABLE ",direction=\"to_backend\"}", 11);
	assert_sample(parsed, "serin_packets_total{" STABLE ",direction=\"to_client\"}", 12);
	assert_sample(parsed, "serin_bytes_total{" STABLE ",direction=\"to_backend\"}", 1100);
	assert_sample(parsed, "serin_bytes_total{" STABLE ",direction=\"to_client\"}", 1200);
	assert_sample(parsed, "serin_connections_total{" STABLE "}", 5);
	assert_sample(parsed, "serin_handshakes_total{" STABLE "}", 4);
	assert_sample(parsed, "serin_connections_closed_total{" STABLE "}", 3);
	assert_sample(parsed, "serin_connections_gone_total{" STABLE "}", 1);
	assert_sample(parsed, "serin_connections_placed_total{" STABLE "}", 2);
	assert_sample(parsed, "serin_connections_active{" STABLE "}", 1);
	assert_sample(parsed, "serin_backend_up{" STABLE "}", 1);
	assert_sample(
		parsed,
		"serin_backend_up{service=\"shop\",version=\"canary\",backend=\"[2001:db8::21]:3000\",role=\"trial\"}",
		0);
	assert_sample(parsed, "serin_connection_failures_total{" STABLE ",reason=\"refused\"}", 21);
	assert_sample(parsed, "serin_connection_failures_total{" STABLE ",reason=\"timeout\"}", 22);
	assert_sample(parsed, "serin_connection_failures_total{" STABLE ",reason=\"reset\"}", 23);
	assert_sample(parsed, "serin_connection_failures_total{" STABLE ",reason=\"unanswered\"}", 24);
	assert_sample(parsed, "serin_connection_failures_total{" STABLE ",reason=\"unreachable\"}", 25);
	assert_sample(parsed, "serin_retransmits_total{" STABLE "}", 26);
	assert_sample(parsed, "serin_requests_total{" STABLE "}", 27);
	assert_sample(parsed, "serin_responses_total{" STABLE "}", 28);
	assert_sample(parsed, "serin_incident_clients_forgotten_total", 36);
	assert_sample(parsed, "serin_slow_clients_forgotten_total", 37);
	assert_sample(parsed, "serin_agent_start_time_seconds", 1795478400);
	assert_sample(parsed, "serin_resets_total{" STABLE ",origin=\"client\"}", 1);
	assert_sample(parsed, "serin_resets_total{" STABLE ",origin=\"backend\"}", 2);
	assert_sample(parsed,
		      "serin_connections_total{service=\"shop\",version=\"canary\","
		      "backend=\"[2001:db8::21]:3000\",role=\"trial\"}",
		      0);
	assert_sample(parsed, "serin_weight_ratio{service=\"shop\",version=\"canary\",role=\"trial\"}", 0.05);
	assert_sample(parsed, "serin_measured_ratio{service=\"shop\",version=\"stable\",role=\"baseline\"}", 0.5);
	assert_sample(parsed, "serin_plan_generation{service=\"shop\"}", 7);
	assert_sample(parsed, "serin_drops_total{reason=\"no_flow\"}", 100 + SERIN_DROP_NO_FLOW);
	assert_sample(parsed, "serin_drops_total{reason=\"fragment_early\"}", 100 + SERIN_DROP_FRAGMENT_EARLY);
	assert_sample(parsed, "serin_flow_table_ways", 1048576);
	assert_sample(parsed, "serin_flow_table_entries", 4321);
	assert_sample(parsed, "serin_flow_table_sweep_seconds", 3.25);
	assert_sample(parsed, "serin_flows_emptied_total", 17);
	assert_sample(parsed, "serin_icmp_sent_total", 34);
	assert_sample(parsed, "serin_flows_unremembered_packets_total", 35);
	assert_sample(parsed, "serin_flow_evictions_total{state=\"embryonic\"}", 200 + SERIN_WAY_EMBRYONIC);
	assert_sample(parsed, "serin_flow_evictions_total{state=\"closed\"}", 200 + SERIN_WAY_CLOSED);
	assert_sample(parsed, "serin_flow_evictions_total{state=\"expired\"}", 30);
	assert_sample(parsed, "serin_snat_ports_retaken_total", 31);
	assert_sample(parsed, "serin_snat_ports_unrested_total", 32);
	assert_sample(parsed, "serin_flow_lost_races_total", 33);
	assert_sample(parsed, "serin_rst_sent_total", 1099511627776.0);
	assert_sample(parsed, "serin_agent_tick_seconds", 0.0025);
	assert_sample(parsed, "serin_notifications_total{fate=\"delivered\"}", 12);
	assert_sample(parsed, "serin_notifications_total{fate=\"late\"}", 0);
	assert_sample(parsed, "serin_notifications_total{fate=\"dropped\"}", 3);
	assert_sample(parsed, "serin_notifications_waiting", 5);
	assert_sample(parsed, "serin_notifications_oldest_seconds", 77);
	assert_sample(parsed, "serin_health_checks_total{result=\"passed\"}", 1000);
	assert_sample(parsed, "serin_health_checks_total{result=\"failed\"}", 20);
	assert_sample(parsed, "serin_health_checks_total{result=\"impossible\"}", 1);
	assert_sample(parsed, "serin_health_check_late_seconds", 1.5);
	assert_sample(parsed, "serin_build_info{version=\"1.0\",abi=\"" ABI "\"}", 1);
	free(parsed);
}

#define VERSION "service=\"shop\",version=\"stable\",role=\"baseline\""

static void test_http(void **state)
{
	struct metrics metrics = make_metrics();
	struct parsed *parsed = print_and_parse(&metrics);

	(void)state;
	assert_sample(parsed, "serin_http_responses_total{" VERSION ",code=\"2xx\"}", 30);
	assert_sample(parsed, "serin_http_responses_total{" VERSION ",code=\"5xx\"}", 9);
	assert_sample(parsed, "serin_http_responses_total{" VERSION ",code=\"unread\"}", 5);
	assert_sample(parsed, "serin_http_server_errors_total{" VERSION ",code=\"500\"}", 2);
	assert_sample(parsed, "serin_http_server_errors_total{" VERSION ",code=\"503\"}", 6);
	assert_sample(parsed, "serin_http_server_errors_total{" VERSION ",code=\"other\"}", 1);
	assert_sample(parsed, "serin_http_requests_total{" VERSION ",method=\"GET\"}", 40);
	assert_sample(parsed, "serin_http_requests_total{" VERSION ",method=\"other\"}", 1);
	assert_sample(parsed, "serin_incident_clients_total{" VERSION "}", 12);
	free(parsed);
}

static void test_histograms(void **state)
{
	struct metrics metrics = make_metrics();
	struct parsed *parsed = print_and_parse(&metrics);

	(void)state;
	assert_sample(parsed, "serin_response_seconds_bucket{" VERSION ",le=\"0.001\"}", 1);
	assert_sample(parsed, "serin_response_seconds_bucket{" VERSION ",le=\"0.002\"}", 1);
	assert_sample(parsed, "serin_response_seconds_bucket{" VERSION ",le=\"0.01\"}", 1);
	assert_sample(parsed, "serin_response_seconds_bucket{" VERSION ",le=\"0.025\"}", 3);
	assert_sample(parsed, "serin_response_seconds_bucket{" VERSION ",le=\"0.05\"}", 4);
	assert_sample(parsed, "serin_response_seconds_bucket{" VERSION ",le=\"10.0\"}", 4);
	assert_sample(parsed, "serin_response_seconds_bucket{" VERSION ",le=\"+Inf\"}", 5);
	assert_sample(parsed, "serin_response_seconds_count{" VERSION "}", 5);
	assert_sample(parsed, "serin_response_seconds_sum{" VERSION "}", 200.076);
	assert_sample(parsed, "serin_handshake_seconds_bucket{" VERSION ",le=\"0.001\"}", 3);
	assert_sample(parsed, "serin_handshake_seconds_count{" VERSION "}", 3);
	assert_sample(parsed, "serin_handshake_seconds_sum{" VERSION "}", 1.5);
	free(parsed);
}

/* The same samples, but for what OpenMetrics calls an info. */
static void test_openmetrics(void **state)
{
	struct metrics metrics = make_metrics();
	struct parsed *text = print_and_parse(&metrics);
	struct parsed *open = print_and_parse_as(&metrics, METRICS_OPENMETRICS);

	(void)state;
	assert_int_equal(text->sample_count, open->sample_count);
	for (size_t i = 0; i < text->sample_count; i++)
		assert_sample(open, text->samples[i].key, text->samples[i].value);
	assert_int_equal(text->family_count, open->family_count);
	free(text);
	free(open);
}

/* By RFC 9110; the long one is what Prometheus sends. */
static void test_format_that_is_asked_for(void **state)
{
	static const struct {
		const char *accept;
		enum metrics_format format;
	} cases[] = {
		{ NULL, METRICS_TEXT },
		{ "", METRICS_TEXT },
		{ "*/*", METRICS_TEXT },
		{ "text/html,application/xhtml+xml,*/*;q=0.8", METRICS_TEXT },
		{ "application/openmetrics-text", METRICS_OPENMETRICS },
		{ "Application/OpenMetrics-Text ; Version=1.0.0", METRICS_OPENMETRICS },
		{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
		  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  METRICS_OPENMETRICS },
		{ "text/plain;version=0.0.4;q=0.5, application/openmetrics-text; version=\"0.0.1\"; q=0.7",
		  METRICS_OPENMETRICS },
		{ "text/plain;version=0.0.4, application/openmetrics-text;q=0.7", METRICS_TEXT },
		{ "application/openmetrics-text;q=0", METRICS_TEXT },
		{ "application/openmetrics-text;version=2.0.0", METRICS_TEXT },
		{ "application/openmetrics-textual", METRICS_TEXT },
		{ ",,;q=,=", METRICS_TEXT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (metrics_choose(cases[i].accept) != cases[i].format)
			fail_msg("%s", cases[i].accept);
	}
	assert_string_equal(metrics_content_type(METRICS_TEXT), "text/plain; version=0.0.4; charset=utf-8");
	assert_string_equal(metrics_content_type(METRICS_OPENMETRICS),
			    "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

static void test_rollouts(void **state)
{
	struct metrics metrics = make_metrics();
	struct parsed *parsed = print_and_parse(&metrics);

	(void)state;
	assert_sample(parsed, "serin_rollout_phase{service=\"shop\",phase=\"paused\"}", 1);
	assert_sample(parsed, "serin_rollout_phase{service=\"shop\",phase=\"progressing\"}", 0);
	assert_sample(parsed, "serin_rollout_phase{service=\"shop\",phase=\"rolled_back\"}", 0);
	assert_sample(parsed, "serin_rollout_paused{service=\"shop\",reason=\"hold\"}", 1);
	assert_sample(parsed, "serin_rollout_paused{service=\"shop\",reason=\"user\"}", 0);
	assert_sample(parsed, "serin_rollout_step{service=\"shop\"}", 2);
#define TRIAL "service=\"shop\",version=\"canary\""
	assert_sample(parsed, "serin_evidence_ratio{" TRIAL ",check=\"errors\"}", 0.25);
	assert_sample(parsed, "serin_evidence_ratio{" TRIAL ",check=\"outcomes\"}", 0);
	assert_sample(parsed, "serin_guard_allowance{" TRIAL "}", 6.5);
	assert_sample(parsed, "serin_rollback_detection_seconds{service=\"shop\"}", 0.125);
	assert_sample(parsed, "serin_rollbacks_total{service=\"shop\",reason=\"errors\"}", 3);
	assert_sample(parsed, "serin_rollbacks_total{service=\"shop\",reason=\"user\"}", 1);
	assert_sample(parsed, "serin_rollbacks_total{service=\"shop\",reason=\"no_backend\"}", 0);
	assert_sample(parsed, "serin_outcomes_lost_total{service=\"shop\"}", 4);
	assert_sample(parsed, "serin_guard_trips_total{service=\"shop\",reason=\"errors\"}", 2);
	assert_sample(parsed, "serin_guard_trips_total{service=\"shop\",reason=\"lease\"}", 0);
	assert_sample(parsed, "serin_guard_turned_away_total{" TRIAL ",role=\"trial\",reason=\"errors\"}", 51);
	assert_sample(parsed, "serin_guard_turned_away_total{" TRIAL ",role=\"trial\",reason=\"closed\"}", 53);
	free(parsed);
}

/* As they come from the API's JSON. */
static struct metrics_rollout read_rollout(const char *json)
{
	struct metrics_rollout rollout = { .service = "shop" };
	json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);

	assert_non_null(value);
	api_rollout_metrics(value, &rollout);
	rollout.version = rollout.version ? "canary" : NULL; /* it goes with the JSON */
	json_decref(value);
	return rollout;
}

static void test_rollouts_that_are_read(void **state)
{
	struct metrics_rollout rollout;

	(void)state;
	rollout = read_rollout("{\"state\":\"progressing\",\"version\":\"canary\",\"step\":3,\"judge\":{\"checks\":{"
			       "\"errors\":{\"ratio\":0.5},\"latency\":{\"ratio\":null}}},\"guard\":{\"armed\":true,"
			       "\"allowance\":7},\"detection_seconds\":0.5,\"counts\":{\"rollbacks\":{\"latency\":4},"
			       "\"trips\":{\"errors\":5},\"outcomes_lost\":6}}");
	assert_int_equal(rollout.phase, ROLLOUT_PROGRESSING);
	assert_int_equal(rollout.step, 3);
	assert_true(rollout.version && rollout.is_counted);
	assert_true(rollout.evidence[JUDGE_ERRORS] == 0.5 && rollout.evidence[JUDGE_LATENCY] < 0);
	assert_true(rollout.evidence[JUDGE_OUTCOMES] < 0);
	assert_true(rollout.allowance == 7 && rollout.detection_seconds == 0.5);
	assert_int_equal(rollout.rollbacks[ROLLOUT_BY_LATENCY], 4);
	assert_int_equal(rollout.rollbacks[ROLLOUT_BY_ERRORS], 0);
	assert_int_equal(rollout.trips[SERIN_GUARD_ERRORS], 5);
	assert_int_equal(rollout.outcomes_lost, 6);
	rollout = read_rollout("{\"state\":\"completed\",\"version\":\"canary\",\"step\":3,\"guard\":{\"armed\":false,"
			       "\"allowance\":7}}");
	assert_int_equal(rollout.phase, ROLLOUT_COMPLETED);
	assert_int_equal(rollout.pause, ROLLOUT_NOT_PAUSED);
	assert_int_equal(rollout.step, 0);
	assert_int_equal(read_rollout("{\"state\":\"paused\",\"pause\":\"manual\"}").pause, ROLLOUT_PAUSE_MANUAL);
	assert_true(rollout.allowance < 0 && rollout.detection_seconds < 0 && !rollout.is_counted);
}

/* Nothing but zeros is known of a service without rollouts, and of one whose counts are not told not even these. */
static void test_rollouts_that_are_not_known(void **state)
{
	static const struct {
		const char *json;
		size_t samples; /* phases, pauses, the step, rollbacks, what was lost, trips */
	} cases[] = { { "null", ROLLOUT_STATES + ROLLOUT_PAUSES - 1 + 1 + ROLLOUT_CAUSES - 3 + 1 + SERIN_GUARD_CLOSED },
		      { "{\"state\":\"idle\",\"version\":\"canary\"}", ROLLOUT_STATES + ROLLOUT_PAUSES - 1 + 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct metrics_rollout rollout = read_rollout(cases[i].json);
		struct metrics metrics = { .rollouts = &rollout, .rollout_count = 1, .build = "" },
			       none = { .build = "" };
		struct parsed *parsed = print_and_parse(&metrics), *without = print_and_parse(&none);

		assert_int_equal(parsed->sample_count - without->sample_count, cases[i].samples);
		assert_int_equal(parsed->family_count, without->family_count);
		assert_sample(parsed, "serin_rollout_phase{service=\"shop\",phase=\"idle\"}", 1);
		free(without);
		free(parsed);
	}
}

/* 2 backends, 21 lines each; 2 weights, 1 measured share, 2 x (1 incident, 2 histograms of 16 lines), HTTP of one of them:
 * 6 classes, 5 statuses, 8 methods; 1 service; a rollout: 6 phases, 5 pauses, 1 step, 2 checks, 1 allowance, 8 reasons, 1 loss, 1 time,
 * 2 kinds of trips; 3 reasons to turn away from each version; 9 of notifications; 4 of checks; drops; 5 states; 12 of the table; 3 of the agent. */
#define SAMPLES (2 * 21 + 3 + 2 * (1 + 2 * 16) + 6 + 5 + 8 + 1 + 27 + 2 * 3 + 9 + 4 + SERIN_DROPS + 5 + 12 + 3)

static void test_nothing_else(void **state)
{
	struct metrics metrics = make_metrics();
	struct parsed *parsed = print_and_parse(&metrics);

	(void)state;
	assert_int_equal(parsed->sample_count, SAMPLES);
	free(parsed);
}

static void test_labels_are_escaped(void **state)
{
	const struct metrics_backend odd = { "a\"b", "c\\d", "e\nf", "trial", &busy, 1, true, false };
	struct parsed *parsed = print_with(&odd);

	(void)state;
	assert_sample(parsed,
		      "serin_connections_total{service=\"a\\\"b\",version=\"c\\\\d\",backend=\"e\\nf\","
		      "role=\"trial\"}",
		      5);
	free(parsed);
}

/* What no sweep has counted yet is left out, not called none. */
static void test_before_the_first_sweep(void **state)
{
	struct metrics metrics = make_metrics();
	struct parsed *parsed;

	(void)state;
	metrics.is_swept = false;
	parsed = print_and_parse(&metrics);
	assert_int_equal(parsed->sample_count, SAMPLES - 2);
	for (size_t i = 0; i < parsed->family_count; i++)
		assert_string_not_equal(parsed->families[i].name, "serin_flow_table_entries");
	free(parsed);
}

static void test_an_empty_snapshot_is_valid(void **state)
{
	struct metrics metrics = { .build = "" };
	struct parsed *parsed = print_and_parse(&metrics);

	(void)state;
	assert_sample(parsed, "serin_build_info{version=\"\",abi=\"" ABI "\"}", 1);
	free(parsed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_value_under_its_name),
		cmocka_unit_test(test_one_that_leaves_is_not_down),
		cmocka_unit_test(test_nothing_else),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_histograms),
		cmocka_unit_test(test_rollouts),
		cmocka_unit_test(test_rollouts_that_are_read),
		cmocka_unit_test(test_rollouts_that_are_not_known),
		cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_format_that_is_asked_for),
		cmocka_unit_test(test_labels_are_escaped),
		cmocka_unit_test(test_before_the_first_sweep),
		cmocka_unit_test(test_an_empty_snapshot_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
