/* SPDX-License-Identifier: BSD-2-Clause */
/* What the readers of rules share. Internal to config_rules*.c. */
#ifndef SERIN_CONFIG_RULES_H
#define SERIN_CONFIG_RULES_H

#include <stdio.h>

#include "config_parts.h"

#define EXPECTED_PREFIX "an IPv4 or IPv6 prefix such as 10.8.0.0/16 or 2001:db8::/32"

/* A sentence without its place. */
struct rule_problem {
	char text[384];
};

int config_complain_rule(struct config_reader *reader, const char *path, struct config_place place, const char *text);

/* 0, or -EINVAL and the problem. */
int config_parse_rule_prefix(const char *text, struct prefix *ret, struct rule_problem *problem);
int config_find_rule_version(const struct config_service *service, const char *text, uint8_t *ret,
			     struct rule_problem *problem);

/* The text of service->rules.file: "PREFIX VERSION" per line; a '#' begins a comment. Adds to service->rules. */
int config_parse_rules(struct config_reader *reader, struct config_service *service, const char *text, size_t length);

#endif
