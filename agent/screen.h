/* SPDX-License-Identifier: BSD-2-Clause */
/* A block of text at the bottom of the terminal that each round replaces, leaving alone what is above. */
#ifndef SERIN_SCREEN_H
#define SERIN_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

struct screen {
	bool redraw;        /* a terminal that obeys ANSI sequences; else text goes line by line */
	bool colours;       /* and its user wants them (https://no-color.org) */
	unsigned int lines; /* of the block that is there */
};

#define SCREEN_COLUMNS 80 /* where nobody knows better */
#define SCREEN_ROWS 24

/* The standard output, as it is now. */
void screen_look(struct screen *ret);

/* Columns that a line may have: one less than there are, since terminals differ in what follows the last one. */
unsigned int screen_columns(void);

/* One line of the text without its end, cut where the columns end; sequences take none. Returns where the next begins.
 * Pure. */
const char *screen_print_line(FILE *out, const char *text, unsigned int columns);

/* Lines that a block may have. */
unsigned int screen_rows(void);

void screen_draw(struct screen *screen, const char *text);

/* What is written for it. Lines beyond `rows` - 1 and columns beyond `columns` are cut off; sequences take no room.
 * Pure. */
void screen_print(struct screen *screen, FILE *out, const char *text, unsigned int columns, unsigned int rows);

#endif
