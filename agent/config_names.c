/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of the configuration and their values, both ways. */
#include "config_parts.h"

const struct config_choice config_attaches[4] = {
	{ "auto", ATTACH_AUTO },
	{ "xdp", ATTACH_XDP },
	{ "xdp-generic", ATTACH_XDP_GENERIC },
	{ "tc", ATTACH_TC },
};

const struct config_choice config_forwards[6] = {
	{ "nat", SERIN_FORWARD_NAT },   { "gateway", SERIN_FORWARD_GATEWAY }, { "local", SERIN_FORWARD_LOCAL },
	{ "ipip", SERIN_FORWARD_IPIP }, { "gue", SERIN_FORWARD_GUE },         { "l2", SERIN_FORWARD_L2 },
};

const struct config_choice config_flow_ends[2] = {
	{ "reset", CONFIG_FLOWS_RESET },
	{ "drain", CONFIG_FLOWS_DRAIN },
};

const struct config_choice config_ejection_ends[3] = {
	{ "leave", CONFIG_FLOWS_LEAVE },
	{ "drain", CONFIG_FLOWS_DRAIN },
	{ "reset", CONFIG_FLOWS_RESET },
};

const struct config_choice config_checks[3] = {
	{ "tcp", CONFIG_CHECK_TCP },
	{ "http", CONFIG_CHECK_HTTP },
	{ "off", CONFIG_CHECK_OFF },
};

const struct config_choice config_unprovens[3] = {
	{ "hold", CONFIG_UNPROVEN_HOLD },
	{ "advance", CONFIG_UNPROVEN_ADVANCE },
	{ "rollback", CONFIG_UNPROVEN_ROLLBACK },
};

const struct config_choice config_plain_actions[2] = {
	{ "hold", CONFIG_PLAIN_HOLD },
	{ "rollback", CONFIG_PLAIN_ROLLBACK },
};

const struct config_choice config_notices[CONFIG_NOTICES] = {
	{ "start", CONFIG_NOTICE_START },       { "step", CONFIG_NOTICE_STEP },   { "pause", CONFIG_NOTICE_PAUSE },
	{ "resume", CONFIG_NOTICE_RESUME },     { "done", CONFIG_NOTICE_DONE },   { "finish", CONFIG_NOTICE_FINISH },
	{ "rollback", CONFIG_NOTICE_ROLLBACK }, { "abort", CONFIG_NOTICE_ABORT },
};

static const char *name_of(const struct config_choice *choices, size_t count, int value)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (choices[i].value == value)
			return choices[i].name;
	}
	return "?";
}

const char *config_forward_name(enum serin_forward forward)
{
	return name_of(config_forwards, CONFIG_COUNT(config_forwards), (int)forward);
}

const char *config_attach_name(enum config_attach attach)
{
	return name_of(config_attaches, CONFIG_COUNT(config_attaches), (int)attach);
}

const char *config_flows_name(enum config_flows flows)
{
	return name_of(config_ejection_ends, CONFIG_COUNT(config_ejection_ends), (int)flows);
}

const char *config_check_name(enum config_check check)
{
	return name_of(config_checks, CONFIG_COUNT(config_checks), (int)check);
}

const char *config_unproven_name(enum config_unproven unproven)
{
	return name_of(config_unprovens, CONFIG_COUNT(config_unprovens), (int)unproven);
}

const char *config_plain_action_name(enum config_plain_action action)
{
	return name_of(config_plain_actions, CONFIG_COUNT(config_plain_actions), (int)action);
}

const char *config_notice_name(enum config_notice notice)
{
	return name_of(config_notices, CONFIG_COUNT(config_notices), (int)notice);
}

const char *config_protocol_name(const struct config_service *service)
{
	return service->speaks == SERIN_SPEAKS_HTTP ? "http" : protocol_name(service->protocol);
}
