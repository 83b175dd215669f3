/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines and columns in JSON, for complaints: jansson tells no value's place, and of an error only where it stopped. Pure. */
#ifndef SERIN_JSON_PLACE_H
#define SERIN_JSON_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>

#include "config.h"

/* Lines from 1, columns in bytes from 1. */

bool json_is_blank(const char *text, size_t length);

/* The first word of the text. */
struct config_place json_place_of_root(const char *text, size_t length);

/* Where entry `index`, from 0, of the outermost list begins. Only for text that jansson has read as a list that long. */
struct config_place json_place_of_entry(const char *text, size_t length, size_t index);

/* Where the word begins that jansson could not use. */
struct config_place json_place_of_error(const char *text, size_t length, const json_error_t *error);

#endif
