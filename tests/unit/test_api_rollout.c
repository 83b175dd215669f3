/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests about rollouts through the API's own table of routes, with a controller that only notes what it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The files under test, with everything behind them played here. */
#define controller_rollout fake_rollout
#define controller_outcome fake_outcome
#define controller_rollout_to_json fake_rollout_to_json
#define controller_refresh fake_refresh
#define controller_set_baseline fake_set_baseline
#define api_answer_service fake_answer_service
#include "api_call.h"
void fake_answer_service(struct api_call *call);
#include "../../agent/api_change.c"
#define refuse refuse_rollout
#include "../../agent/api_rollout.c"
#undef refuse
#define refuse refuse_outcome
#include "../../agent/api_outcomes.c"
#undef refuse
#include "api.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define COPY 512

static struct {
	unsigned int calls;
	int gives;
	enum rollout_event_kind kind;
	char version[64], release[COPY], reason[COPY], by[32];
	bool blind, has_reset, reset, has_generation;
	uint32_t generation;
	unsigned int outcomes, failures;
	int gives_at; /* the outcome that is not taken; -1: none */
	char client[COPY];
	const char *rollout; /* JSON */
	bool lost;           /* the baseline */
	bool arithmetic;
} seen;

static void keep(char *room, size_t size, const char *text)
{
	snprintf(room, size, "%s", text ? text : "(none)");
}

int fake_rollout(struct controller *controller, struct service *service, const struct controller_request *request,
		 const struct rollout_wish *wish, struct complaint *complaint)
{
	assert_ptr_equal(service, controller->services);
	seen.calls++;
	seen.kind = wish->kind;
	keep(seen.version, sizeof(seen.version), wish->version);
	keep(seen.release, sizeof(seen.release), wish->release);
	keep(seen.reason, sizeof(seen.reason), request->reason);
	keep(seen.by, sizeof(seen.by), request->by);
	seen.blind = wish->blind;
	seen.has_reset = wish->reset;
	seen.reset = wish->reset && *wish->reset;
	seen.has_generation = request->has_generation;
	seen.generation = request->generation;
	return seen.gives ? complain(complaint, seen.gives, "as the controller says") : 0;
}

int fake_outcome(struct controller *controller, struct service *service, const char *version, const char *client,
		 bool failed, struct complaint *complaint)
{
	assert_ptr_equal(service, controller->services);
	assert_string_equal(version, "canary");
	keep(seen.client, sizeof(seen.client), client);
	if ((int)seen.outcomes == seen.gives_at)
		return complain(complaint, -EINVAL, "no room");
	seen.outcomes++;
	seen.failures += failed;
	return 0;
}

json_t *fake_rollout_to_json(const struct controller *controller, const struct service *service, bool arithmetic)
{
	assert_ptr_equal(service, controller->services);
	seen.arithmetic = arithmetic;
	return seen.rollout ? json_loads(seen.rollout, 0, NULL) : json_null();
}

int fake_set_baseline(struct controller *controller, struct service *service, const struct controller_request *request,
		      const char *version, struct complaint *complaint)
{
	assert_ptr_equal(service, controller->services);
	seen.calls++;
	keep(seen.version, sizeof(seen.version), version);
	keep(seen.reason, sizeof(seen.reason), request->reason);
	keep(seen.by, sizeof(seen.by), request->by);
	seen.has_generation = request->has_generation;
	seen.generation = request->generation;
	return seen.gives ? complain(complaint, seen.gives, "as the controller says") : 0;
}

void fake_refresh(struct controller *controller)
{
	(void)controller;
}

void fake_answer_service(struct api_call *call)
{
	api_json(call, 200, json_pack("{s:s}", "name", call->service->config->name));
}

struct question {
	const char *method, *path, *body, *if_match;
	enum http_access access;
};

