/* SPDX-License-Identifier: BSD-2-Clause */
/* POST /v1/reload: have the changed configuration applied, or with {"check": true} only compared. */
#include <errno.h>
#include <string.h>

#include "api_call.h"

static json_t *lines_to_json(const struct config_lines *lines)
{
	json_t *list = json_array();

	for (size_t i = 0; i < lines->count; i++)
		json_array_append_new(list, json_string(lines->line[i]));
	return list;
}

static void answer(struct api_call *call, int error, bool check, const struct config_diff *diff,
		   const struct complaint *complaint)
{
	if (!error)
		api_json(call, 200,
			 json_pack("{s:b, s:o}", "applied", !check && diff->changes.count, "changes",
				   lines_to_json(&diff->changes)));
	else if (error == -ECANCELED || error == -EUCLEAN || error == -ENOMEM)
		api_error(call, 500, "internal", "%s", complaint->text);
	else
		api_error(call, 422, "refused", "%s", complaint->text);
}

static bool read_check(struct api_call *call, const json_t *body, bool *ret)
{
	const json_t *check = json_object_get(body, "check");

	if (check && !json_is_boolean(check)) {
		api_error(call, 400, "bad_request", "\"check\" is neither true nor false");
		return false;
	}
	*ret = json_is_true(check);
	return true;
}

void api_post_reload(struct api_call *call)
{
	static const char *const keys[] = { "check", "reason", NULL };
	struct controller_request request = { .by = call->request->by };
	struct complaint complaint = { "" };
	struct config_diff diff = { 0 };
	json_t *body = NULL;
	bool check;
	int r;

	if (call->request->body_length && !api_read_body(call, keys, &body))
		return;
	if (read_check(call, body, &check) && api_read_reason(call, body, &request)) {
		r = controller_reload(call->controller, &request, check, &diff, &complaint);
		answer(call, r, check, &diff, &complaint);
		config_diff_free(&diff);
	}
	json_decref(body);
}
