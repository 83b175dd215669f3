/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin explain`: which version a client gets, and why. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "commands.h"
#include "scalar.h"
#include "table.h"

/* "/explain?address=...&port=...&listen=...": what addresses are made of needs no percent-encoding here. */
static int make_query(const struct options *options, char query[256], struct complaint *complaint)
{
	char client[ADDRESS_TEXT_LEN], listen[ADDRESS_TEXT_LEN], port[16] = "";
	struct endpoint from = { .port = 0 }, to;
	uint8_t protocol = 0;

	if (address_parse(options->arguments[1], &from.addr) && endpoint_parse(options->arguments[1], &from))
		return complain(complaint, -EINVAL,
				"'%s' is no address, expected one such as 198.51.100.7, "
				"198.51.100.7:40000, 2001:db8::7 or [2001:db8::7]:40000",
				options->arguments[1]);
	if (options->listen && listener_parse(options->listen, &to, &protocol))
		return complain(complaint, -EINVAL,
				"--listen is '%s', expected an address and port such as "
				"203.0.113.10:80 or [2001:db8::10]:53/udp",
				options->listen);
	if (from.port)
		snprintf(port, sizeof(port), "&port=%u", ntohs(from.port));
	if (options->listen)
		endpoint_format(&to.addr, to.port, listen);
	snprintf(query, 256, "/explain?address=%s%s%s%s%s%s", address_format(&from.addr, client), port,
		 options->listen ? "&listen=" : "", options->listen ? listen : "", protocol ? "/" : "",
		 protocol ? protocol_name(protocol) : "");
	return 0;
}

struct explanation {
	const char *address, *counted, *version, *because;
	const char *backend; /* NULL: the version has none */
	const char *rule;    /* NULL: none places this client */
	const char *guard;   /* NULL: none has turned it away from `drawn` */
	const char *drawn;
	int port; /* 0: none was asked for */
	int slot, weight, generation;
};

static int read_explanation(const json_t *answer, struct explanation *ret)
{
	json_t *backend = NULL, *port = NULL, *rule = NULL, *guard = NULL, *drawn = NULL;

	if (json_unpack((json_t *)answer, "{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s?o, s?o, s?o, s?o, s?o}", "address",
			&ret->address, "counted", &ret->counted, "version", &ret->version, "because", &ret->because,
			"slot", &ret->slot, "weight", &ret->weight, "generation", &ret->generation, "backend", &backend,
			"port", &port, "rule", &rule, "guard", &guard, "drawn", &drawn) ||
	    ret->weight < 0)
		return -EBADMSG;
	ret->backend = json_string_value(backend);
	ret->rule = json_string_value(rule);
	ret->drawn = json_string_value(drawn) ?: ret->version;
	ret->guard = json_string_value(guard);
	ret->port = (int)json_integer_value(port);
	return 0;
}

static int print_explanation(FILE *out, const json_t *answer)
{
	struct explanation is;
	char share[SHARE_TEXT_LEN];

	if (read_explanation(answer, &is))
		return command_fail(COMMAND_FAILED, "the agent's answer is no explanation");
	fputs(is.address, out);
	if (is.port)
		fprintf(out, ", port %d,", is.port);
	fprintf(out, " gets version %s, ", is.version);
	if (is.backend)
		fprintf(out, "backend %s\n", is.backend);
	else
		fputs("which has no backend: its new connections are dropped\n", out);
	if (is.rule)
		fprintf(out, "the rule for %s places it %s%s; else the hash of %s would count, slot %d of %u", is.rule,
			is.guard ? "on " : "there", is.guard ? is.drawn : "", is.counted, is.slot, SERIN_SLOTS);
	else
		fprintf(out, "the hash of %s falls on slot %d of %u, one of %s's at its share of %s", is.counted,
			is.slot, SERIN_SLOTS, is.drawn, share_format((unsigned int)is.weight, share));
	if (is.guard)
		fprintf(out, ", whose guard lets nobody in: %s", is.guard);
	fprintf(out, " (generation %d)\nconnections that are already open stay where they are\n", is.generation);
	return COMMAND_OK;
}

int cmd_explain(const struct options *options)
{
	struct complaint complaint;
	json_t *answer = NULL;
	char query[256];
	int code;

	if (make_query(options, query, &complaint))
		return command_fail(COMMAND_USAGE, "%s", complaint.text);
	code = command_call_service(options, "GET", query, NULL, &answer);
	if (code)
		return code;
	code = options->output == OUTPUT_JSON ? command_print_json(answer) : print_explanation(stdout, answer);
	json_decref(answer);
	return code;
}
