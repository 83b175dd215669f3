/* SPDX-License-Identifier: BSD-2-Clause */
/* Strict numbers and names, for the configuration, the command line and the API, and words for their errors. Pure. */
#ifndef SERIN_SCALAR_H
#define SERIN_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARE_WHOLE 10000u /* 100 % in basis points */
#define SHARE_TEXT_LEN 16  /* room for the longest text and NUL */
#define DURATION_TEXT_LEN 16
#define RATE_MAX 1000000000u

/* What to say after ", expected " when one of these was not understood. */
#define EXPECTED_SHARE "0% to 100% with at most two decimals, such as 5% or 0.25%"
#define EXPECTED_DURATION "a whole number and one unit of ms, s, m, h, d, such as 500ms or 15m"
#define EXPECTED_RATE "1/s to 1000000000/s, such as 5000/s"
#define EXPECTED_PORT_RANGE "FIRST-LAST with 1 <= FIRST <= LAST <= 65535, such as 1024-32767"

/* All parsers: the whole text or nothing. Numbers are decimal digits: no sign, no space, no leading zero.
 * 0; -EINVAL for text of another form; -ERANGE for a value out of range. Outputs are untouched on failure. */
int parse_unsigned(const char *text, unsigned int min, unsigned int max, unsigned int *ret);

/* "5%", "0.25%", "100%": 0 to SHARE_WHOLE. */
int parse_share(const char *text, unsigned int *ret_basis_points);

/* "500ms", "10s", "15m", "2h", "7d". Zero is a duration. */
int parse_duration(const char *text, uint64_t *ret_ms);

/* "5000/s": 1 to RATE_MAX. */
int parse_rate(const char *text, unsigned int *ret_per_second);

/* "1.5", "-0.25", "1000": up to 9 digits before the point, up to 6 behind it, from `min` to `max`. */
int parse_decimal(const char *text, double min, double max, double *ret);

/* "1024-32767" */
int parse_port_range(const char *text, uint16_t *ret_first, uint16_t *ret_last);

/* [a-z0-9]([a-z0-9-]*[a-z0-9])? of fewer than `size` characters: fits into char[size]. */
bool name_is_valid(const char *text, size_t size);

/* The name of a host in the DNS: labels of 1 to 63 letters, digits, inner hyphens and underscores between single dots,
 * 253 characters in all, one more dot at the end. The last label has a letter: no address looks like a name. */
bool host_name_is_valid(const char *text);

/* The shortest text that parse_share reads as this share. Writes SHARE_TEXT_LEN bytes at most, returns `buffer`. */
const char *share_format(unsigned int basis_points, char *buffer);

/* The same for durations: "90s", "5m", "2h". Writes DURATION_TEXT_LEN bytes at most. */
const char *duration_format(unsigned int seconds, char *buffer);
const char *duration_format_ms(unsigned int ms, char *buffer); /* "1500ms", "2s", "5m" */

#endif
