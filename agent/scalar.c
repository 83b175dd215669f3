/* SPDX-License-Identifier: BSD-2-Clause */
/* Strict numbers and names: strtoul() and friends forgive signs, spaces, leading zeros and trailing text. */
#include "scalar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Not isdigit(): that one asks the locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Take the number at the cursor and move behind it. */
static int take_number(const char **cursor, unsigned int *ret)
{
	const char *at = *cursor;
	unsigned int value = 0;

	if (!is_digit(at[0]) || (at[0] == '0' && is_digit(at[1])))
		return -EINVAL;
	for (; is_digit(*at); at++) {
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (unsigned int)(*at - '0'), &value))
			return -ERANGE;
	}
	*cursor = at;
	*ret = value;
	return 0;
}

/* Take the one or two decimals after a point: ".5" is 50 hundredths. */
static int take_hundredths(const char **cursor, unsigned int *ret)
{
	const char *at = *cursor + 1;

	if (!is_digit(at[0]))
		return -EINVAL;
	*ret = 10u * (unsigned int)(at[0] - '0');
	if (is_digit(at[1]))
		*ret += (unsigned int)(*++at - '0');
	*cursor = at + 1;
	return 0;
}

int parse_unsigned(const char *text, unsigned int min, unsigned int max, unsigned int *ret)
{
	unsigned int value;
	int err;

	err = take_number(&text, &value);
	if (err)
		return err;
	if (*text)
		return -EINVAL;
	if (value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int parse_share(const char *text, unsigned int *ret_basis_points)
{
	unsigned int whole, hundredths = 0;
	int err;

	err = take_number(&text, &whole);
	if (!err && *text == '.')
		err = take_hundredths(&text, &hundredths);
	if (err)
		return err;
	if (strcmp(text, "%"))
		return -EINVAL;
	if (whole > 100 || 100 * whole + hundredths > SHARE_WHOLE)
		return -ERANGE;
	*ret_basis_points = 100 * whole + hundredths;
	return 0;
}

int parse_duration(const char *text, uint64_t *ret_ms)
{
	static const struct {
		const char *name;
		unsigned int ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 24 * 3600 * 1000 },
	};
	unsigned int number;
	size_t i;
	int err;

	err = take_number(&text, &number);
	if (err)
		return err;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text, units[i].name))
			continue;
		*ret_ms = (uint64_t)number * units[i].ms;
		return 0;
	}
	return -EINVAL;
}

int parse_rate(const char *text, unsigned int *ret_per_second)
{
	unsigned int number;
	int err;

	err = take_number(&text, &number);
	if (err)
		return err;
	if (strcmp(text, "/s"))
		return -EINVAL;
	if (number < 1 || number > RATE_MAX)
		return -ERANGE;
	*ret_per_second = number;
	return 0;
}

int parse_decimal(const char *text, double min, double max, double *ret)
{
	bool negative = *text == '-';
	double value, scale = 1;
	unsigned int whole;
	int err;

	text += negative;
	err = take_number(&text, &whole);
	if (err)
		return err;
	if (whole > 999999999)
		return -ERANGE;
	value = whole;
	if (*text == '.') {
		for (text++; is_digit(*text) && scale < 1e6; text++, scale *= 10)
			value = 10 * value + (*text - '0');
		if (scale == 1)
			return -EINVAL;
	}
	if (*text)
		return -EINVAL;
	/* Both are whole numbers below 2^53: the quotient is the nearest there is. */
	value = (negative ? -value : value) / scale;
	if (value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int parse_port_range(const char *text, uint16_t *ret_first, uint16_t *ret_last)
{
	unsigned int first, last;
	int err;

	err = take_number(&text, &first);
	if (err)
		return err;
	if (*text++ != '-')
		return -EINVAL;
	err = parse_unsigned(text, 1, UINT16_MAX, &last);
	if (err)
		return err;
	if (first < 1 || first > last)
		return -ERANGE;
	*ret_first = (uint16_t)first;
	*ret_last = (uint16_t)last;
	return 0;
}

bool name_is_valid(const char *text, size_t size)
{
	size_t length = strlen(text);

	return length > 0 && length < size && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length &&
	       text[0] != '-' && text[length - 1] != '-';
}

/* Underscores are no part of host names, but of many that people give to containers and to SRV records. */
static bool label_is_valid(const char *label, size_t length)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	return length >= 1 && length <= 63 && strspn(label, good) >= length && label[0] != '-' &&
	       label[length - 1] != '-';
}

bool host_name_is_valid(const char *text)
{
	const char *label = text;
	size_t length;

	for (;;) {
		length = strcspn(label, ".");
		if (!label_is_valid(label, length))
			return false;
		if (!label[length] || !label[length + 1])
			break;
		label += length + 1;
	}
	return (size_t)(label - text) + length <= 253 && strspn(label, "0123456789") < length;
}

const char *share_format(unsigned int basis_points, char *buffer)
{
	unsigned int whole = basis_points / 100, hundredths = basis_points % 100;

	if (!hundredths)
		snprintf(buffer, SHARE_TEXT_LEN, "%u%%", whole);
	else if (hundredths % 10 == 0)
		snprintf(buffer, SHARE_TEXT_LEN, "%u.%u%%", whole, hundredths / 10);
	else
		snprintf(buffer, SHARE_TEXT_LEN, "%u.%02u%%", whole, hundredths);
	return buffer;
}

const char *duration_format(unsigned int seconds, char *buffer)
{
	static const struct {
		char name;
		unsigned int seconds;
	} units[] = { { 'd', 24 * 3600 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	size_t i = 0;

	while (units[i].seconds > 1 && (!seconds || seconds % units[i].seconds))
		i++;
	snprintf(buffer, DURATION_TEXT_LEN, "%u%c", seconds / units[i].seconds, units[i].name);
	return buffer;
}

const char *duration_format_ms(unsigned int ms, char *buffer)
{
	if (ms % 1000 == 0)
		return duration_format(ms / 1000, buffer);
	snprintf(buffer, DURATION_TEXT_LEN, "%ums", ms);
	return buffer;
}