/* The status; *ret_body to be freed. */
static unsigned int ask(const struct question *question, char **ret_body)
{
	static struct config_service config;
	struct service service = { .config = &config };
	struct controller controller = { .services = &service, .service_count = 1 };
	struct http_request request = {
		.method = question->method,
		.path = question->path,
		.body = question->body,
		.body_length = question->body ? strlen(question->body) : 0,
		.if_match = question->if_match,
		.access = question->access,
		.has_token_file = true,
		.by = "uid 7",
	};
	struct http_response response = { .status = 0 };

	snprintf(config.name, sizeof(config.name), "shop");
	snprintf(service.now.name, sizeof(service.now.name), "shop");
	snprintf(service.now.versions[0].name, sizeof(service.now.versions[0].name), "stable");
	snprintf(service.now.versions[1].name, sizeof(service.now.versions[1].name), "canary");
	service.now.version_count = 2;
	service.now.lost = seen.lost;
	service.now.versions[0].weight = 9475;
	service.now.versions[1].weight = 525;
	api_handle(&controller, &request, &response);
	*ret_body = strndup(response.body ? response.body : "", response.body_length);
	free(response.body);
	return response.status;
}

static unsigned int post(const char *path, const char *body, char **ret_body)
{
	return ask(&(struct question){ "POST", path, body, NULL, HTTP_MAY_CHANGE }, ret_body);
}

#define ROLLOUT "/v1/services/shop/rollout"
#define OUTCOMES "/v1/services/shop/outcomes"

static int setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	seen.gives_at = -1;
	return 0;
}

static void test_every_action(void **state)
{
	static const char *const names[] = { "start", "retry", "pause", "resume", "promote", "abort", "finish" };
	char body[64], *answer;

	(void)state;
	for (unsigned int i = 0; i < COUNT(names); i++) {
		snprintf(body, sizeof(body), "{\"action\":\"%s\"}", names[i]);
		assert_int_equal(post(ROLLOUT, body, &answer), 200);
		assert_string_equal(answer, "{\"name\":\"shop\"}\n");
		assert_int_equal(seen.calls, i + 1);
		assert_string_equal(rollout_event_name(seen.kind), names[i]);
		assert_string_equal(seen.version, "(none)");
		assert_string_equal(seen.release, "(none)");
		assert_string_equal(seen.by, "uid 7");
		assert_false(seen.blind || seen.has_reset || seen.has_generation);
		free(answer);
	}
}

static void test_all_that_can_be_said(void **state)
{
	char *answer;

	(void)state;
	assert_int_equal(
		ask(
			&(struct question){
				"POST", ROLLOUT,
				"{\"action\":\"start\",\"version\":\"canary\",\"release\":\"v2\",\"blind\":true,"
				"\"reason\":\"monday\",\"flows\":null}",
				"\"7\"", HTTP_MAY_CHANGE },
			&answer),
		200);
	free(answer);
	assert_int_equal(seen.kind, ROLLOUT_START);
	assert_string_equal(seen.version, "canary");
	assert_string_equal(seen.release, "v2");
	assert_string_equal(seen.reason, "monday");
	assert_true(seen.blind && !seen.has_reset && seen.has_generation);
	assert_int_equal(seen.generation, 7);
	assert_int_equal(post(ROLLOUT, "{\"action\":\"abort\",\"flows\":\"reset\"}", &answer), 200);
	free(answer);
	assert_true(seen.has_reset && seen.reset);
	assert_int_equal(post(ROLLOUT, "{\"action\":\"abort\",\"flows\":\"drain\"}", &answer), 200);
	free(answer);
	assert_true(seen.has_reset && !seen.reset);
}

