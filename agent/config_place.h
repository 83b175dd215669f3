/* SPDX-License-Identifier: BSD-2-Clause */
/* A place in the configuration. */
#ifndef SERIN_CONFIG_PLACE_H
#define SERIN_CONFIG_PLACE_H

/* Where in the file something was said: for complaints that need more than the file (line 0: not said, a default). */
struct config_place {
	unsigned int line, column;
};

#endif
