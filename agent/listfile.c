/* SPDX-License-Identifier: BSD-2-Clause */
/* The watched files: one inotify instance, one timer. */
#include "listfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "listfile_private.h"

#define LOOK_MS 1000
#define PAUSE_MS 50  /* between two readings: a directory where much happens must not keep the loop from its work */
#define MAX_READS 16 /* of the queue of events in one turn of the loop */

#define CHANGES                                                                                              \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | \
	 IN_MOVE_SELF | IN_ONLYDIR)

struct listfiles {
	int inotify;
	struct loop_source *timer;
	struct listfile *first;
	unsigned int busy; /* depth of calls that walk the files: none is freed */
	int64_t looked_ms;
};

/* Of all files in one directory there is one watch. */
static void drop_watch(struct listfile *file)
{
	int watch = file->watch;

	file->watch = -1;
	for (struct listfile *other = file->files->first; other; other = other->next) {
		if (other->watch == watch)
			return;
	}
	if (watch >= 0)
		inotify_rm_watch(file->files->inotify, watch);
}

/* Asked again and again: the path may lead to another directory by now. The same one answers with the same watch. */
static void watch_directory(struct listfile *file)
{
	int watch = inotify_add_watch(file->files->inotify, file->directory, CHANGES);

	if (watch == file->watch)
		return;
	drop_watch(file);
	file->watch = watch;
	file->touched = true; /* it may have changed before it was watched */
}

static void free_file(struct listfile *file)
{
	discovered_clear(&file->found);
	free(file->path);
	free(file->directory);
	free(file);
}

static void reap(struct listfiles *files)
{
	struct listfile **at = &files->first;

	while (*at) {
		struct listfile *file = *at;

		if (!file->removed) {
			at = &file->next;
			continue;
		}
		*at = file->next;
		drop_watch(file);
		free_file(file);
	}
}

/* Watch first, then look: nothing that happens in between is missed. */
static void look(struct listfiles *files)
{
	files->busy++;
	for (struct listfile *file = files->first; file; file = file->next) {
		if (file->removed)
			continue;
		watch_directory(file);
		if (!file->touched && !listfile_differs(file))
			continue;
		file->touched = false;
		if (listfile_read(file))
			file->fn(file->context);
	}
	files->busy--;
	reap(files);
	files->looked_ms = loop_now_ms();
	loop_set_timer(files->timer, LOOK_MS, LOOK_MS);
}

static void on_timer(void *context)
{
	look(context);
}

/* After an overrun of the queue nobody knows what happened. */
static void touch(struct listfiles *files, const struct inotify_event *event)
{
	for (struct listfile *file = files->first; file; file = file->next) {
		if (file->watch != event->wd && !(event->mask & IN_Q_OVERFLOW))
			continue;
		file->touched = true;
		if (event->mask & IN_IGNORED)
			file->watch = -1;
	}
}

static bool read_events(struct listfiles *files)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t length = read(files->inotify, buffer, sizeof(buffer));
	const struct inotify_event *event;

	if (length <= 0)
		return false;
	for (const char *at = buffer; at < buffer + length; at += sizeof(*event) + event->len) {
		event = (const struct inotify_event *)at;
		touch(files, event);
	}
	return true;
}

static void on_events(void *context)
{
	struct listfiles *files = context;
	int64_t since;

	for (int i = 0; i < MAX_READS && read_events(files); i++)
		;
	since = loop_now_ms() - files->looked_ms;
	if (since >= PAUSE_MS)
		look(files);
	else
		loop_set_timer(files->timer, PAUSE_MS - since, LOOK_MS);
}

int listfiles_new(struct loop *loop, struct listfiles **ret)
{
	struct listfiles *files = calloc(1, sizeof(*files));
	int err;

	if (!files)
		return -ENOMEM;
	files->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (files->inotify < 0) {
		err = -errno;
		free(files);
		return err;
	}
	err = loop_add_timer(loop, on_timer, files, &files->timer);
	if (!err)
		err = loop_set_timer(files->timer, LOOK_MS, LOOK_MS);
	if (!err)
		err = loop_add_fd(loop, files->inotify, on_events, files, NULL);
	if (err)
		listfiles_free(files);
	else
		*ret = files;
	return err;
}

struct listfiles *listfiles_free(struct listfiles *files)
{
	if (!files)
		return NULL;
	for (struct listfile *file = files->first; file; file = file->next)
		file->removed = true;
	reap(files);
	if (files->timer)
		loop_stop_timer(files->timer);
	close(files->inotify);
	free(files);
	return NULL;
}

/* "/etc/serin" of "/etc/serin/canary.json", "." of "canary.json". */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

int listfile_add(struct listfiles *files, const char *path, const struct backend_form *form, discovered_fn fn,
		 void *context, struct listfile **ret)
{
	struct listfile *file = calloc(1, sizeof(*file));

	if (!file)
		return -ENOMEM;
	*file = (struct listfile){ .files = files, .form = *form, .fn = fn, .context = context, .watch = -1 };
	file->path = strdup(path);
	file->directory = directory_of(path);
	if (!file->path || !file->directory) {
		free_file(file);
		return -ENOMEM;
	}
	file->found = (struct discovered){ .source = DISCOVERED_IN_FILE, .subject = file->path };
	file->next = files->first;
	files->first = file;
	watch_directory(file);
	file->touched = false;
	listfile_read(file);
	*ret = file;
	return 0;
}

struct listfile *listfile_remove(struct listfile *file)
{
	if (!file)
		return NULL;
	file->removed = true;
	if (!file->files->busy)
		reap(file->files);
	return NULL;
}

const struct discovered *listfile_found(const struct listfile *file)
{
	return &file->found;
}
