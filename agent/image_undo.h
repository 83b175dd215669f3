/* SPDX-License-Identifier: BSD-2-Clause */
/* The image to go back to when a change of the tables stopped half-way. Pure. */
#ifndef SERIN_IMAGE_UNDO_H
#define SERIN_IMAGE_UNDO_H

#include "image.h"

/* `old` is what was there, `new` what was partly written over it. Everything of `old` is as it was; backends that only
 * `new` has are leaving ones, and keep what they need, since they may have been given connections meanwhile. */
void image_undo(const struct image *old, const struct image *new, struct image *ret);

/* `new` without what goes: the step at which backends of both images are there and none is marked as leaving that was
 * not before. */
void image_union(const struct image *old, const struct image *new, struct image *ret);

#endif
