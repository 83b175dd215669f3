/* SPDX-License-Identifier: BSD-2-Clause */
/* Next hops, and the kernel's promise to keep them resolved: given and taken back. */
#include "managed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

/* Written into entries that we make (`ip neigh` shows "proto 115"), so that a later agent knows which of the kernel's
 * managed neighbours are its own to release. */
#define NEIGH_PROTOCOL 115

static int compare(const void *a, const void *b)
{
	const struct next_hop *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return memcmp(&x->address, &y->address, sizeof(x->address));
}

void next_hops_sort(struct next_hops *hops)
{
	size_t i, kept = 0;

	if (!hops->count)
		return;
	qsort(hops->items, hops->count, sizeof(*hops->items), compare);
	for (i = 1; i < hops->count; i++) {
		if (compare(&hops->items[i], &hops->items[kept]))
			hops->items[++kept] = hops->items[i];
	}
	hops->count = kept + 1;
}

bool next_hops_contain(const struct next_hops *hops, const struct next_hop *hop)
{
	return hops->count && bsearch(hop, hops->items, hops->count, sizeof(*hop), compare);
}

/* A MANAGED flag takes a permanent entry's permanence away: look before. Who makes it permanent in between loses it;
 * the kernel offers no way to ask for "unless permanent". */
int managed_keep(struct rtnl *rtnl, const struct next_hop *hop)
{
	_Alignas(8) char buffer[RTNL_REQUEST_SIZE];
	struct nlmsghdr *request;
	struct ndmsg *header;
	struct rtnl_neigh entry;
	int r = rtnl_get_neigh(rtnl, hop->ifindex, &hop->address, &entry);

	if (r < 0 && r != -ENOENT)
		return r;
	if (!r && (entry.state & (NUD_PERMANENT | NUD_NOARP) || entry.ext_flags & NTF_EXT_MANAGED))
		return 0;
	request = rtnl_neigh_request(buffer, RTM_NEWNEIGH, hop->ifindex, &hop->address, NUD_NONE);
	request->nlmsg_flags = NLM_F_CREATE;
	header = mnl_nlmsg_get_payload(request);
	/* MANAGED alone does not keep the garbage collector away from a neighbour that does not answer. */
	header->ndm_flags = NTF_EXT_LEARNED;
	mnl_attr_put_u32(request, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
	mnl_attr_put_u8(request, NDA_PROTOCOL, NEIGH_PROTOCOL);
	return rtnl_talk(rtnl, request, NULL, NULL);
}

struct release {
	const struct next_hops *keep;
	struct next_hops found;
	size_t room;
};

static int release_callback(const struct nlmsghdr *message, void *data)
{
	struct release *release = data;
	struct rtnl_neigh entry;
	struct next_hop hop, *items;

	if (!rtnl_parse_neigh(message, &entry) || entry.protocol != NEIGH_PROTOCOL ||
	    !(entry.ext_flags & NTF_EXT_MANAGED))
		return MNL_CB_OK;
	hop = (struct next_hop){ .ifindex = entry.ifindex, .address = entry.address };
	if (next_hops_contain(release->keep, &hop))
		return MNL_CB_OK;
	if (release->found.count == release->room) {
		release->room = release->room ? release->room * 2 : 16;
		items = realloc(release->found.items, release->room * sizeof(*items));
		if (!items)
			return MNL_CB_ERROR;
		release->found.items = items;
	}
	release->found.items[release->found.count++] = hop;
	return MNL_CB_OK;
}

/* Back to an ordinary entry that ages; one that never got its link-layer address cannot be one, and goes. */
static int release_one(struct rtnl *rtnl, const struct next_hop *hop)
{
	_Alignas(8) char buffer[RTNL_REQUEST_SIZE];
	struct nlmsghdr *request;
	int r;

	request = rtnl_neigh_request(buffer, RTM_NEWNEIGH, hop->ifindex, &hop->address, NUD_STALE);
	r = rtnl_talk(rtnl, request, NULL, NULL);
	if (r != -EINVAL)
		return r;
	request = rtnl_neigh_request(buffer, RTM_DELNEIGH, hop->ifindex, &hop->address, 0);
	return rtnl_talk(rtnl, request, NULL, NULL);
}

int managed_release_others(struct rtnl *rtnl, const struct next_hops *keep)
{
	struct release release = { .keep = keep };
	int r, error = rtnl_dump(rtnl, RTM_GETNEIGH, release_callback, &release);
	size_t i;

	for (i = 0; i < release.found.count; i++) {
		r = release_one(rtnl, &release.found.items[i]);
		if (r < 0 && r != -ENOENT && !error)
			error = r;
	}
	free(release.found.items);
	return error;
}
