/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin weight`: set the shares of a service's versions by hand. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "scalar.h"

/* "canary=5%" into the object of weights. */
static int add_share(json_t *weights, const char *argument, struct complaint *complaint)
{
	const char *equals = strchr(argument, '=');
	unsigned int basis_points;
	char *name;
	int error = 0;

	if (!equals || equals == argument)
		return complain(complaint, -EINVAL,
				"'%s' is no share of a version, expected VERSION=SHARE such as canary=5%%", argument);
	if (parse_share(equals + 1, &basis_points))
		return complain(complaint, -EINVAL, "the share in '%s' is wrong, expected %s", argument,
				EXPECTED_SHARE);
	name = strndup(argument, (size_t)(equals - argument));
	if (!name)
		return complain(complaint, -ENOMEM, "out of memory");
	if (json_object_get(weights, name))
		error = complain(complaint, -EINVAL, "version %s is named twice", name);
	else if (json_object_set_new(weights, name, json_string(equals + 1)))
		error = complain(complaint, -EINVAL, "'%s' is not a version's name", name);
	free(name);
	return error;
}

static int make_weights(const struct options *options, json_t **ret, struct complaint *complaint)
{
	json_t *weights = json_object();
	int error = weights ? 0 : complain(complaint, -ENOMEM, "out of memory");
	int i;

	for (i = 1; i < options->argument_count && !error; i++)
		error = add_share(weights, options->arguments[i], complaint);
	if (error) {
		json_decref(weights);
		return error;
	}
	*ret = weights;
	return 0;
}

int cmd_weight(const struct options *options)
{
	struct complaint complaint;
	json_t *weights = NULL, *body, *service = NULL;
	int code;

	if (make_weights(options, &weights, &complaint))
		return command_fail(COMMAND_USAGE, "%s", complaint.text);
	body = json_pack("{s:o, s:s*}", "weights", weights, "reason", options->reason);
	if (!body)
		return command_fail(COMMAND_USAGE, "the reason is not UTF-8 text");
	code = command_call_service(options, "PUT", "/weights", body, &service);
	json_decref(body);
	if (code)
		return code;
	code = command_print_shares(options, service);
	json_decref(service);
	return code;
}
