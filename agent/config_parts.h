/* SPDX-License-Identifier: BSD-2-Clause */
/* The sections of the configuration, each in a file of its own, and what they share. Internal to config*.c. */
#ifndef SERIN_CONFIG_PARTS_H
#define SERIN_CONFIG_PARTS_H

#include "config_reader.h"

/* Sections of the file. `into` is the member of struct config that is named after the key, if not said otherwise. */
config_read_fn config_read_interfaces; /* struct config; config_host.c from here on */
config_read_fn config_read_attach;
config_read_fn config_read_http;
config_read_fn config_read_snat;
config_read_fn config_read_timeouts;
config_read_fn config_read_flows;
config_read_fn config_read_services; /* struct config; config_service.c */

/* A service while it is read: what its checks need to name and the configuration does not keep. */
struct config_draft {
	struct config_service *service;
	struct config_place weight_places[SERIN_MAX_VERSIONS]; /* line 0: not said */
	char baseline[SERIN_VERSION_NAME_LEN];                 /* "": not said */
	struct config_place baseline_place;
};

config_read_fn config_read_listen;   /* struct config_draft; config_listen.c */
config_read_fn config_read_versions; /* struct config_draft; config_version.c */

/* What only the whole service, or the whole file, can tell; config_check.c. */
int config_check_service(struct config_reader *reader, struct config_draft *draft);
int config_check_all(struct config_reader *reader);

#endif
