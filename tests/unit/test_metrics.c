/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics text, read back by a parser that forgives nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

#define ABI "2"

#define MAX_SAMPLES 512
#define MAX_FAMILIES 64

/* What the parser found: samples as "name{labels}" with their value, families in order. */
struct parsed {
	struct {
		char key[512];
		double value;
	} samples[MAX_SAMPLES];
	size_t sample_count;
	struct {
		char name[128], type[16];
	} families[MAX_FAMILIES];
	size_t family_count;
};

static size_t name_length(const char *text)
{
	size_t n = 0;

	while (isalpha((unsigned char)text[n]) || text[n] == '_' || (n && isdigit((unsigned char)text[n])))
		n++;
	return n;
}

/* `{name="value",...}`: returns what comes after it. */
static const char *skip_labels(const char *text)
{
	assert_int_equal(*text++, '{');
	for (;;) {
		size_t n = name_length(text);

		assert_true(n > 0);
		text += n;
		assert_int_equal(*text++, '=');
		assert_int_equal(*text++, '"');
		for (; *text != '"'; text++) {
			assert_true(*text && *text != '\n');
			if (*text == '\\') {
				text++;
				assert_true(*text == '\\' || *text == '"' || *text == 'n');
			}
		}
		text++;
		if (*text == '}')
			return text + 1;
		assert_int_equal(*text++, ',');
	}
}

static void parse_head(struct parsed *parsed, const char *line)
{
	char name[128], type[16];
	size_t last = parsed->family_count;

	if (sscanf(line, "# HELP %127s %*s", name) == 1) {
		for (size_t i = 0; i < last; i++)
			if (!strcmp(parsed->families[i].name, name))
				fail_msg("family %s comes twice", name);
		assert_true(last < MAX_FAMILIES);
		assert_true(strlen(line) > strlen("# HELP  ") + strlen(name));
		strcpy(parsed->families[last].name, name);
		parsed->families[last].type[0] = '\0';
		parsed->family_count++;
		return;
	}
	assert_int_equal(sscanf(line, "# TYPE %127s %15s", name, type), 2);
	assert_true(last > 0);
	assert_string_equal(parsed->families[last - 1].name, name);
	assert_string_equal(parsed->families[last - 1].type, "");
	assert_true(!strcmp(type, "counter") || !strcmp(type, "gauge"));
	/* What promtool asks of names. */
	assert_int_equal(!strcmp(type, "counter"), !strcmp(name + strlen(name) - 6, "_total"));
	assert_int_equal(strncmp(name, "serin_", 6), 0);
	strcpy(parsed->families[last - 1].type, type);
}

static void parse_sample(struct parsed *parsed, const char *line)
{
	size_t n = name_length(line), last = parsed->family_count;
	const char *after = line + n;
	size_t length;
	char *end;

	assert_true(n > 0 && last > 0);
	/* Families are contiguous: a sample belongs to the last head. */
	assert_true(strlen(parsed->families[last - 1].name) == n);
	assert_memory_equal(parsed->families[last - 1].name, line, n);
	assert_true(parsed->families[last - 1].type[0]);
	if (*after == '{')
		after = skip_labels(after);
	length = (size_t)(after - line);
	assert_int_equal(*after++, ' ');
	assert_true(length < sizeof(parsed->samples[0].key) && parsed->sample_count < MAX_SAMPLES);
	memcpy(parsed->samples[parsed->sample_count].key, line, length);
	parsed->samples[parsed->sample_count].key[length] = '\0';
	for (size_t i = 0; i < parsed->sample_count; i++)
		if (!strcmp(parsed->samples[i].key, parsed->samples[parsed->sample_count].key))
			fail_msg("sample comes twice: %s", line);
	parsed->samples[parsed->sample_count++].value = strtod(after, &end);
	assert_true(end != after && !*end);
}

static struct parsed *print_and_parse(const struct metrics *metrics)
{
	struct parsed *parsed = calloc(1, sizeof(*parsed));
	char *text = NULL, *line, *rest;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	assert_true(parsed && out);
	metrics_print(out, metrics);
	assert_int_equal(fclose(out), 0);
	assert_true(length && text[length - 1] == '\n' && !strstr(text, "\n\n"));
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (*line == '#')
			parse_head(parsed, line);
		else
			parse_sample(parsed, line);
	}
	free(text);
	return parsed;
}

static void assert_sample(const struct parsed *parsed, const char *key, double value)
{
	for (size_t i = 0; i < parsed->sample_count; i++) {
		if (strcmp(parsed->samples[i].key, key))
			continue;
		if (parsed->samples[i].value != value)
			fail_msg("%s is %f, expected %f", key, parsed->samples[i].value, value);
		return;
	}
	fail_msg("no sample %s", key);
}

static const struct serin_stats busy = {
	.packets = { 11, 12 },
	.bytes = { 1100, 1200 },
	.opened = 5,
	.established = 4,
	.closed = 3,
	.resets = { 1, 2 },
	.gone = 1,
	.placed = 2,
};
static const struct serin_stats idle;

static struct metrics make_metrics(void)
{
	static const struct metrics_backend backends[] = {
		{ "shop", "stable", "10.0.0.11:3000", "baseline", &busy, 1 },
		{ "shop", "canary", "[2001:db8::21]:3000", "trial", &idle, 0 },
	};
	static const struct metrics_version versions[] = {
		{ "shop", "stable", "baseline", 0.95, 0.5, true },
		{ "shop", "canary", "trial", 0.05, 0.25, false },
	};
	static const struct metrics_service services[] = { { "shop", 7 } };
	struct metrics metrics = {
		.backends = backends,
		.backend_count = 2,
		.versions = versions,
		.version_count = 2,
		.services = services,
		.service_count = 1,
		.flow_table_ways = 1048576,
		.is_swept = true,
		.flows = 4321,
		.sweep_seconds = 3.25,
		.flows_emptied = 17,
		.tick_seconds = 0.0025,
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
	return metrics;
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
	assert_sample(parsed, "serin_build_info{version=\"1.0\",abi=\"" ABI "\"}", 1);
	free(parsed);
}

/* 2 backends, 12 lines each; 2 weights, 1 measured share; 1 service; drops; 5 states; 10 of the table; 2 of the agent. */
static void test_nothing_else(void **state)
{
	struct metrics metrics = make_metrics();
	struct parsed *parsed = print_and_parse(&metrics);

	(void)state;
	assert_int_equal(parsed->sample_count, 2 * 12 + 3 + 1 + SERIN_DROPS + 5 + 10 + 2);
	free(parsed);
}

static void test_labels_are_escaped(void **state)
{
	const struct metrics_backend odd = { "a\"b", "c\\d", "e\nf", "trial", &busy, 1 };
	struct metrics metrics = make_metrics();
	struct parsed *parsed;

	(void)state;
	metrics.backends = &odd;
	metrics.backend_count = 1;
	parsed = print_and_parse(&metrics);
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
	assert_int_equal(parsed->sample_count, 2 * 12 + 3 + 1 + SERIN_DROPS + 5 + 8 + 2);
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
		cmocka_unit_test(test_every_value_under_its_name), cmocka_unit_test(test_nothing_else),
		cmocka_unit_test(test_labels_are_escaped),         cmocka_unit_test(test_before_the_first_sweep),
		cmocka_unit_test(test_an_empty_snapshot_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
