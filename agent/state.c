/* SPDX-License-Identifier: BSD-2-Clause */
/* The state's file: written aside, synced, renamed; read back only when it is whole. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state_json.h"

#define STATE_MAX_BYTES (4u << 20) /* 256 services of 8 versions are some 300 KB */

void state_free(struct state *state)
{
	free(state->services);
	free(state->drains);
	*state = (struct state){ 0 };
}

int state_copy(const struct state *from, struct state *ret)
{
	struct state_service *services = calloc(from->service_count + 1, sizeof(*services));
	struct state_drain *drains = calloc(from->drain_count + 1, sizeof(*drains));

	if (!services || !drains) {
		free(services);
		free(drains);
		return -ENOMEM;
	}
	if (from->service_count)
		memcpy(services, from->services, from->service_count * sizeof(*services));
	if (from->drain_count)
		memcpy(drains, from->drains, from->drain_count * sizeof(*drains));
	*ret = *from;
	ret->services = services;
	ret->drains = drains;
	return 0;
}

static struct state_drain *find_drain(const struct state *state, const char *service, const char *backend)
{
	for (size_t i = 0; i < state->drain_count; i++) {
		if (!strcmp(state->drains[i].service, service) && !strcmp(state->drains[i].backend, backend))
			return &state->drains[i];
	}
	return NULL;
}

bool state_is_drained(const struct state *state, const char *service, const char *backend)
{
	return find_drain(state, service, backend) != NULL;
}

int state_set_drained(struct state *state, const char *service, const char *backend, bool drained)
{
	struct state_drain *known = find_drain(state, service, backend), *more;

	if (drained == !!known)
		return 0;
	if (known) {
		*known = state->drains[--state->drain_count];
		return 0;
	}
	more = reallocarray(state->drains, state->drain_count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	state->drains = more;
	more += state->drain_count++;
	*more = (struct state_drain){ 0 };
	snprintf(more->service, sizeof(more->service), "%s", service);
	snprintf(more->backend, sizeof(more->backend), "%s", backend);
	return 0;
}

struct state_service *state_find_service(const struct state *state, const char *name)
{
	for (size_t i = 0; i < state->service_count; i++) {
		if (!strcmp(state->services[i].name, name))
			return &state->services[i];
	}
	return NULL;
}

int state_find_version(const struct state_service *service, const char *name)
{
	for (size_t i = 0; i < service->version_count; i++) {
		if (!strcmp(service->versions[i].name, name))
			return (int)i;
	}
	return -ENOENT;
}

int state_put_service(struct state *state, const struct state_service *service)
{
	struct state_service *place = state_find_service(state, service->name);

	if (!place) {
		struct state_service *more = reallocarray(state->services, state->service_count + 1, sizeof(*more));

		if (!more)
			return -ENOMEM;
		state->services = more;
		place = &more[state->service_count++];
	}
	*place = *service;
	return 0;
}

static int make_path(const char *directory, const char *name, char ret[PATH_MAX], struct complaint *complaint)
{
	if (snprintf(ret, PATH_MAX, "%s/%s", directory, name) >= PATH_MAX)
		return complain(complaint, -ENAMETOOLONG, "the state directory's name is too long");
	return 0;
}

/* The whole of a small regular file, NUL added. */
static int read_file(const char *path, char **ret_text, size_t *ret_length)
{
	struct stat st;
	size_t length = 0;
	char *text = NULL;
	ssize_t n = 1;
	int fd, r = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		r = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > STATE_MAX_BYTES)
		r = -EFBIG;
	else if (!(text = malloc((size_t)st.st_size + 1)))
		r = -ENOMEM;
	while (!r && length < (size_t)st.st_size && n) {
		n = read(fd, text + length, (size_t)st.st_size - length);
		if (n < 0)
			r = -errno;
		else
			length += (size_t)n;
	}
	close(fd);
	if (r) {
		free(text);
		return r;
	}
	text[length] = '\0';
	*ret_text = text;
	*ret_length = length;
	return 0;
}

int state_load(const char *directory, struct state *ret, struct complaint *complaint)
{
	struct complaint detail = { "" };
	char path[PATH_MAX];
	char *text = NULL;
	size_t length = 0;
	int r;

	r = make_path(directory, STATE_FILE, path, complaint);
	if (r)
		return r;
	r = read_file(path, &text, &length);
	if (r == -EFBIG)
		return complain(complaint, -EBADMSG, "%.200s: not a regular file of at most %u bytes", path,
				STATE_MAX_BYTES);
	if (r)
		return complain(complaint, r, "%.200s: %s", path, strerror(-r));
	r = state_decode(text, length, ret, &detail);
	if (r)
		complain(complaint, r, "%.200s: %.250s", path, detail.text);
	free(text);
	return r;
}

static int sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd))
		r = -errno;
	close(fd);
	return r;
}

int state_set_aside(const char *directory, time_t now, char *ret_path, size_t size, struct complaint *complaint)
{
	char path[PATH_MAX], aside[PATH_MAX], name[64], stamp[32] = "";
	struct tm tm;
	int r;

	r = make_path(directory, STATE_FILE, path, complaint);
	if (r)
		return r;
	if (gmtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(name, sizeof(name), STATE_FILE ".damaged-%s", stamp);
	r = make_path(directory, name, aside, complaint);
	if (r)
		return r;
	if (rename(path, aside)) {
		r = -errno;
		return complain(complaint, r, "cannot rename the damaged %.200s: %s", path, strerror(-r));
	}
	snprintf(ret_path, size, "%s", aside);
	return 0;
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t n = write(fd, text, length);

		if (n < 0)
			return -errno;
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

static int write_synced(const char *path, const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, text, length);
	if (!r && fsync(fd))
		r = -errno;
	if (close(fd) && !r)
		r = -errno;
	if (r)
		unlink(path);
	return r;
}

int state_save(const char *directory, const struct state *state, struct complaint *complaint)
{
	char path[PATH_MAX], aside[PATH_MAX];
	char *text = NULL;
	int r;

	r = make_path(directory, STATE_FILE, path, complaint);
	if (!r)
		r = make_path(directory, STATE_FILE ".new", aside, complaint);
	if (r)
		return r;
	if (mkdir(directory, 0755) && errno != EEXIST) {
		r = -errno;
		return complain(complaint, r, "cannot make the state directory %.200s: %s", directory, strerror(-r));
	}
	text = state_encode(state);
	if (!text)
		return complain(complaint, -ENOMEM, "not enough memory to write the state");
	r = write_synced(aside, text, strlen(text));
	if (!r && rename(aside, path))
		r = -errno;
	if (!r)
		r = sync_directory(directory);
	free(text);
	return r ? complain(complaint, r, "cannot write %.200s: %s", path, strerror(-r)) : 0;
}
