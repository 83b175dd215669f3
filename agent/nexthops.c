/* SPDX-License-Identifier: BSD-2-Clause */
/* Next hops: watching, the wait at the start, and the pace of looking them up again. */
#include "nexthops.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateways.h"

#define BUMP_EVERY_MS 100
#define POLL_MS 20
#define GATEWAYS_EVERY_MS 2000
#define GATEWAYS_LOAD 10 /* a dump may take one part in this many of the loop's time */

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

static int dump_gateways(struct nexthops *hops)
{
	unsigned int ifindexes[SERIN_MAX_DEVICES];
	struct serin_addr *room = calloc(GATEWAYS_MAX, sizeof(*room));
	size_t i, count = 0;
	int r;

	if (!room)
		return -ENOMEM;
	for (i = 0; i < hops->config->interface_count; i++)
		ifindexes[i] = if_nametoindex(hops->config->interfaces[i].name); /* 0, no route's: it is gone */
	r = gateways_read(ifindexes, hops->config->interface_count, room, &count);
	if (r) {
		free(room);
		return r;
	}
	free(hops->gateways);
	hops->gateways = room;
	hops->gateway_count = count;
	return 0;
}

/* Those of before are better than none when the dump fails: an address that is not watched is released. */
static void read_gateways(struct nexthops *hops)
{
	int64_t begin = loop_now_ms(), end;
	unsigned int kept_back;
	int r = dump_gateways(hops);

	end = loop_now_ms();
	hops->gateways_ms = end + GATEWAYS_EVERY_MS;
	if ((end - begin) * GATEWAYS_LOAD > GATEWAYS_EVERY_MS)
		hops->gateways_ms = end + (end - begin) * GATEWAYS_LOAD;
	hops->gateways_stale = r != 0;
	if (r && log_allowed(&hops->gateways_limit, end, 10000, &kept_back))
		log_warn("cannot read the gateways of this host, keeping those of before",
			 log_text("error", strerror(-r)), log_number("kept_back", kept_back));
}

/* What is to be watched now, each once. */
static int gather_addresses(struct nexthops *hops)
{
	struct serin_addr *room = calloc(SERIN_MAX_BACKENDS + hops->gateway_count, sizeof(*room));
	size_t i, n = 0;

	if (!room)
		return -ENOMEM;
	for (i = 0; i < SERIN_MAX_BACKENDS; i++) {
		const struct serin_backend *backend = &hops->image->backends[i];

		/* forward: local has none: its backends are on this host. */
		if (backend->flags & SERIN_BACKEND_USED && (backend->addr.quad[0] || backend->addr.quad[1]))
			room[n++] = backend->addr;
	}
	for (i = 0; i < hops->gateway_count; i++)
		room[n++] = hops->gateways[i];
	qsort(room, n, sizeof(*room), compare_addresses);
	hops->count = 0;
	for (i = 0; i < n; i++) {
		if (!hops->count || compare_addresses(&room[i], &room[hops->count - 1]))
			room[hops->count++] = room[i];
	}
	free(hops->addresses);
	hops->addresses = room;
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
	log_warn("next hops are not resolved", log_number("unresolved", hops->unresolved),
		 log_number("of", hops->total));
}

static int watch(struct nexthops *hops, struct complaint *complaint)
{
	int r = gather_addresses(hops), total;

	if (r)
		return complain(complaint, r, "not enough memory for the addresses of next hops");
	r = neigh_watch(hops->neigh, hops->addresses, hops->count, complaint);
	total = count_hops(hops);
	if (total >= 0)
		hops->total = total;
	return r;
}

int nexthops_start(struct nexthops *hops, struct neigh *neigh, struct datapath *datapath, const struct image *image,
		   const struct config *config, int64_t patience_ms, struct complaint *complaint)
{
	struct complaint detail = { "" };
	int r;

	*hops = (struct nexthops){
		.neigh = neigh, .datapath = datapath, .image = image, .config = config, .started_ms = loop_now_ms()
	};
	read_gateways(hops);
	r = watch(hops, &detail);
	if (r == -ENOMEM)
		return complain(complaint, r, "%s", detail.text);
	if (r)
		log_warn("cannot watch every next hop", log_text("error", detail.text));
	look(hops, hops->started_ms);
	while (!hops->ready && loop_now_ms() - hops->started_ms < patience_ms) {
		usleep(POLL_MS * 1000);
		look(hops, hops->started_ms);
	}
	if (!hops->ready)
		warn_unresolved(hops);
	return 0;
}

static void watch_again(struct nexthops *hops, int64_t now_ms)
{
	struct complaint detail = { "" };
	unsigned int kept_back;

	if (hops->gateways_stale && now_ms >= hops->gateways_ms)
		read_gateways(hops);
	if (watch(hops, &detail) && log_allowed(&hops->limit, now_ms, 10000, &kept_back))
		log_warn("routes changed, not all next hops can follow", log_text("error", detail.text),
			 log_number("kept_back", kept_back));
}

void nexthops_expect(struct nexthops *hops, const struct image *image, int64_t patience_ms)
{
	int before = neigh_unresolved(hops->neigh), unresolved;
	const struct image *running = hops->image;
	int64_t started_ms = loop_now_ms();
	struct complaint detail = { "" };

	hops->image = image;
	if (watch(hops, &detail))
		log_warn("cannot watch every next hop", log_text("error", detail.text));
	hops->image = running;
	unresolved = neigh_unresolved(hops->neigh);
	while (unresolved > before && loop_now_ms() - started_ms < patience_ms) {
		usleep(POLL_MS * 1000);
		unresolved = neigh_unresolved(hops->neigh);
	}
	if (before >= 0 && unresolved > before)
		log_warn("next hops of new backends are not resolved", log_number("unresolved", unresolved - before));
}

void nexthops_refresh(struct nexthops *hops)
{
	watch_again(hops, loop_now_ms());
}

void nexthops_stop(struct nexthops *hops)
{
	free(hops->addresses);
	free(hops->gateways);
	hops->addresses = hops->gateways = NULL;
	hops->count = hops->gateway_count = 0;
}

/* The program first: it must not go on by a route that is gone while this host's routes are read. */
void nexthops_flush(void *context)
{
	struct nexthops *hops = context;
	int64_t now = loop_now_ms();
	unsigned int kept_back;
	int r;

	hops->pending = false;
	hops->bumped_ms = now;
	hops->gateways_stale = true;
	r = datapath_bump_routes(hops->datapath);
	if (!r)
		log_debug("routes changed, next hops are looked up again");
	else if (log_allowed(&hops->bump_limit, now, 10000, &kept_back))
		log_error("cannot have next hops looked up again", log_text("error", strerror(-r)),
			  log_number("kept_back", kept_back));
	watch_again(hops, now);
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
	if (hops->gateways_stale && now_ms >= hops->gateways_ms)
		watch_again(hops, now_ms);
	if (hops->ready)
		return;
	look(hops, now_ms);
	if (hops->ready && hops->unresolved)
		warn_unresolved(hops);
	else if (hops->ready)
		log_info("all next hops are resolved", log_number("hops", hops->total));
}
