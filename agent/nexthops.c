/* SPDX-License-Identifier: BSD-2-Clause */
/* Next hops of backends: watching, the wait at the start, and the pace of looking them up again. */
#include "nexthops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUMP_EVERY_MS 100
#define POLL_MS 20

/* A host that reboots while one backend is down must not stay away from its VIP for good: after this long, one next
 * hop that answers is enough. */
#define READY_AFTER_MS 10000

static int compare_addresses(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct serin_addr));
}

static int compare_routes(const void *a, const void *b)
{
	const struct neigh_route *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return memcmp(&x->next_hop, &y->next_hop, sizeof(x->next_hop));
}

static int gather_addresses(struct nexthops *hops, const struct image *image)
{
	size_t i, n = 0;

	hops->addresses = calloc(SERIN_MAX_BACKENDS, sizeof(*hops->addresses));
	if (!hops->addresses)
		return -ENOMEM;
	for (i = 0; i < SERIN_MAX_BACKENDS; i++) {
		if (image->backends[i].flags & SERIN_BACKEND_USED)
			hops->addresses[n++] = image->backends[i].addr;
	}
	qsort(hops->addresses, n, sizeof(*hops->addresses), compare_addresses);
	for (i = 0; i < n; i++) {
		if (!hops->count || compare_addresses(&hops->addresses[i], &hops->addresses[hops->count - 1]))
			hops->addresses[hops->count++] = hops->addresses[i];
	}
	return 0;
}

static int count_hops(const struct nexthops *hops)
{
	struct neigh_route *routes = calloc(hops->count + 1, sizeof(*routes));
	size_t i, n = 0;
	int total = 0;

	if (!routes)
		return -ENOMEM;
	for (i = 0; i < hops->count; i++) {
		if (neigh_route(hops->neigh, &hops->addresses[i], &routes[n], NULL))
			total++;
		else
			n++;
	}
	qsort(routes, n, sizeof(*routes), compare_routes);
	for (i = 0; i < n; i++)
		total += !i || compare_routes(&routes[i], &routes[i - 1]);
	free(routes);
	return total;
}

static void look(struct nexthops *hops, int64_t now_ms)
{
	int unresolved = neigh_unresolved(hops->neigh);

	if (unresolved < 0)
		return;
	hops->unresolved = unresolved;
	if (!unresolved || (now_ms - hops->started_ms >= READY_AFTER_MS && unresolved < hops->total))
		hops->ready = true;
}

static void warn_unresolved(const struct nexthops *hops)
{
	log_warn("next hops of backends are not resolved", log_number("unresolved", hops->unresolved),
		 log_number("of", hops->total));
}

int nexthops_start(struct nexthops *hops, struct neigh *neigh, struct datapath *datapath, const struct image *image,
	       int64_t patience_ms, struct complaint *complaint)
{
	struct complaint detail = { "" };
	int r;

	*hops = (struct nexthops){ .neigh = neigh, .datapath = datapath, .started_ms = loop_now_ms() };
	r = gather_addresses(hops, image);
	if (r)
		return complain(complaint, r, "not enough memory for the backends' addresses");
	r = neigh_watch(neigh, hops->addresses, hops->count, &detail);
	if (r)
		log_warn("cannot watch every next hop", log_text("error", detail.text));
	hops->total = count_hops(hops);
	look(hops, hops->started_ms);
	while (!hops->ready && loop_now_ms() - hops->started_ms < patience_ms) {
		usleep(POLL_MS * 1000);
		look(hops, hops->started_ms);
	}
	if (!hops->ready)
		warn_unresolved(hops);
	return 0;
}

void nexthops_stop(struct nexthops *hops)
{
	free(hops->addresses);
	hops->addresses = NULL;
	hops->count = 0;
}

void nexthops_flush(void *context)
{
	struct nexthops *hops = context;
	struct complaint detail = { "" };
	int64_t now = loop_now_ms();
	unsigned int kept_back = 0;
	int r, bump;

	hops->pending = false;
	hops->bumped_ms = now;
	r = neigh_watch(hops->neigh, hops->addresses, hops->count, &detail);
	bump = datapath_bump_routes(hops->datapath);
	if (bump)
		r = complain(&detail, bump, "cannot have next hops looked up again: %s", strerror(-bump));
	hops->total = count_hops(hops);
	if (r && log_allowed(&hops->limit, now, 10000, &kept_back))
		log_warn("routes changed, not all next hops can follow", log_text("error", detail.text),
			 log_number("kept_back", kept_back));
	else if (!r)
		log_debug("routes changed, next hops are looked up again");
}

void nexthops_changed(struct nexthops *hops)
{
	int64_t now = loop_now_ms();

	if (hops->pending)
		return;
	if (now - hops->bumped_ms >= BUMP_EVERY_MS) {
		nexthops_flush(hops);
		return;
	}
	if (!loop_set_timer(hops->timer, BUMP_EVERY_MS - (now - hops->bumped_ms), 0))
		hops->pending = true;
}

void nexthops_tick(struct nexthops *hops, int64_t now_ms)
{
	if (hops->ready)
		return;
	look(hops, now_ms);
	if (hops->ready && hops->unresolved)
		warn_unresolved(hops);
	else if (hops->ready)
		log_info("next hops of all backends are resolved", log_number("hops", hops->total));
}
