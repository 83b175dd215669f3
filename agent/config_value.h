/* SPDX-License-Identifier: BSD-2-Clause */
/* Scalars of the configuration as values. Internal to config*.c. */
#ifndef SERIN_CONFIG_VALUE_H
#define SERIN_CONFIG_VALUE_H

#include "config_reader.h"

#define EXPECTED_ENDPOINT "ADDR:PORT such as 10.0.0.11:3000 or [2001:db8::11]:3000"

struct config_choice {
	const char *name;
	int value;
};

/* All write the complaint and return a negative errno when the node is not such a value; `ret` is then untouched. */
int config_value_unsigned(struct config_reader *reader, const yaml_node_t *node, const char *what, unsigned int min,
			  unsigned int max, unsigned int *ret);
int config_value_choice(struct config_reader *reader, const yaml_node_t *node, const char *what,
			const struct config_choice *choices, size_t count, int *ret);
int config_value_share(struct config_reader *reader, const yaml_node_t *node, const char *what, unsigned int *ret);

/* A duration from `min` to `max` ms; `expected` says so. */
int config_value_duration(struct config_reader *reader, const yaml_node_t *node, const char *what, unsigned int min,
			  unsigned int max, const char *expected, unsigned int *ret_ms);

/* Whether the node is the text `off`. */
bool config_is_off(const yaml_node_t *node);

/* Refuse an address that no packet can be forwarded to. */
int config_check_unicast(struct config_reader *reader, const yaml_node_t *node, const struct serin_addr *addr);

/* The address of a backend in the form that `forward` has it: ADDR:PORT; ADDR or ADDR:PORT one way; PORT local. */
bool config_parse_backend(const char *text, enum serin_forward forward, struct endpoint *ret);

/* "multicast", "loopback", ...; NULL for an ordinary unicast address. */
const char *config_special_address(const struct serin_addr *addr);

#endif
