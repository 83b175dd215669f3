/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines about backends below the versions' figures. What is missing or of another type, an older agent does not know. */
#include "status_backends.h"

#include <string.h>

#include "table.h"

#define SHOWN 5u /* of a version; the others are counted */

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

const char *status_backend_out(const json_t *backend, char *buffer)
{
	const char *state = text_of(backend, "state"), *why = text_of(backend, "why");

	if (json_is_true(json_object_get(backend, "leaving")))
		return "leaving";
	if (json_is_true(json_object_get(backend, "drained")))
		return "drained";
	if (!state || !strcmp(state, "up"))
		return NULL;
	snprintf(buffer, STATUS_PLACE_LEN, why ? "out: %.32s" : "out", why);
	return buffer;
}

static void print_one(FILE *out, const char *version, const json_t *backend, const char *how)
{
	const char *address = text_of(backend, "address");

	text_print(out, version);
	fputs("  ", out);
	text_print(out, address ? address : "?");
	fputs("  ", out);
	text_print(out, how);
	putc('\n', out);
}

/* Those that leave are nobody's any more. */
static void print_listed(FILE *out, const char *version, const json_t *backends)
{
	size_t count = 0, i;
	json_t *backend;

	json_array_foreach (backends, i, backend) {
		char buffer[STATUS_PLACE_LEN];
		const char *how = status_backend_out(backend, buffer);

		if (!how || json_is_true(json_object_get(backend, "leaving")))
			continue;
		if (count++ < SHOWN)
			print_one(out, version, backend, how);
	}
	if (count <= SHOWN)
		return;
	text_print(out, version);
	fprintf(out, "  and %zu more\n", count - SHOWN);
}

static void print_counted(FILE *out, const char *service, const char *version, const json_t *live)
{
	json_int_t of = json_integer_value(json_object_get(live, "of"));
	json_int_t serving = json_integer_value(json_object_get(live, "serving"));

	if (serving >= of)
		return;
	if (service) {
		text_print(out, service);
		putc(' ', out);
	}
	text_print(out, version);
	fprintf(out, "  %lld of %lld backend%s get%s no clients\n", (long long)(of - serving), (long long)of,
		of == 1 ? "" : "s", of - serving == 1 ? "s" : "");
}

void status_print_out(FILE *out, const char *service, const json_t *versions)
{
	json_t *version;
	size_t i;

	json_array_foreach (versions, i, version) {
		const json_t *backends = json_object_get(version, "backends");
		const char *name = text_of(version, "name");

		if (name && json_is_array(backends))
			print_listed(out, name, backends);
		else if (name)
			print_counted(out, service, name, json_object_get(version, "live"));
	}
}

void status_print_sources(FILE *out, const char *before, const json_t *versions)
{
	json_t *version;
	size_t i;

	json_array_foreach (versions, i, version) {
		const char *text = text_of(json_object_get(version, "source"), "text"),
			   *name = text_of(version, "name");

		if (!text || !name)
			continue;
		fputs(before, out);
		before = "";
		text_print(out, name);
		fputs(" from ", out);
		text_print(out, text);
		putc('\n', out);
	}
}
