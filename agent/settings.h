/* SPDX-License-Identifier: BSD-2-Clause */
/* What the configuration says to the kernel's settings. Pure. */
#ifndef SERIN_SETTINGS_H
#define SERIN_SETTINGS_H

#include <serin/abi.h>
#include "config.h"

/* All but the routes' generation, which is not the configuration's. */
struct serin_settings settings_of(const struct config *config);

#endif
