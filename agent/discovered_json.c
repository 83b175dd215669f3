/* SPDX-License-Identifier: BSD-2-Clause */
/* A version's source for those who read the API. */
#include "discovered_json.h"

json_t *discovered_to_json(const struct discovered *discovered, size_t running, int64_t now_ms)
{
	char text[DISCOVERED_TEXT_LEN];
	json_t *age;

	if (!discovered)
		return json_null();
	age = discovered->list.count ? json_real((double)(now_ms - discovered->good_ms) / 1000) : json_null();
	return json_pack("{s:s, s:s, s:I, s:o, s:b, s:s}", "kind",
			 discovered->source == DISCOVERED_IN_FILE ? "file" : "dns", "name", discovered->subject,
			 "addresses", (json_int_t)discovered->list.count, "age_seconds", age, "ok", !discovered->keeps,
			 "text", discovered_describe(discovered, running, now_ms, text));
}
