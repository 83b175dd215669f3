/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts of configuration files with a mistake, and whole complaints about them; for the tests of config.h. */
#ifndef SERIN_CONFIG_MISTAKES_H
#define SERIN_CONFIG_MISTAKES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The parts that a case does not ask about. */
#define TOP "interfaces: [eth0]\n"                                   /* line 1 */
#define SERVICES "services:\n- name: shop\n"                         /* 2 lines */
#define SHOP TOP SERVICES "  listen: 192.0.2.1:80/tcp\n"             /* 4 lines */
#define STABLE "  versions: {stable: {backends: ['10.0.0.1:80']}}\n" /* 1 line */
#define GOOD SHOP STABLE                                             /* 5 lines */
#define TWO "  versions:\n    a: {backends: ['10.0.0.1:80']}\n    b: {backends: ['10.0.0.2:80']"
#define DEEP "[[[[[[[[[["
#define LONG63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"

#define ALL_KEYS                                                                                       \
	"interfaces, attach, http, snat, timeouts, flows, gue_port, answer_timeout, flow_log, lease, " \
	"restart_grace, services"
#define SERVICE_KEYS                                                                                                    \
	"name, listen, protocol, forward, affinity, baseline, versions, health, max_ejected, on_ejection, slow_start, " \
	"rules, rules_file, max_new_flows, drain_timeout, on_rollback, rollout, notify"
#define VERSION_KEYS "backends, dns, file, weight, capacity"
#define SHARE "expected 0% to 100% with at most two decimals, such as 5% or 0.25%"
#define LISTENER "expected ADDR:PORT/tcp or ADDR:PORT/udp such as 203.0.113.10:80/tcp or [2001:db8::10]:53/udp"
#define LISTEN "expected 1 to 16 of ADDR:PORT/tcp or ADDR:PORT/udp"
#define BACKEND "expected ADDR:PORT such as 10.0.0.11:3000 or [2001:db8::11]:3000"
#define SECONDS "expected whole seconds from 1s to 7d, such as 10s or 2h"
#define ANSWER_TIMEOUT "expected off or a duration from 100ms to 60s, such as 500ms or 10s"
#define FLOW_LOG "expected off or 1/N with N from 1 to 1000000, such as 1/1000"
#define SNAT "expected an address of this host such as 10.0.0.1 or 2001:db8::1"
#define INTERFACE "expected 1 to 15 printable characters other than space, '/' and ':'"
#define UNICAST "expected a unicast address that packets can be forwarded to"
#define NAME63 "expected 1 to 63 lowercase letters, digits and inner hyphens"
#define NAME31 "expected 1 to 31 lowercase letters, digits and inner hyphens"
#define FAMILY "serin does not translate between IPv4 and IPv6, expected one service per family"
#define VERSIONS "expected 1 to 8 of NAME: {backends: [...]}"

struct mistake {
	const char *text;
	const char *complaint; /* behind "serin.yaml:" */
};

static inline void check_all(const struct mistake *mistakes, size_t count)
{
	struct config *const untouched = (struct config *)mistakes;
	struct complaint complaint;
	struct config *config;
	char expected[512];
	size_t i;

	for (i = 0; i < count; i++) {
		config = untouched;
		complaint.text[0] = '\0';
		if (config_parse("serin.yaml", mistakes[i].text, strlen(mistakes[i].text), &config, &complaint) !=
		    -EINVAL)
			fail_msg("not refused, expected '%s' in:\n%s", mistakes[i].complaint, mistakes[i].text);
		snprintf(expected, sizeof(expected), "serin.yaml:%s", mistakes[i].complaint);
		assert_string_equal(complaint.text, expected);
		assert_ptr_equal(config, untouched);
	}
}

/* Of a text without a mistake. To be freed. */
static inline struct config *parse(const char *text)
{
	struct complaint complaint = { "" };
	struct config *config = NULL;

	if (config_parse("serin.yaml", text, strlen(text), &config, &complaint))
		fail_msg("refused: %s\n%s", complaint.text, text);
	return config;
}

#endif
