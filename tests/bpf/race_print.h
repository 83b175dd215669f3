/* SPDX-License-Identifier: BSD-2-Clause */
/* What the hammer has counted and whom it blames, as text. */
#ifndef SERIN_TEST_RACE_PRINT_H
#define SERIN_TEST_RACE_PRINT_H

#include "address.h"
#include "expect.h"
#include "race_arena.h"

static const char *const fault_texts[] = {
#define TEXT(name, text) [RACE_##name] = text,
	RACE_FAULTS(TEXT)
};
static const char *const figure_texts[] = { RACE_FIGURES(TEXT) };
#undef TEXT

static const char *tuple_text(const struct race_tuple *tuple, char *buffer, size_t size)
{
	char src[ADDRESS_TEXT_LEN], dst[ADDRESS_TEXT_LEN];

	address_format(&tuple->src, src);
	address_format(&tuple->dst, dst);
	snprintf(buffer, size, "%s %u -> %s %u", src, ntohs(tuple->sport), dst, ntohs(tuple->dport));
	return buffer;
}

static void print_view(const char *name, const struct race_view *view)
{
	char text[160];

	if (!view->claim)
		print_message("  %-8s none\n", name);
	else
		print_message("  %-8s way %u generation %u state %u, peer %u generation %u, backend %u: %s\n", name,
			      view->index, SERIN_WAY_GENERATION(view->claim), SERIN_WAY_STATE(view->claim), view->peer,
			      view->peer_generation, view->backend, tuple_text(&view->out, text, sizeof(text)));
}

static void print_reports(const struct arena *arena)
{
	__u32 zero = 0, count = 0, i;
	struct race_evidence report;
	char text[160];

	bpf_map_lookup_elem(arena_map(arena, "report_count"), &zero, &count);
	for (i = 0; i < count && i < RACE_REPORTS; i++) {
		if (bpf_map_lookup_elem(arena_map(arena, "reports"), &i, &report))
			return;
		print_message("CPU %u: %s\n", report.cpu, fault_texts[report.fault]);
		print_message("  key %u flags %02x seq %x ack %x: %s\n", report.packet.key, report.packet.flags,
			      report.packet.seq, report.packet.ack,
			      tuple_text(&report.packet.tuple, text, sizeof(text)));
		print_message(
			"  became flags %02x seq %x ack %x ttl %u sums %s to MAC %llx: %s; %u drops; owner %llx\n",
			report.seen.flags, report.seen.seq, report.seen.ack, report.seen.ttl,
			report.seen.sums_right ? "right" : "wrong", (unsigned long long)report.seen.mac_to,
			tuple_text(&report.seen.tuple, text, sizeof(text)), report.drops,
			(unsigned long long)report.owner);
		print_view("before", &report.before);
		print_view("after", &report.after);
		print_view("partner", &report.partner);
	}
}

static void print_figures(const struct arena *arena, const __u64 *figures, const struct expect_counters *counters)
{
	static const char *const drop_names[] = {
#define NAME(upper, label, text) #label,
		SERIN_DROP_REASONS(NAME)
#undef NAME
	};
	const struct serin_table_stats *table = &counters->table;
	int i;

	print_message("%s:\n", arena->kind->name);
	for (i = 0; i < RACE_FIGURE_COUNT; i++)
		print_message("  %12llu %s\n", (unsigned long long)figures[i], figure_texts[i]);
	print_message("  evicted: %llu embryonic, %llu established, %llu half-closed, %llu closed, %llu expired\n",
		      (unsigned long long)table->evicted[4], (unsigned long long)table->evicted[5],
		      (unsigned long long)table->evicted[6], (unsigned long long)table->evicted[7],
		      (unsigned long long)table->expired);
	print_message("  ports retaken %llu, used before their rest was over %llu; lost races %llu\n",
		      (unsigned long long)table->ports_retaken, (unsigned long long)table->ports_unrested,
		      (unsigned long long)table->lost_races);
	for (i = 0; i < SERIN_DROPS; i++)
		if (counters->drops[i])
			print_message("  dropped: %s %llu\n", drop_names[i], (unsigned long long)counters->drops[i]);
}

#endif
