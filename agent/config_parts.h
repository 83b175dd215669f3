/* SPDX-License-Identifier: BSD-2-Clause */
/* The sections of the configuration, each in a file of its own, and what they share. Internal to config*.c. */
#ifndef SERIN_CONFIG_PARTS_H
#define SERIN_CONFIG_PARTS_H

#include "config_reader.h"
#include "config_value.h"

#define CONFIG_MAX_TIMEOUT_S (7 * 24 * 3600)
#define CONFIG_MAX_FLOW_LOG 1000000u
#define EXPECTED_LISTEN "1 to 16 of ADDR:PORT/tcp or ADDR:PORT/udp"
#define EXPECTED_VERSIONS "1 to 8 of NAME: {backends: [...]}"

/* Sections of the file. `into` is the member of struct config that is named after the key, if not said otherwise. */
config_read_fn config_read_interfaces; /* struct config; config_host.c from here on */
config_read_fn config_read_attach;
config_read_fn config_read_http;
config_read_fn config_read_snat;
config_read_fn config_read_timeouts;
config_read_fn config_read_flows;
config_read_fn config_read_gue_port;
config_read_fn config_read_answer_timeout;
config_read_fn config_read_flow_log;
config_read_fn config_read_lease;
config_read_fn config_read_restart_grace;
config_read_fn config_read_services; /* struct config; config_service.c */

/* A service while it is read: what its checks need to name and the configuration does not keep. */
struct config_draft {
	struct config_service *service;
	struct config_place weight_places[SERIN_MAX_VERSIONS]; /* line 0: not said */
	char baseline[SERIN_VERSION_NAME_LEN];                 /* "": not said */
	struct config_place baseline_place;
	struct config_place protocol_place;        /* line 0: not said */
	struct config_place check_place;           /* of health.check; line 0: not said */
	yaml_node_t *rules, *rules_file, *rollout; /* NULL: not said; they name versions, so they are read last */
};

config_read_fn config_read_listen;   /* struct config_draft; config_listen.c */
config_read_fn config_read_versions; /* struct config_draft; config_version.c */
config_read_fn config_read_health;   /* struct config_draft; config_health.c from here on */
config_read_fn config_read_max_ejected;
config_read_fn config_read_on_ejection;
config_read_fn config_read_slow_start;
config_read_fn config_read_notify; /* config_notify.c */

/* "http://" or "https://", a host, perhaps a port and a path. */
bool config_url_is_valid(const char *text);

/* Defaults of a service's health; then what only its listeners tell. */
extern const struct config_health config_health_defaults;
int config_check_health(struct config_reader *reader, const struct config_draft *draft);

/* config_discovery.c: dns and file of a version, in a service that forwards so; then what all of its versions tell. */
int config_read_dns(struct config_reader *reader, yaml_node_t *node, enum serin_forward forward,
		    struct config_version *version);
int config_read_list_file(struct config_reader *reader, yaml_node_t *node, enum serin_forward forward,
			  struct config_version *version);
int config_check_sources(struct config_reader *reader, struct config_service *service);

/* Of all services together; config_version.c. */
size_t config_count_backends(const struct config *config);

/* config_backend.c: one backend, in the form that `forward` has it; then what only all of a service's backends tell. */
int config_read_backend(struct config_reader *reader, yaml_node_t *node, enum serin_forward forward,
			struct config_backend *ret);
int config_check_backends(struct config_reader *reader, struct config_service *service);

/* The whole file; the caller frees. -EFBIG past `max` bytes, else what opening or reading gave. config_file.c. */
int config_read_file(const char *path, size_t max, char **ret, size_t *ret_length);

/* Every word that a key may have, and its value; config_names.c. */
extern const struct config_choice config_attaches[4], config_forwards[6], config_flow_ends[2];
extern const struct config_choice config_ejection_ends[3], config_checks[3];
extern const struct config_choice config_unprovens[3], config_plain_actions[2], config_notices[CONFIG_NOTICES];

/* The rules that the draft has put aside, both kinds; config_rules.c. */
int config_read_rules(struct config_reader *reader, struct config_draft *draft);

/* And the rollout; config_rollout.c. */
int config_read_rollout(struct config_reader *reader, struct config_draft *draft);

/* What only the whole service, or the whole file, can tell; config_check.c. */
int config_check_service(struct config_reader *reader, struct config_draft *draft);
int config_check_all(struct config_reader *reader);

/* The same for the backends of one version, as far as families and listeners go; config_check.c. */
int config_check_found(struct config_reader *reader, const struct config_service *service,
		       const struct config_version *version);

/* Whether backends may be of another family than listeners. */
bool config_may_mix_families(const struct config_service *service);

#endif
