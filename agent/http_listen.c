/* SPDX-License-Identifier: BSD-2-Clause */
/* Binding the HTTP server's doors: a TCP address, and a socket whose file mode is the permission. */
#include "http_listen.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64
#define SOCKET_GROUP "serin"

static socklen_t to_sockaddr(const struct endpoint *at, struct sockaddr_storage *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = at->port };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = at->port };

	memset(ret, 0, sizeof(*ret));
	if (address_is_ipv4(&at->addr)) {
		in.sin_addr.s_addr = at->addr.word[3];
		memcpy(ret, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, &at->addr, sizeof(in6.sin6_addr));
	memcpy(ret, &in6, sizeof(in6));
	return sizeof(in6);
}

int http_listen_tcp(const struct endpoint *at, int *ret_fd, struct complaint *complaint)
{
	char text[ADDRESS_TEXT_LEN];
	struct sockaddr_storage addr;
	socklen_t length = to_sockaddr(at, &addr);
	int fd, one = 1, r = 0;

	fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		r = -errno;
		goto out;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* [::] must not take IPv4 along: then the file would say less than what is open. */
	if (addr.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&addr, length) || listen(fd, BACKLOG))
		r = -errno;
out:
	if (r) {
		if (fd >= 0)
			close(fd);
		return complain(complaint, r, "http.listen %s: %s", endpoint_format(&at->addr, at->port, text),
				strerror(-r));
	}
	*ret_fd = fd;
	return 0;
}

int http_listen_make_directory(const char *path, struct complaint *complaint)
{
	char directory[PATH_MAX];
	char *end;
	int r = 0;

	snprintf(directory, sizeof(directory), "%s", path);
	end = strrchr(directory, '/');
	if (!end || end == directory)
		return 0;
	*end = '\0';
	/* Whatever the umask: others find the socket, its own mode decides who may talk to it. */
	if (mkdir(directory, 0755))
		r = errno == EEXIST ? 0 : -errno;
	else if (chmod(directory, 0755))
		r = -errno;
	return r ? complain(complaint, r, "cannot make the directory %.200s: %s", directory, strerror(-r)) : 0;
}

static int remove_stale(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	return unlink(path) ? -errno : 0;
}

/* Without a group of that name the socket stays root's. */
static int give_to_group(const char *path)
{
	const struct group *group = getgrnam(SOCKET_GROUP);

	if (!group || !chown(path, (uid_t)-1, group->gr_gid))
		return 0;
	return -errno;
}

static int bind_unix(int fd, const struct sockaddr_un *addr)
{
	mode_t old;
	int r;

	r = remove_stale(addr->sun_path);
	if (r)
		return r;
	/* From its first moment nobody else may connect. */
	old = umask(0177);
	r = bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) ? -errno : 0;
	umask(old);
	if (!r)
		r = give_to_group(addr->sun_path);
	if (!r && (chmod(addr->sun_path, 0660) || listen(fd, BACKLOG)))
		r = -errno;
	return r;
}

int http_listen_unix(const char *path, int *ret_fd, struct complaint *complaint)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(addr.sun_path))
		return complain(complaint, -ENAMETOOLONG, "socket %s: the path is too long, expected at most %zu bytes",
				path, sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? -errno : bind_unix(fd, &addr);
	if (r) {
		if (fd >= 0)
			close(fd);
		return complain(complaint, r, "socket %s: %s", path,
				r == -EEXIST ? "something else than a socket is there" : strerror(-r));
	}
	*ret_fd = fd;
	return 0;
}
