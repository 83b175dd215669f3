/* SPDX-License-Identifier: BSD-2-Clause */
/* The difference of two configurations in the keys of the host. */
#include <stdio.h>

#include "config_diff.h"
#include "scalar.h"

static const char *timeout_text(unsigned int ms, char buffer[DURATION_TEXT_LEN])
{
	return ms ? duration_format_ms(ms, buffer) : "off";
}

static void diff_flow_log(unsigned int from, unsigned int to, struct config_lines *lines)
{
	char old[16] = "off", new[16] = "off";

	if (from == to)
		return;
	if (from)
		snprintf(old, sizeof(old), "1/%u", from);
	if (to)
		snprintf(new, sizeof(new), "1/%u", to);
	config_lines_add(lines, "~ flow_log: %s -> %s", old, new);
}

void config_diff_find_host(const struct config *old, const struct config *new, struct config_lines *lines)
{
	const struct config_timeouts *from = &old->timeouts, *to = &new->timeouts;
	char old_text[DURATION_TEXT_LEN], new_text[DURATION_TEXT_LEN];

	config_diff_seconds("timeouts.", "embryonic", from->embryonic, to->embryonic, lines);
	config_diff_seconds("timeouts.", "established", from->established, to->established, lines);
	config_diff_seconds("timeouts.", "half_closed", from->half_closed, to->half_closed, lines);
	config_diff_seconds("timeouts.", "closed", from->closed, to->closed, lines);
	config_diff_seconds("timeouts.", "port_rest", from->port_rest, to->port_rest, lines);
	config_diff_seconds("timeouts.", "udp", from->udp, to->udp, lines);
	if (old->answer_timeout != new->answer_timeout)
		config_lines_add(lines, "~ answer_timeout: %s -> %s", timeout_text(old->answer_timeout, old_text),
				 timeout_text(new->answer_timeout, new_text));
	if (old->lease != new->lease)
		config_lines_add(lines, "~ lease: %s -> %s", timeout_text(old->lease, old_text),
				 timeout_text(new->lease, new_text));
	if (old->restart_grace != new->restart_grace)
		config_lines_add(lines, "~ restart_grace: %s -> %s", duration_format_ms(old->restart_grace, old_text),
				 duration_format_ms(new->restart_grace, new_text));
	diff_flow_log(old->flow_log, new->flow_log, lines);
	if (old->gue_port != new->gue_port)
		config_lines_add(lines, "~ gue_port: %u -> %u", old->gue_port, new->gue_port);
}
