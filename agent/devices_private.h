/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files about interfaces share and nobody else sees. */
#ifndef SERIN_DEVICES_PRIVATE_H
#define SERIN_DEVICES_PRIVATE_H

#include "devices.h"
#include "loop.h"

int devices_find(const struct devices *devices, const char *name); /* id, or -ENOENT */
bool devices_is_loopback(const struct device *device);

/* Attach to it, or replace the program there, and say so in the log. */
int devices_attach_one(struct devices *devices, unsigned int id, struct datapath *datapath,
		       struct complaint *complaint);

#endif
