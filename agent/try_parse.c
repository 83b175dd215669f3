/* SPDX-License-Identifier: BSD-2-Clause */
/* The arguments of `serin try`, and the configuration that they amount to. Pure. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "scalar.h"
#include "try.h"

#define EXPECTED_VERSION "NAME=PORT or NAME=PORT@SHARE such as canary=3002@10%"

struct draft {
	struct try_split split;
	bool has_share[SERIN_MAX_VERSIONS];
};

static int parse_port(const char *text, uint16_t *ret)
{
	unsigned int port;

	if (parse_unsigned(text, 1, UINT16_MAX, &port))
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

static int check_unique(const struct try_split *split, const struct try_version *version, struct complaint *complaint)
{
	for (size_t i = 0; i < split->count; i++) {
		const struct try_version *other = &split->versions[i];

		if (!strcmp(other->name, version->name))
			return complain(complaint, -EINVAL, "version %s is named twice, expected a name for each",
					version->name);
		if (other->port == version->port)
			return complain(complaint, -EINVAL,
					"versions %s and %s are both on port %u, expected a port for each", other->name,
					version->name, version->port);
	}
	return 0;
}

/* `text` is cut into its parts. */
static int parse_version(char *text, const char *argument, struct draft *draft, struct complaint *complaint)
{
	struct try_version version = { .weight = 0 };
	char *port = strchr(text, '='), *share;
	unsigned int weight = 0;
	int r;

	if (!port)
		return complain(complaint, -EINVAL, "'%s' is no version, expected %s", argument, EXPECTED_VERSION);
	*port++ = '\0';
	share = strchr(port, '@');
	if (share)
		*share++ = '\0';
	if (!name_is_valid(text, sizeof(version.name)))
		return complain(
			complaint, -EINVAL,
			"the name in '%s' is wrong, expected 1 to 31 lowercase letters, digits and inner hyphens",
			argument);
	if (parse_port(port, &version.port))
		return complain(complaint, -EINVAL, "the port in '%s' is wrong, expected 1 to 65535, such as in %s",
				argument, "canary=3002@10%");
	if (share && parse_share(share, &weight))
		return complain(complaint, -EINVAL, "the share in '%s' is wrong, expected %s", argument,
				EXPECTED_SHARE);
	strcpy(version.name, text);
	version.weight = (uint16_t)weight;
	r = check_unique(&draft->split, &version, complaint);
	if (r)
		return r;
	if (draft->split.count == SERIN_MAX_VERSIONS)
		return complain(complaint, -EINVAL, "'%s' is one version too many, expected 2 to %u", argument,
				SERIN_MAX_VERSIONS);
	draft->has_share[draft->split.count] = share != NULL;
	draft->split.versions[draft->split.count++] = version;
	return 0;
}

static int add_version(const char *argument, struct draft *draft, struct complaint *complaint)
{
	char *text = strdup(argument);
	int r = text ? parse_version(text, argument, draft, complaint) : complain(complaint, -ENOMEM, "out of memory");

	free(text);
	return r;
}

/* The baseline takes what the others leave. */
static int share_out(struct draft *draft, struct complaint *complaint)
{
	struct try_split *split = &draft->split;
	char text[SHARE_TEXT_LEN];
	unsigned int sum = 0;

	for (size_t i = 0; i < split->count; i++) {
		if (!strcmp(split->versions[i].name, TRY_BASELINE))
			split->baseline = i;
		sum += split->versions[i].weight;
	}
	if (draft->has_share[split->baseline] && sum != SERIN_SLOTS)
		return complain(complaint, -EINVAL,
				"all shares add up to %s, expected 100%% where the baseline %s has one",
				share_format(sum, text), split->versions[split->baseline].name);
	if (sum > SERIN_SLOTS)
		return complain(complaint, -EINVAL, "all shares add up to %s, expected at most 100%%",
				share_format(sum, text));
	split->versions[split->baseline].weight =
		(uint16_t)(split->versions[split->baseline].weight + SERIN_SLOTS - sum);
	return 0;
}

int try_parse(char *const *arguments, int count, uint8_t protocol, struct try_split *ret, struct complaint *complaint)
{
	struct draft draft = { .split = { .protocol = protocol } };
	int r = 0;

	if (count < 1 || parse_port(arguments[0], &draft.split.port))
		return complain(complaint, -EINVAL, "'%s' is no port to split, expected 1 to 65535, such as 8080",
				count < 1 ? "" : arguments[0]);
	for (int i = 1; !r && i < count; i++)
		r = add_version(arguments[i], &draft, complaint);
	if (!r && draft.split.count < 2)
		r = complain(complaint, -EINVAL, "%zu version%s, expected 2 to %u of %s", draft.split.count,
			     draft.split.count == 1 ? "" : "s", SERIN_MAX_VERSIONS, EXPECTED_VERSION);
	if (!r)
		r = share_out(&draft, complaint);
	if (!r)
		*ret = draft.split;
	return r;
}

static void print_versions(FILE *out, const struct try_split *split)
{
	char text[SHARE_TEXT_LEN];

	for (size_t i = 0; i < split->count; i++) {
		const struct try_version *version = &split->versions[i];

		/* A quoted name is a name, whatever it would mean to YAML. */
		fprintf(out, "      \"%s\": {backends: [%u]", version->name, version->port);
		if (i != split->baseline)
			fprintf(out, ", weight: %s", share_format(version->weight, text));
		fputs("}\n", out);
	}
}

char *try_config_text(const struct try_split *split, uint32_t max_flows)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out,
		"interfaces: [lo]\nattach: tc\nhttp: off\nflows: %u\nservices:\n"
		"  - name: try-%u\n    listen: [\"127.0.0.1:%u/%s\"]\n    forward: local\n    affinity: flow\n"
		"    baseline: \"%s\"\n    versions:\n",
		max_flows, split->port, split->port, protocol_name(split->protocol),
		split->versions[split->baseline].name);
	print_versions(out, split);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
