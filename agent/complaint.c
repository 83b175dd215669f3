/* SPDX-License-Identifier: BSD-2-Clause */
#include "complaint.h"

#include <stdarg.h>
#include <stdio.h>

int complain(struct complaint *to, int error, const char *format, ...)
{
	va_list args;

	if (!to)
		return error;
	va_start(args, format);
	vsnprintf(to->text, sizeof(to->text), format, args);
	va_end(args);
	return error;
}
