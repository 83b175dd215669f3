/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration file as plain structs, checked for everything that the file alone can tell. Pure, but for reading
 * the file and the files of rules that it names. */
#ifndef SERIN_CONFIG_H
#define SERIN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <serin/abi.h>
#include "address.h"
#include "complaint.h"
#include "config_place.h"
#include "config_rollout.h"

#define CONFIG_MAX_LISTENERS 16 /* of one service */
#define CONFIG_MAX_RULES 100000 /* of one service */
#define CONFIG_INTERFACE_LEN 16 /* IFNAMSIZ */
#define CONFIG_CHECK_PATH_LEN 256
#define CONFIG_CHECK_HOST_LEN 264 /* a host name of 253 characters, ":", a port */

/* Of all services together: while a set of rules is replaced, the kernel has the old and the new one. */
#define CONFIG_MAX_ALL_RULES (SERIN_MAX_RULES / 2)

enum config_attach { ATTACH_AUTO, ATTACH_XDP, ATTACH_XDP_GENERIC, ATTACH_TC };

struct config_interface {
	char name[CONFIG_INTERFACE_LEN];
	struct config_place place;
};

struct config_http {
	bool enabled; /* default: true, on 127.0.0.1:9477 */
	struct endpoint listen;
	char *token_file; /* NULL: no changes over TCP */
	struct config_place place, listen_place, token_place;
};

struct config_snat {
	struct serin_addr addresses[SERIN_MAX_SNAT]; /* none: the address that the host itself would use */
	unsigned int address_count;
	uint16_t port_first, port_last; /* default 1024-32767 */
	struct config_place place, addresses_place, ports_place;
};

/* Seconds that an idle flow of each state is kept. RFC 5382 asks 2 h 4 min and 4 min at least. */
struct config_timeouts {
	unsigned int embryonic;   /* default 10 */
	unsigned int established; /* 7440 */
	unsigned int half_closed; /* 240 */
	unsigned int closed;      /* 10 */
	unsigned int port_rest;   /* 60 */
	unsigned int udp;         /* 30, in any state */
};

struct config_backend {
	struct endpoint
		endpoint; /* forward: local: no address; one-way: without a port given, that of the first listener */
	uint16_t weight;  /* within its version, 0 to 1000, default 1; 0: gets no new connections */
	struct config_place place;
};

/* What is asked of the DNS: A and AAAA records, or SRV records and the addresses of the names in them. */
enum config_dns_type { CONFIG_DNS_A, CONFIG_DNS_SRV };

/* A name whose records are a version's backends. */
struct config_dns {
	char *name; /* as in the file, perhaps with a dot at its end; NULL: backends do not come from the DNS */
	enum config_dns_type type; /* default a */
	uint16_t port;             /* of every backend; 0: the records say it (srv) */
	unsigned int every;        /* ms after which it is asked again at the latest, 1 s to 1 h, default 5000 */
};

/* Its backends are in the configuration, or what a name in the DNS or a file says: exactly one of the three. */
struct config_version {
	char name[SERIN_VERSION_NAME_LEN];
	int weight; /* share when nothing else has been set, in basis points; -1: not said (0 for a version on trial) */
	unsigned int capacity; /* the largest share that a rollout gives it, 1 to 10000 basis points, default 10000 */
	struct config_backend *backends; /* none as long as dns or file has not been asked: parsing does not */
	size_t backend_count;
	struct config_dns dns;
	char *file; /* absolute path of the list of backends; NULL: they do not come from a file */
	struct config_place place, source_place; /* source_place: of what is behind backends, dns or file */
};

struct config_listener {
	struct serin_addr addr;
	__be16 port;
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	struct config_place place;
};

/* Who is placed in a version instead of being drawn. */
struct config_rule {
	struct prefix prefix;
	uint8_t version; /* index into versions */
	bool from_file;  /* `place` is in the service's rules_file */
	struct config_place place;
};

/* Sorted by address, then by length: no prefix twice. */
struct config_rules {
	struct config_rule *items;
	size_t count;
	char *file; /* rules_file, or NULL */
};

/* What becomes of the flows of a version that is rolled back, or of a backend that is ejected: they live on until
 * drain_timeout, they are reset, or (ejection only) nothing happens to them. */
enum config_flows { CONFIG_FLOWS_DRAIN, CONFIG_FLOWS_RESET, CONFIG_FLOWS_LEAVE };

enum config_check { CONFIG_CHECK_OFF, CONFIG_CHECK_TCP, CONFIG_CHECK_HTTP };

/* How backends are looked at. */
struct config_health {
	bool passive;                     /* failed handshakes eject; default true; false under `health: off` */
	enum config_check check;          /* active checks; default off */
	char path[CONFIG_CHECK_PATH_LEN]; /* http: what is asked for, default "/" */
	char host[CONFIG_CHECK_HOST_LEN]; /* http: the Host header; "": the backend's own ADDR:PORT */
	uint16_t status_low, status_high; /* http: the answers that pass, 200 to 599, default 200-399 */
	unsigned int every;               /* ms from one check to the next, 100 ms to 1 h, default 2000 */
	unsigned int timeout;             /* ms, 10 ms to `every`, default 1000 or `every` if that is less */
	unsigned int fall, rise;          /* checks in a row that take it out, bring it back: 1 to 100, default 3, 2 */
	uint16_t port;                    /* default 0: the backend's own */
};

