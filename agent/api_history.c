/* SPDX-License-Identifier: BSD-2-Clause */
/* A service's last quarter of an hour. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api_call.h"
#include "history.h"

static bool read_after(struct api_call *call, int64_t *ret)
{
	const char *text = api_parameter(call, "after");

	if (!text)
		return true;
	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 12) {
		api_error(call, 400, "bad_request", "after is '%.32s', expected seconds since 1970", text);
		return false;
	}
	*ret = strtoll(text, NULL, 10);
	return true;
}

void api_get_history(struct api_call *call)
{
	static const char *const names[] = { "after", NULL };
	const struct history *history = controller_history(call->controller, call->service);
	int64_t after = 0;

	if (!api_check_parameters(call, names) || !read_after(call, &after))
		return;
	if (history)
		api_json(call, 200, history_to_json(history, after));
	else /* its first second */
		api_json(call, 200, json_pack("{s:i, s:[]}", "step", HISTORY_STEP, "points"));
}
