/* SPDX-License-Identifier: BSD-2-Clause */
/* The live page, for a browser on this host or behind a tunnel. */
#include <stdlib.h>
#include <string.h>

#include "api_call.h"
#include "page.h"

/* Its own files and this API, and nothing else in the world; not even a line of script inside the page. */
#define POLICY                                                                                                          \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; " \
	"form-action 'none'; frame-ancestors 'none'"

void api_get_page(struct api_call *call)
{
	struct page page;
	char *body = page_find(call->request->path, &page) ? malloc(page.length) : NULL;

	if (!body) {
		api_error(call, 500, "internal", "not enough memory for the page");
		return;
	}
	memcpy(body, page.bytes, page.length);
	call->response->status = 200;
	call->response->content_type = page.content_type;
	call->response->content_policy = POLICY;
	call->response->body = body;
	call->response->body_length = page.length;
}