struct config_service {
	char name[SERIN_NAME_LEN];
	struct config_listener listeners[CONFIG_MAX_LISTENERS];
	size_t listener_count;
	enum serin_forward forward;                         /* default nat */
	enum serin_affinity affinity;                       /* default source */
	uint8_t prefix4, prefix6;                           /* default 32, 64 */
	struct config_version versions[SERIN_MAX_VERSIONS]; /* in the order of the file */
	size_t version_count;
	size_t baseline;            /* index into versions */
	uint8_t protocol;           /* IPPROTO_TCP or IPPROTO_UDP; default: of the first listener */
	enum serin_speaks speaks;   /* what TCP connections can be read as */
	unsigned int max_new;       /* flows per second; 0: any number */
	unsigned int drain_timeout; /* seconds that flows of removed backends live on; default 300 */
	enum config_flows on_rollback;
	struct config_health health;
	unsigned int max_ejected;      /* of a version's backends on passive evidence: basis points, default 5000 */
	enum config_flows on_ejection; /* default leave */
	unsigned int slow_start;       /* ms until a backend that comes back has its whole weight; default 0: at once */
	struct config_rules rules;
	struct config_rollout *rollout; /* NULL: the file has none */
	struct config_notify *notify;
	size_t notify_count;
	struct config_place place, forward_place;
};

struct config {
	char *path; /* as given, for complaints */
	struct config_interface interfaces[SERIN_MAX_DEVICES];
	size_t interface_count;
	enum config_attach attach;
	struct config_place attach_place;
	struct config_http http;
	struct config_snat snat;
	struct config_timeouts timeouts;
	uint32_t max_flows; /* default 262144 */
	struct config_place flows_place;
	uint16_t gue_port;           /* default 6080; host byte order */
	unsigned int answer_timeout; /* ms that a turn may stay open; default 10000; 0: any time */
	unsigned int flow_log;       /* one of so many flows that end is logged; default 0: none */
	unsigned int lease; /* ms that the kernel trusts a silent agent during a rollout, default 5000; 0: for ever */
	unsigned int restart_grace; /* ms that an orderly stop adds to that once, default 60000 */
	struct config_service *services;
	size_t service_count;
};

/* Read and check the file. 0 and *ret, or a negative errno and "FILE:LINE:COLUMN: what is wrong, what was expected"
 * in `complaint` (*ret untouched): -EINVAL for its text, else what opening or reading gave ("FILE: ..."). */
int config_load(const char *path, struct config **ret, struct complaint *complaint);

/* The same from memory; `path` is only named in complaints. */
int config_parse(const char *path, const char *text, size_t length, struct config **ret, struct complaint *complaint);

/* NULL is fine. Returns NULL. */
struct config *config_free(struct config *config);

/* All of it, sharing nothing; NULL: out of memory. */
struct config *config_copy(const struct config *config);

/* Replace the backends of a version that are found elsewhere (config_is_discovered) by a copy of these. A backend without
 * a port (one-way only) gets that of the first listener; addresses from the DNS that are not of the listeners' family are
 * left out, unless tunnels carry them. 0; or -EINVAL (or -ENOMEM) and why not, in which case nothing has changed: an
 * address that the file could not name either, a list without a backend of a weight, no room. Complaints begin with the
 * name, or with the file and the backend's place in it. */
int config_set_backends(struct config *config, size_t service_index, size_t version_index,
			const struct config_backend *found, size_t count, struct complaint *complaint);

/* NULL when there is none of that name. */
const struct config_service *config_find_service(const struct config *config, const char *name);
int config_find_version(const struct config_service *service, const char *name); /* index, or -ENOENT */

/* Whether packets of that family are forwarded: those of listeners and, for tunnels, the outer ones. A port of this host
 * (forward: local) needs none. */
bool config_forwards_family(const struct config *config, bool ipv4);

/* Whether a service of forward: nat listens by that protocol. */
bool config_uses_nat(const struct config *config, uint8_t protocol);

/* Whether a version's backends are found elsewhere than in the configuration. */
bool config_is_discovered(const struct config_version *version);

/* Whether two addresses are one server's: where ports are not rewritten, they tell no two servers apart. */
bool config_is_same_server(enum serin_forward forward, const struct endpoint *one, const struct endpoint *other);

/* "dns canary.shop.internal:3000", "dns _http._tcp.shop.internal (SRV)", "file /etc/serin/canary.json", "3 addresses".
 * Writes CONFIG_SOURCE_LEN bytes at most, returns `buffer`. */
#define CONFIG_SOURCE_LEN 320
const char *config_source_format(const struct config_version *version, char *buffer);

/* As in the file: "nat", "xdp-generic", "reset". */
const char *config_forward_name(enum serin_forward forward);
const char *config_attach_name(enum config_attach attach);
const char *config_flows_name(enum config_flows flows);
const char *config_check_name(enum config_check check);
const char *config_protocol_name(const struct config_service *service); /* "http", "tcp" or "udp" */

#endif