/* Nothing of a request that is wrong reaches the controller. */
static void test_wrong_wishes(void **state)
{
	static const struct {
		const char *body, *says;
	} cases[] = {
		{ "", "the body is no JSON object" },
		{ "[]", "the body is no JSON object" },
		{ "{}", "\\\"action\\\" is none, expected" },
		{ "{\"action\":\"begin\"}", "\\\"action\\\" is none, expected" },
		{ "{\"action\":\"rollback\"}", "\\\"action\\\" is none, expected" },
		{ "{\"action\":\"tick\"}", "\\\"action\\\" is none, expected" },
		{ "{\"action\":1}", "\\\"action\\\" is none, expected" },
		{ "{\"action\":\"start\",\"versions\":\"x\"}", "unknown key \\\"versions\\\"" },
		{ "{\"action\":\"start\",\"version\":7}", "\\\"version\\\" is no text, expected a name" },
		{ "{\"action\":\"start\",\"release\":\"\"}", "\\\"release\\\" is no text, expected a name" },
		{ "{\"action\":\"start\",\"blind\":\"yes\"}", "\\\"blind\\\" is neither true nor false" },
		{ "{\"action\":\"abort\",\"flows\":\"kill\"}",
		  "\\\"flows\\\" is neither, expected \\\"drain\\\" or \\\"reset\\\"" },
		{ "{\"action\":\"start\",\"reason\":[]}", "\\\"reason\\\" is no text" },
		{ "{\"action\":\"pause\",\"version\":\"canary\"}",
		  "\\\"version\\\" goes with \\\"start\\\", not with \\\"pause\\\"" },
		{ "{\"action\":\"retry\",\"version\":\"canary\"}",
		  "\\\"version\\\" goes with \\\"start\\\", not with \\\"retry\\\"" },
		{ "{\"action\":\"finish\",\"release\":\"v2\"}",
		  "\\\"release\\\" goes with \\\"start\\\" and \\\"retry\\\", not with \\\"finish\\\"" },
		{ "{\"action\":\"promote\",\"blind\":false}",
		  "\\\"blind\\\" goes with \\\"start\\\" and \\\"retry\\\", not with \\\"promote\\\"" },
		{ "{\"action\":\"start\",\"flows\":\"reset\"}",
		  "\\\"flows\\\" goes with \\\"abort\\\", not with \\\"start\\\"" },
	};
	char *answer;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(post(ROLLOUT, cases[i].body, &answer), 400);
		if (!strstr(answer, cases[i].says))
			fail_msg("no '%s' in '%s'", cases[i].says, answer);
		free(answer);
	}
	assert_int_equal(ask(&(struct question){ "POST", ROLLOUT, "{\"action\":\"pause\"}", "seven", HTTP_MAY_CHANGE },
			     &answer),
			 400);
	free(answer);
	assert_int_equal(seen.calls, 0);
}

static void test_what_the_controller_refuses(void **state)
{
	static const struct {
		int gives;
		unsigned int status;
		const char *code;
	} cases[] = {
		{ -EBUSY, 409, "rollout_state" },      { -ESTALE, 409, "generation_mismatch" },
		{ -EINVAL, 400, "bad_request" },       { -ENOENT, 404, "unknown_version" },
		{ -ENODATA, 409, "baseline_unknown" }, { -ENOSPC, 500, "internal" },
	};
	char expected[128], *answer;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		seen.gives = cases[i].gives;
		assert_int_equal(post(ROLLOUT, "{\"action\":\"resume\"}", &answer), cases[i].status);
		snprintf(expected, sizeof(expected),
			 "{\"error\":{\"code\":\"%s\",\"message\":\"as the controller says\"}}\n", cases[i].code);
		assert_string_equal(answer, expected);
		free(answer);
	}
}

#define BASELINE "/v1/services/shop/baseline"

