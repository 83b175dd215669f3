/* SPDX-License-Identifier: BSD-2-Clause */
/* The image's source addresses, of forward: nat and of tunnels. Flows name theirs by index, so nothing in this table ever moves. */
#include "image_job.h"

#include <errno.h>

static bool is_free(const struct serin_addr *addr)
{
	return !addr->quad[0] && !addr->quad[1];
}

static bool is_among(const struct serin_addr *addr, const struct serin_addr *set, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (image_same_addr(&set[i], addr))
			return true;
	}
	return false;
}

/* How many of the window's places already hold one of `wanted`; -1 when something else is in the way. */
static int count_matches(const struct serin_addr *window, const struct serin_addr *wanted, unsigned int count)
{
	int matches = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (is_free(&window[i]))
			continue;
		if (!is_among(&window[i], wanted, count) || is_among(&window[i], window, i))
			return -1;
		matches++;
	}
	return matches;
}

/* The group that is there already, else the place where it can be completed with the least new entries. Entries are
 * only ever added behind the last, so that no earlier place can begin to match later on. */
static int place_group(const struct image_job *job, const char *family, const struct serin_addr *wanted,
		       unsigned int count, struct image_snat_group *ret)
{
	struct serin_addr *table = job->image->snat;
	struct image_where where = image_where(job, &job->config->snat.place);
	unsigned int i, first, place;
	int matches, most = -1;

	for (i = 0; i + count <= SERIN_MAX_SNAT; i++) {
		matches = count_matches(&table[i], wanted, count);
		if (matches > most) {
			most = matches;
			first = i;
		}
	}
	if (most < 0)
		return complain(job->complaint, -ENOSPC,
				"%sno room for %u %s addresses of snat.addresses in a row: the table has %u places, "
				"and addresses of earlier configurations keep theirs, because connections may use them",
				where.text, count, family, SERIN_MAX_SNAT);
	for (i = 0, place = first; i < count; i++) {
		if (is_among(&wanted[i], &table[first], count))
			continue;
		while (!is_free(&table[place]))
			place++;
		table[place] = wanted[i];
	}
	ret->first = (__u8)first;
	ret->count = (__u8)count;
	return 0;
}

int image_place_snat(struct image_job *job)
{
	const struct config_snat *snat = &job->config->snat;
	struct serin_addr v4[SERIN_MAX_SNAT], v6[SERIN_MAX_SNAT];
	unsigned int i, count4 = 0, count6 = 0;
	int r = 0;

	for (i = 0; i < snat->address_count; i++) {
		const struct serin_addr *addr = &snat->addresses[i];

		if (address_is_ipv4(addr) && !is_among(addr, v4, count4))
			v4[count4++] = *addr;
		else if (!address_is_ipv4(addr) && !is_among(addr, v6, count6))
			v6[count6++] = *addr;
	}
	if (count4)
		r = place_group(job, "IPv4", v4, count4, &job->snat4);
	if (!r && count6)
		r = place_group(job, "IPv6", v6, count6, &job->snat6);
	return r;
}

/* The host's own address towards the backend, a group of one. */
static int choose_source(const struct image_job *job, const struct config_backend *wanted, struct image_snat_group *ret)
{
	struct image_where where = image_where(job, &wanted->place);
	struct serin_addr source;
	unsigned int i;
	int r;

	r = job->source(job->context, &wanted->endpoint.addr, &source, job->complaint);
	if (r)
		return r;
	for (i = 0; i < SERIN_MAX_SNAT; i++) {
		if (!is_free(&job->image->snat[i]) && !image_same_addr(&job->image->snat[i], &source))
			continue;
		job->image->snat[i] = source;
		ret->first = (__u8)i;
		ret->count = 1;
		return 0;
	}
	return complain(job->complaint, -ENOSPC,
			"%s%u source addresses towards backends, those of earlier configurations included, "
			"expected at most %u",
			where.text, SERIN_MAX_SNAT + 1, SERIN_MAX_SNAT);
}

int image_choose_snat(const struct image_job *job, const struct config_service *service,
		      const struct config_backend *wanted, struct image_snat_group *ret)
{
	const struct serin_addr *addr = &wanted->endpoint.addr;
	struct image_where where = image_where(job, &wanted->place);
	const char *family = address_is_ipv4(addr) ? "IPv4" : "IPv6";
	struct image_snat_group group;
	char text[ADDRESS_TEXT_LEN];

	if (!job->config->snat.address_count)
		return choose_source(job, wanted, ret);
	group = address_is_ipv4(addr) ? job->snat4 : job->snat6;
	if (!group.count)
		return complain(job->complaint, -EINVAL,
				"%sservice \"%s\": backend %s is %s, expected an %s address among snat.addresses",
				where.text, service->name, endpoint_format(addr, wanted->endpoint.port, text), family,
				family);
	*ret = group;
	return 0;
}

int image_choose_outer(const struct image_job *job, const struct config_backend *wanted, struct image_snat_group *ret)
{
	const struct image_snat_group *group = address_is_ipv4(&wanted->endpoint.addr) ? &job->snat4 : &job->snat6;

	if (!group->count)
		return choose_source(job, wanted, ret);
	*ret = *group;
	return 0;
}
