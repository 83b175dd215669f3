/* SPDX-License-Identifier: BSD-2-Clause */
/* A block of text at the bottom of the terminal that each round replaces, leaving alone what is above. */
#ifndef SERIN_TRY_SCREEN_H
#define SERIN_TRY_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

struct try_screen {
	bool redraw;        /* a terminal that obeys ANSI sequences; else text goes line by line */
	bool colours;       /* and its user wants them (https://no-color.org) */
	unsigned int lines; /* of the block that is there */
};

#define TRY_SCREEN_COLUMNS 80 /* where nobody knows better */
#define TRY_SCREEN_ROWS 24

/* The standard output, as it is now. */
void try_screen_look(struct try_screen *ret);

/* Columns that a line may have: one less than there are, since terminals differ in what follows the last one. */
unsigned int try_screen_columns(void);

void try_screen_draw(struct try_screen *screen, const char *text);

/* What is written for it. Lines beyond `rows` - 1 and columns beyond `columns` are cut off; sequences take no room.
 * Pure. */
void try_screen_print(struct try_screen *screen, FILE *out, const char *text, unsigned int columns, unsigned int rows);

#endif