static void test_baseline(void **state)
{
	static const struct {
		const char *body, *says;
	} refused[] = {
		{ "", "the body is no JSON object" },
		{ "{}", "\\\"version\\\" is no text, expected the name of the version that is the baseline" },
		{ "{\"version\":7}", "\\\"version\\\" is no text" },
		{ "{\"version\":\"canary\",\"force\":true}", "unknown key \\\"force\\\"" },
		{ "{\"version\":\"canary\",\"reason\":7}", "\\\"reason\\\" is no text" },
	};
	static const struct {
		int gives;
		unsigned int status;
		const char *code;
	} cases[] = {
		{ -EBUSY, 409, "baseline_known" },
		{ -ESTALE, 409, "generation_mismatch" },
		{ -ENOENT, 404, "unknown_version" },
		{ -ENOSPC, 500, "internal" },
	};
	char *answer;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		if (post(BASELINE, refused[i].body, &answer) != 400 || !strstr(answer, refused[i].says))
			fail_msg("no '%s' in '%s'", refused[i].says, answer);
		free(answer);
	}
	assert_int_equal(seen.calls, 0);
	assert_int_equal(ask(&(struct question){ "POST", BASELINE, "{\"version\":\"canary\",\"reason\":\"sure\"}",
						 "\"7\"", HTTP_MAY_CHANGE },
			     &answer),
			 200);
	assert_string_equal(answer, "{\"name\":\"shop\"}\n");
	free(answer);
	assert_string_equal(seen.version, "canary");
	assert_string_equal(seen.reason, "sure");
	assert_string_equal(seen.by, "uid 7");
	assert_true(seen.has_generation && seen.generation == 7);
	for (size_t i = 0; i < COUNT(cases); i++) {
		seen.gives = cases[i].gives;
		assert_int_equal(post(BASELINE, "{\"version\":\"canary\"}", &answer), cases[i].status);
		if (!strstr(answer, cases[i].code))
			fail_msg("no %s: %s", cases[i].code, answer);
		free(answer);
	}
}

static void test_who_may(void **state)
{
	static const struct {
		const char *method, *path;
		enum http_access access;
		unsigned int status;
	} cases[] = {
		{ "POST", ROLLOUT, HTTP_MAY_READ, 401 },
		{ "POST", OUTCOMES, HTTP_MAY_READ, 401 },
		{ "POST", BASELINE, HTTP_MAY_READ, 401 },
		{ "GET", BASELINE, HTTP_MAY_CHANGE, 405 },
		{ "POST", "/v1/services/tea/baseline", HTTP_MAY_CHANGE, 404 },
		{ "POST", ROLLOUT, HTTP_MAY_PROBE, 401 },
		{ "GET", ROLLOUT, HTTP_MAY_CHANGE, 405 },
		{ "GET", OUTCOMES, HTTP_MAY_CHANGE, 405 },
		{ "POST", "/v1/services/tea/rollout", HTTP_MAY_CHANGE, 404 },
		{ "POST", "/v1/services/tea/outcomes", HTTP_MAY_CHANGE, 404 },
		{ "GET", "/v1/services/shop/why", HTTP_MAY_READ, 200 },
		{ "GET", "/v1/services/shop/why", HTTP_MAY_PROBE, 401 },
		{ "GET", "/healthz", HTTP_MAY_PROBE, 200 },
	};
	char *answer;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct question question = { cases[i].method, cases[i].path, "{\"action\":\"pause\"}", NULL,
						   cases[i].access };

		if (ask(&question, &answer) != cases[i].status)
			fail_msg("%s %s: %s", cases[i].method, cases[i].path, answer);
		free(answer);
	}
	assert_int_equal(seen.calls + seen.outcomes, 0);
}

/* ---- outcomes -------------------------------------------------------------------------------------------------------- */

#define GOOD "{\"version\":\"canary\",\"client\":\"198.51.100.7\",\"failed\":false}"
#define BAD "{\"version\":\"canary\",\"client\":\"order 66, K\303\266ln\",\"failed\":true}"
#define EXPECTED "no outcome, expected such as {"

