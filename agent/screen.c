/* SPDX-License-Identifier: BSD-2-Clause */
/* Plain ANSI: up, erase the line, erase what is below. No cursor is hidden and no mode set, so nothing is to be undone. */
#include "screen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define UP "\033[%uA"
#define ERASE_LINE "\033[K"
#define ERASE_BELOW "\033[J"

void screen_look(struct screen *ret)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	*ret = (struct screen){ .redraw = isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") };
	ret->colours = ret->redraw && !(no_color && *no_color);
}

static struct winsize look_at_window(void)
{
	struct winsize window = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) || !window.ws_row || !window.ws_col)
		window = (struct winsize){ .ws_row = SCREEN_ROWS, .ws_col = SCREEN_COLUMNS };
	return window;
}

unsigned int screen_columns(void)
{
	return look_at_window().ws_col - 1u;
}

unsigned int screen_rows(void)
{
	return look_at_window().ws_row - 1u;
}

const char *screen_print_line(FILE *out, const char *text, unsigned int columns)
{
	bool sequence = false, shown = true;
	unsigned int used = 0;

	for (; *text && *text != '\n'; text++) {
		sequence |= *text == '\033';
		if (!sequence && ((unsigned char)*text & 0xc0) != 0x80)
			shown = used++ < columns;
		if (sequence || shown)
			putc(*text, out);
		if (*text == 'm')
			sequence = false;
	}
	return *text ? text + 1 : text;
}

void screen_print(struct screen *screen, FILE *out, const char *text, unsigned int columns, unsigned int rows)
{
	unsigned int back = screen->lines < rows ? screen->lines : rows - 1, lines = 0;

	putc('\r', out); /* the terminal may have shown "^C" */
	if (back)
		fprintf(out, UP, back);
	while (*text && lines + 1 < rows) {
		/* Before the text: behind a line as wide as the terminal it would take its last character. */
		fputs(ERASE_LINE, out);
		text = screen_print_line(out, text, columns);
		putc('\n', out);
		lines++;
	}
	fputs(ERASE_BELOW, out);
	screen->lines = lines;
}

void screen_draw(struct screen *screen, const char *text)
{
	struct winsize window = look_at_window();

	screen_print(screen, stdout, text, window.ws_col - 1u, window.ws_row);
	fflush(stdout);
}
