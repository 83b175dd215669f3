/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the API share: one request being answered. */
#ifndef SERIN_API_CALL_H
#define SERIN_API_CALL_H

#include <jansson.h>

#include "controller.h"
#include "http.h"

struct api_call {
	struct controller *controller;
	const struct http_request *request;
	struct http_response *response;
	struct service *service; /* routes with a name in their path */
};

/* {"error": {"code": ..., "message": ...}} */
void api_error(struct api_call *call, unsigned int status, const char *code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Takes the reference. NULL (out of memory) becomes a 500. */
void api_json(struct api_call *call, unsigned int status, json_t *value);

/* The value of a parameter, or NULL. */
const char *api_parameter(const struct api_call *call, const char *name);

/* 400 and false unless every parameter is one of `names` (a list that ends with NULL) and given once. */
bool api_check_parameters(struct api_call *call, const char *const *names);

/* The body as an object of no other keys than `keys` (a list that ends with NULL); *ret is the caller's. False: 400. */
bool api_read_body(struct api_call *call, const char *const *keys, json_t **ret);
/* Its "reason", which belongs to `body`. False: 400. */
bool api_read_reason(struct api_call *call, const json_t *body, struct controller_request *request);

/* If-Match, when there is one. False: 400. */
bool api_read_if_match(struct api_call *call, struct controller_request *request);

/* What a change came to: the service as it is now, or the complaint under the status that fits the negative errno. */
void api_answer_change(struct api_call *call, int error, const struct complaint *complaint);

/* The service as it is now, and its ETag into the answer. */
json_t *api_service_json(struct api_call *call);
void api_answer_service(struct api_call *call);

/* The handlers, by route. */
void api_get_healthz(struct api_call *call);
void api_get_page(struct api_call *call);
void api_get_metrics(struct api_call *call);
void api_get_services(struct api_call *call);
void api_get_service(struct api_call *call);
void api_get_explain(struct api_call *call);
void api_get_flows(struct api_call *call);
void api_get_history(struct api_call *call);
void api_get_events(struct api_call *call);
void api_put_weights(struct api_call *call);
void api_post_backend(struct api_call *call);
void api_post_baseline(struct api_call *call);
void api_post_rollback(struct api_call *call);
void api_post_rollout(struct api_call *call);
void api_get_why(struct api_call *call);
void api_post_outcomes(struct api_call *call);
void api_post_reload(struct api_call *call);

#endif
