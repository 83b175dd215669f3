/* SPDX-License-Identifier: BSD-2-Clause */
/* What HTTP requests mean: routes, from JSON to the controller and back. */
#ifndef SERIN_API_H
#define SERIN_API_H

#include "http.h"

/* An http_fn; the context is a struct controller. */
void api_handle(void *controller, const struct http_request *request, struct http_response *response);

#endif
