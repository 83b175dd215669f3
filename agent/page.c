/* SPDX-License-Identifier: BSD-2-Clause */
/* The assembler takes them in as they are: no generator, and nothing to be kept in step. */
#include "page.h"

#include <string.h>

#define EMBED(name, file)                                                                                      \
	extern const char name[], name##_end[];                                                                \
	__asm__(".pushsection .rodata\n"                                                                       \
		".global " #name "\n.global " #name "_end\n" #name ":\n.incbin \"" file "\"\n" #name "_end:\n" \
		".byte 0\n.popsection\n")

EMBED(page_html, "agent/page/index.html");
EMBED(page_css, "agent/page/page.css");
EMBED(page_figures, "agent/page/figures.js");
EMBED(page_rollout, "agent/page/rollout.js");
EMBED(page_charts, "agent/page/charts.js");
EMBED(page_live, "agent/page/live.js");

#define SCRIPT "text/javascript; charset=utf-8"

static const struct {
	const char *path, *content_type, *bytes, *end;
} files[] = {
	{ "/", "text/html; charset=utf-8", page_html, page_html_end },
	{ "/page.css", "text/css; charset=utf-8", page_css, page_css_end },
	{ "/figures.js", SCRIPT, page_figures, page_figures_end },
	{ "/rollout.js", SCRIPT, page_rollout, page_rollout_end },
	{ "/charts.js", SCRIPT, page_charts, page_charts_end },
	{ "/live.js", SCRIPT, page_live, page_live_end },
};

bool page_find(const char *path, struct page *ret)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (strcmp(files[i].path, path))
			continue;
		*ret = (struct page){ files[i].content_type, files[i].bytes, (size_t)(files[i].end - files[i].bytes) };
		return true;
	}
	return false;
}