static void test_outcomes(void **state)
{
	char *answer;

	(void)state;
	assert_int_equal(post(OUTCOMES, GOOD, &answer), 200);
	assert_string_equal(answer, "{\"taken\":1}\n");
	free(answer);
	assert_int_equal(seen.outcomes, 1);
	assert_int_equal(seen.failures, 0);
	assert_string_equal(seen.client, "198.51.100.7");
	assert_int_equal(post(OUTCOMES, "[" GOOD "," BAD "," BAD "]", &answer), 200);
	assert_string_equal(answer, "{\"taken\":3}\n");
	free(answer);
	assert_int_equal(seen.outcomes, 4);
	assert_int_equal(seen.failures, 2);
	assert_string_equal(seen.client, "order 66, K\303\266ln");
}

/* The last of a list is as wrong as the first: none counts. */
static void test_wrong_outcomes(void **state)
{
	static const struct {
		const char *body;
		unsigned int status;
		const char *says;
	} cases[] = {
		{ "", 400, "the body is no JSON" },
		{ "7", 400, "the body is no JSON" },
		{ "{}", 400, "\"" EXPECTED },
		{ "[]", 400, "0 outcomes, expected 1 to 1000 at a time" },
		{ "[" GOOD ",7]", 400, "outcome 2 of 2: " EXPECTED },
		{ "[" GOOD "," GOOD ",{}]", 400, "outcome 3 of 3: " EXPECTED },
		{ "[" GOOD ",{\"version\":\"canary\",\"client\":\"a\",\"failed\":0}]", 400,
		  "outcome 2 of 2: " EXPECTED },
		{ "[" GOOD ",{\"version\":1,\"client\":\"a\",\"failed\":true}]", 400, "outcome 2 of 2: " EXPECTED },
		{ "[" GOOD ",{\"version\":\"canary\",\"client\":\"a\",\"failed\":true,\"at\":1}]", 400,
		  "outcome 2 of 2: " EXPECTED },
		{ "[" GOOD ",{\"version\":\"canary\",\"client\":\"\",\"failed\":true}]", 400,
		  "outcome 2 of 2: \\\"client\\\" names nobody" },
		{ "[" GOOD ",{\"version\":\"canary\",\"client\":null,\"failed\":true}]", 400,
		  "outcome 2 of 2: \\\"client\\\" names nobody" },
		{ "[" GOOD ",{\"version\":\"blue\",\"client\":\"a\",\"failed\":true}]", 404,
		  "outcome 2 of 2: service shop has no version 'blue'" },
		{ "{\"version\":\"blue\",\"client\":\"a\",\"failed\":true}", 404,
		  "\"service shop has no version 'blue'" },
	};
	char *answer;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (post(OUTCOMES, cases[i].body, &answer) != cases[i].status || !strstr(answer, cases[i].says))
			fail_msg("no '%s' in '%s'", cases[i].says, answer);
		free(answer);
	}
	assert_int_equal(seen.outcomes, 0);
}

static char *many(unsigned int count, unsigned int client_length)
{
	char *body = malloc(count * (client_length + 64) + 3), *end = body;

	*end++ = '[';
	for (unsigned int i = 0; i < count; i++)
		end += sprintf(end, "%s{\"version\":\"canary\",\"client\":\"%0*u\",\"failed\":true}", i ? "," : "",
			       (int)client_length, i);
	strcpy(end, "]");
	return body;
}

