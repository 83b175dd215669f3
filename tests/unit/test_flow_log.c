/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of the flow log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "flow_log.h"

static struct image image;

static void put_endpoint(const char *text, struct serin_addr *addr, __be16 *port)
{
	struct endpoint endpoint;

	assert_int_equal(endpoint_parse(text, &endpoint), 0);
	*addr = endpoint.addr;
	*port = endpoint.port;
}

static struct serin_flow_end an_end(void)
{
	struct serin_flow_end end = {
		.bytes = { 612, 9000000000 },
		.opened = 100,
		.ended = 104,
		.backend = 7,
		.forward = SERIN_FORWARD_NAT,
		.how = SERIN_ENDED_CLOSED,
	};

	put_endpoint("198.51.100.2:40000", &end.client, &end.client_port);
	image = (struct image){ 0 };
	strcpy(image.services[3].name, "shop");
	strcpy(image.services[3].version[1], "canary");
	image.backends[7] = (struct serin_backend){ .flags = SERIN_BACKEND_USED, .service = 3, .version = 1 };
	put_endpoint("10.0.0.21:3000", &image.backends[7].addr, &image.backends[7].port);
	return end;
}

static void expect_line(const struct serin_flow_end *end, const char *expected)
{
	struct flow_log_line line;
	size_t length;
	char *text;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	flow_log_describe(end, &image, &line);
	assert_true(line.count <= FLOW_LOG_FIELDS);
	log_print(out, LOG_KEYVALUE, 0, LOG_LEVEL_INFO, line.fields, line.count);
	fclose(out);
	assert_string_equal(strstr(text, "msg="), expected);
	free(text);
}

static void test_line(void **state)
{
	struct serin_flow_end end = an_end();

	(void)state;
	expect_line(&end, "msg=flow service=shop version=canary backend=10.0.0.21:3000 client=198.51.100.2:40000 "
			  "bytes_to_backend=612 bytes_to_client=9000000000 seconds=1.1 ended=closed\n");
	put_endpoint("[2001:db8::2]:40000", &end.client, &end.client_port);
	end.how = SERIN_ENDED_RESET_BY_BACKEND;
	end.opened = UINT32_MAX; /* the stamps have come round */
	end.ended = 9;
	expect_line(&end, "msg=flow service=shop version=canary backend=10.0.0.21:3000 client=[2001:db8::2]:40000 "
			  "bytes_to_backend=612 bytes_to_client=9000000000 seconds=2.7 ended=\"reset by backend\"\n");
}

static void test_what_is_not_known(void **state)
{
	struct serin_flow_end end = an_end();

	(void)state;
	end.forward = SERIN_FORWARD_L2;
	end.opened = end.ended + 1;
	expect_line(&end, "msg=flow service=shop version=canary backend=10.0.0.21:3000 client=198.51.100.2:40000 "
			  "bytes_to_backend=612 seconds=0.0 ended=closed\n");
	end.backend = 8;
	expect_line(&end, "msg=flow service=\"\" version=\"\" backend=\"\" client=198.51.100.2:40000 "
			  "bytes_to_backend=612 seconds=0.0 ended=closed\n");
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(flow_log_ended_name(SERIN_ENDED_RESET_BY_CLIENT), "reset by client");
	assert_string_equal(flow_log_ended_name(SERIN_ENDED_EMPTIED), "emptied");
	assert_string_equal(flow_log_ended_name(SERIN_ENDED_EXPIRED), "expired");
	assert_string_equal(flow_log_ended_name(SERIN_ENDED_EVICTED), "evicted");
	assert_string_equal(flow_log_ended_name(SERIN_ENDED_MOVED), "moved");
	assert_string_equal(flow_log_ended_name(SERIN_ENDED_KINDS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_what_is_not_known),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("flow_log", tests, NULL, NULL);
}
