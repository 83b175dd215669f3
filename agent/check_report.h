/* SPDX-License-Identifier: BSD-2-Clause */
/* What `serin check` says about a configuration that is valid. Pure. */
#ifndef SERIN_CHECK_REPORT_H
#define SERIN_CHECK_REPORT_H

#include <stdint.h>
#include <stdio.h>
#include <jansson.h>
#include "config.h"

/* Ways of a flow table for this many flows: two each, at most three quarters full, a power of two. */
uint64_t check_flow_ways(uint32_t max_flows);

/* Bytes of kernel memory that so many ways and their tags take. */
uint64_t check_flow_bytes(uint64_t ways);

/* forward: nat: how many connections one backend can have at a time, ports times source addresses of its family. */
uint64_t check_nat_capacity(const struct config_snat *snat, const struct serin_addr *backend);

/* By how many bytes a packet to a backend of that family grows. */
unsigned int check_overhead(enum serin_forward forward, bool ipv4);

/* Source addresses of one family; where none are configured, the one that the host itself would use. */
unsigned int check_snat_addresses(const struct config_snat *snat, bool ipv4);

/* Of one version, by index. */
const char *check_role(const struct config_service *service, size_t version);
unsigned int check_initial_share(const struct config_service *service, size_t version); /* basis points */
size_t check_count_rules(const struct config_service *service, size_t version);

/* Places that the configuration takes in the kernel's tables. */
struct check_usage {
	size_t listeners, backends, rules;
};

struct check_usage check_usage(const struct config *config);

/* check_rollout.c: the rollout of a service, if it has one; 0 or -ENOMEM. */
int check_print_rollout(FILE *out, const struct config_service *service);
/* Of a service that has one; NULL: out of memory. */
json_t *check_rollout_to_json(const struct config_service *service);

/* 0 or -ENOMEM. */
int check_print(FILE *out, const struct config *config);

/* NULL: out of memory. Services look as in the API, where they have the same facts. */
json_t *check_to_json(const struct config *config);

#endif