static void test_bounds_of_outcomes(void **state)
{
	static const struct {
		unsigned int count, length, status, taken;
	} cases[] = { { 1000, 9, 200, 1000 }, { 1001, 9, 400, 0 }, { 2, 128, 200, 2 }, { 2, 129, 400, 0 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *body = many(cases[i].count, cases[i].length), *answer;

		seen.outcomes = 0;
		assert_int_equal(post(OUTCOMES, body, &answer), cases[i].status);
		assert_int_equal(seen.outcomes, cases[i].taken);
		free(answer);
		free(body);
	}
}

/* It was checked, and yet it is not taken: how far it got is said. */
static void test_half_taken(void **state)
{
	char *answer;

	(void)state;
	seen.gives_at = 1;
	assert_int_equal(post(OUTCOMES, "[" GOOD "," GOOD "," GOOD "]", &answer), 500);
	assert_non_null(strstr(answer, "1 outcomes of 3 were taken: no room"));
	free(answer);
}

/* ---- what is said of rollouts ---------------------------------------------------------------------------------------- */

static void assert_gets(const char *path, const char *expected)
{
	char *answer;

	assert_int_equal(ask(&(struct question){ "GET", path, NULL, NULL, HTTP_MAY_READ }, &answer), 200);
	assert_string_equal(answer, expected);
	free(answer);
}

static void test_why(void **state)
{
	(void)state;
	assert_gets("/v1/services/shop/why", "{\"state\":\"idle\",\"version\":null}\n");
	assert_true(seen.arithmetic);
	seen.rollout = "{\"state\":\"paused\",\"arithmetic\":{\"finding\":\"unproven\"}}";
	assert_gets("/v1/services/shop/why", "{\"state\":\"paused\",\"arithmetic\":{\"finding\":\"unproven\"}}\n");
}

#define HEALTHZ(rest) "{\"status\":\"ok\",\"canary\":{\"shop\":{\"baseline\":\"stable\"," rest "}}}\n"

static void test_healthz(void **state)
{
	(void)state;
	assert_gets("/healthz",
		    HEALTHZ("\"version\":\"canary\",\"share\":\"5.25%\",\"rollout\":\"idle\",\"health\":null"));
	assert_false(seen.arithmetic);
	seen.rollout = "{\"state\":\"progressing\",\"version\":\"canary\",\"release\":\"secret\",\"weight\":500,"
		       "\"judge\":{\"finding\":\"healthy\"},\"guard\":{\"tripped\":false}}";
	assert_gets("/healthz", HEALTHZ("\"version\":\"canary\",\"share\":\"5.25%\",\"rollout\":\"progressing\","
					"\"health\":\"healthy\""));
	/* The kernel knows first. */
	seen.rollout = "{\"state\":\"progressing\",\"version\":\"canary\",\"judge\":{\"finding\":\"unproven\"},"
		       "\"guard\":{\"tripped\":true}}";
	assert_gets("/healthz", HEALTHZ("\"version\":\"canary\",\"share\":\"5.25%\",\"rollout\":\"progressing\","
					"\"health\":\"regression\""));
	/* What was rolled out is the baseline by now. */
	seen.rollout = "{\"state\":\"idle\",\"version\":\"stable\",\"judge\":{\"finding\":\"healthy\"}}";
	assert_gets("/healthz",
		    HEALTHZ("\"version\":\"canary\",\"share\":\"5.25%\",\"rollout\":\"idle\",\"health\":null"));
	seen.rollout = "{\"state\":\"rolled_back\",\"version\":\"canary\",\"judge\":null,\"guard\":null}";
	assert_gets("/healthz",
		    HEALTHZ("\"version\":\"canary\",\"share\":\"5.25%\",\"rollout\":\"rolled_back\",\"health\":null"));
	seen.rollout = NULL;
	seen.lost = true;
	assert_gets("/healthz", "{\"status\":\"ok\",\"canary\":{\"shop\":{\"baseline\":null,\"version\":null,"
				"\"share\":null,\"rollout\":\"idle\",\"health\":null}}}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_every_action, setup),
		cmocka_unit_test_setup(test_all_that_can_be_said, setup),
		cmocka_unit_test_setup(test_wrong_wishes, setup),
		cmocka_unit_test_setup(test_what_the_controller_refuses, setup),
		cmocka_unit_test_setup(test_baseline, setup),
		cmocka_unit_test_setup(test_who_may, setup),
		cmocka_unit_test_setup(test_outcomes, setup),
		cmocka_unit_test_setup(test_wrong_outcomes, setup),
		cmocka_unit_test_setup(test_bounds_of_outcomes, setup),
		cmocka_unit_test_setup(test_half_taken, setup),
		cmocka_unit_test_setup(test_why, setup),
		cmocka_unit_test_setup(test_healthz, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
