/* SPDX-License-Identifier: BSD-2-Clause */
/* `serin rollout` and `serin why` as commands, against an agent that plays a script on a Unix socket: what is asked, what is
 * printed, how it ends, also when the agent goes away in the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../scratch.h"
#include "commands.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One request that is expected, and what it gets. */
struct scene {
	const char *asks;    /* how the request begins */
	const char *body;    /* of the request; NULL: none */
	const char *answer;  /* NULL: the agent hangs up */
	bool leaves;         /* and is not there for a while after that */
	unsigned int status; /* 0: 200 */
};

struct stage {
	char directory[SCRATCH_LEN], out[SCRATCH_PATH_LEN], err[SCRATCH_PATH_LEN];
	struct sockaddr_un address;
	int socket;
};

static void open_socket(struct stage *stage)
{
	stage->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(stage->socket, (struct sockaddr *)&stage->address, sizeof(stage->address)), 0);
	assert_int_equal(listen(stage->socket, 8), 0);
}

static void close_socket(struct stage *stage)
{
	close(stage->socket);
	unlink(stage->address.sun_path);
}

static void stage_open(struct stage *stage)
{
	assert_int_equal(scratch_directory(stage->directory), 0);
	stage->address.sun_family = AF_UNIX;
	snprintf(stage->address.sun_path, sizeof(stage->address.sun_path), "%s/sock", stage->directory);
	snprintf(stage->out, sizeof(stage->out), "%s/out", stage->directory);
	snprintf(stage->err, sizeof(stage->err), "%s/err", stage->directory);
	open_socket(stage);
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 16384);

	assert_non_null(file);
	if (!fread(text, 1, 16383, file))
		text[0] = '\0';
	fclose(file);
	unlink(path);
	return text;
}

static bool is_complete(const char *bytes)
{
	const char *end = strstr(bytes, "\r\n\r\n"), *length = strstr(bytes, "Content-Length: ");

	return end && (!length || strlen(end + 4) >= strtoul(length + 16, NULL, 10));
}

static void play(struct stage *stage, const struct scene *scene)
{
	int fd = accept(stage->socket, NULL, NULL);
	char request[4096] = "", answer[4096];
	size_t length = 0;
	ssize_t n;

	while (!is_complete(request) && length < sizeof(request) - 1) {
		n = read(fd, request + length, sizeof(request) - 1 - length);
		if (n <= 0)
			break;
		length += (size_t)n;
		request[length] = '\0';
	}
	if (strncmp(request, scene->asks, strlen(scene->asks)))
		fail_msg("'%.80s', expected '%s'", request, scene->asks);
	assert_string_equal(strstr(request, "\r\n\r\n") + 4, scene->body ? scene->body : "");
	if (scene->answer) {
		snprintf(answer, sizeof(answer), "HTTP/1.1 %u X\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
			 scene->status ? scene->status : 200, strlen(scene->answer), scene->answer);
		assert_int_equal(write(fd, answer, strlen(answer)), (ssize_t)strlen(answer));
	}
	if (!scene->leaves) {
		close(fd);
		return;
	}
	close_socket(stage);
	close(fd);
	usleep(300000);
	open_socket(stage);
}

static void run(int (*command)(const struct options *options), unsigned int allowed, const char *line,
		const struct stage *stage)
{
	char words[256], *argv[16], *rest = words;
	struct complaint complaint;
	struct options options;
	int argc = 0, code;

	snprintf(words, sizeof(words), "%s", line);
	while ((argv[argc] = strtok_r(rest, " ", &rest)))
		argc++;
	if (!freopen(stage->out, "w", stdout) || !freopen(stage->err, "w", stderr) ||
	    options_parse(argc, argv, allowed, &options, &complaint))
		_exit(99);
	options.socket = stage->address.sun_path;
	code = command(&options);
	fflush(stdout);
	fflush(stderr);
	_exit(code);
}

#define ROLLOUT_OPTIONS                                                                                                \
	(OPTION_OUTPUT | OPTION_VERSION | OPTION_RELEASE | OPTION_BLIND | OPTION_FLOWS | OPTION_REASON | OPTION_WAIT | \
	 OPTION_SOCKET)

/* The exit code. */
static int perform(int (*command)(const struct options *options), const char *line, const struct scene *scenes,
		   size_t count, char **ret_out, char **ret_err)
{
	struct stage stage;
	int status;
	pid_t pid;

	stage_open(&stage);
	fflush(NULL);
	pid = fork();
	if (!pid)
		run(command, ROLLOUT_OPTIONS, line, &stage);
	alarm(60);
	for (size_t i = 0; i < count; i++)
		play(&stage, &scenes[i]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	alarm(0);
	*ret_out = read_file(stage.out);
	*ret_err = read_file(stage.err);
	close_socket(&stage);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_performs(const char *line, const struct scene *scenes, size_t count, int code, const char *out,
			    const char *err)
{
	char *said, *complained;

	assert_int_equal(perform(cmd_rollout, line, scenes, count, &said, &complained), code);
	assert_string_equal(said, out);
	assert_string_equal(complained, err);
	free(said);
	free(complained);
}

#define SAYS(state, pause, step, weight, more)                                                                         \
	"{\"name\":\"shop\",\"rollout\":{\"state\":\"" state "\",\"pause\":\"" pause "\",\"version\":\"canary\","      \
	"\"release\":\"v2\",\"number\":4,\"step\":" #step ",\"steps\":2,\"weight\":" #weight ",\"by\":\"kernel\"" more \
	"}}"
#define FIRST SAYS("progressing", "none", 1, 500, "")
#define SECOND SAYS("progressing", "none", 2, 5000, "")
#define HELD SAYS("paused", "hold", 2, 5000, ",\"cause\":\"check\",\"reason\":\"cpu: 1.8 times\"")
#define DONE SAYS("completed", "none", 2, 10000, "")
#define BACK SAYS("rolled_back", "none", 2, 0, ",\"cause\":\"errors\",\"reason\":\"12 clients\"")
#define ABORTED SAYS("aborted", "none", 2, 0, "")

#define POST "POST /v1/services/shop/rollout HTTP/1.1\r\n"
#define GET "GET /v1/services/shop HTTP/1.1\r\n"
#define EVENTS(after) "GET /v1/events?limit=1&wait=3&service=shop&after=" #after " HTTP/1.1\r\n"
#define EVENT(newest) "{\"events\":[{}],\"newest\":" #newest "}"

static void test_every_action(void **state)
{
	static const struct {
		const char *line, *body;
	} cases[] = {
		{ "rollout shop start", "{\"action\":\"start\"}" },
		{ "rollout shop start --version canary --release v2 --blind --reason monday",
		  "{\"action\":\"start\",\"version\":\"canary\",\"release\":\"v2\",\"reason\":\"monday\",\"blind\":true}" },
		{ "rollout shop retry --release v3 --blind",
		  "{\"action\":\"retry\",\"release\":\"v3\",\"blind\":true}" },
		{ "rollout shop pause --reason lunch", "{\"action\":\"pause\",\"reason\":\"lunch\"}" },
		{ "rollout shop resume", "{\"action\":\"resume\"}" },
		{ "rollout shop promote", "{\"action\":\"promote\"}" },
		{ "rollout shop abort --flows reset", "{\"action\":\"abort\",\"flows\":\"reset\"}" },
		{ "rollout shop abort --flows drain", "{\"action\":\"abort\",\"flows\":\"drain\"}" },
		{ "rollout shop finish", "{\"action\":\"finish\"}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct scene scene = { POST, cases[i].body, FIRST, false, 0 };

		assert_performs(cases[i].line, &scene, 1, COMMAND_OK,
				"shop: canary (v2) progressing, step 1 of 2 at 5%\n", "");
	}
}

static void test_as_json(void **state)
{
	static const struct scene scene = { POST, "{\"action\":\"pause\"}", "{\"rollout\":{\"step\":1}}", false, 0 };

	(void)state;
	assert_performs("rollout shop pause -o json", &scene, 1, COMMAND_OK,
			"{\n  \"rollout\": {\n    \"step\": 1\n  }\n}\n", "");
}

static void test_wrong_usage(void **state)
{
	static const struct {
		const char *line, *complaint;
	} cases[] = {
		{ "rollout shop begin",
		  "serin: 'begin' is none, expected start, pause, resume, promote, abort, retry or finish\n" },
		{ "rollout shop pause --wait", "serin: --wait does not go with pause\n" },
		{ "rollout shop finish --wait", "serin: --wait does not go with finish\n" },
		{ "rollout shop abort --blind", "serin: --blind does not go with abort\n" },
		{ "rollout shop retry --version blue", "serin: --version does not go with retry\n" },
		{ "rollout shop promote --release v2", "serin: --release does not go with promote\n" },
		{ "rollout shop start --flows reset", "serin: --flows does not go with start\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_performs(cases[i].line, NULL, 0, COMMAND_USAGE, "", cases[i].complaint);
}

static void test_refused(void **state)
{
	static const struct scene scene = { POST, "{\"action\":\"start\"}",
					    "{\"error\":{\"code\":\"rollout_state\",\"message\":\"one runs\"}}", false,
					    409 };

	(void)state;
	assert_performs("rollout shop start --wait", &scene, 1, COMMAND_FAILED, "", "serin: one runs\n");
}

/* What --wait prints, without the times of day. */
static char *without_times(const char *text)
{
	char *copy = calloc(1, strlen(text) + 1), *to = copy;

	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		assert_true(strlen(line) > 10 && line[2] == ':' && line[5] == ':' && line[8] == ' ');
		to = mempcpy(to, line + 10, strcspn(line + 10, "\n") + 1);
	}
	return copy;
}

static void assert_waits(const struct scene *scenes, size_t count, int code, const char *out, const char *err)
{
	char *said, *complained, *plain;

	assert_int_equal(perform(cmd_rollout, "rollout shop start --wait", scenes, count, &said, &complained), code);
	plain = without_times(said);
	assert_string_equal(plain, out);
	if (!strstr(complained, err) || !*err != !*complained)
		fail_msg("no '%s' in '%s'", err, complained);
	free(plain);
	free(said);
	free(complained);
}

#define BEGIN { POST, "{\"action\":\"start\"}", FIRST, false, 0 }, { EVENTS(0), NULL, EVENT(70), false, 0 }
#define LOOK(answer) { GET, NULL, answer, false, 0 }
#define NEXT(after, newest) { EVENTS(after), NULL, EVENT(newest), false, 0 }
#define FIRST_LINE "canary (v2) progressing, step 1 of 2 at 5%\n"
#define SECOND_LINE "canary (v2) progressing, step 2 of 2 at 50%\n"

static void test_waits_for_completion(void **state)
{
	static const struct scene scenes[] = { BEGIN,        LOOK(FIRST), NEXT(70, 71), LOOK(SECOND),
					       NEXT(71, 72), LOOK(HELD),  NEXT(72, 75), LOOK(DONE) };

	(void)state;
	assert_waits(scenes, COUNT(scenes), COMMAND_OK,
		     FIRST_LINE SECOND_LINE "canary (v2) held, step 2 of 2 at 50%, check: cpu: 1.8 times\n"
					    "canary (v2) completed at 100%, `finish` makes it the baseline\n",
		     "");
}

static void test_waits_for_a_rollback(void **state)
{
	static const struct scene scenes[] = { BEGIN, LOOK(BACK) };

	(void)state;
	assert_waits(scenes, COUNT(scenes), COMMAND_ROLLED_BACK,
		     FIRST_LINE "canary (v2) rolled back by the kernel, errors: 12 clients\n", "");
}

static void test_ends_that_are_neither(void **state)
{
	static const struct {
		const char *answer, *complaint;
		const char *line;
	} cases[] = {
		{ ABORTED, "serin: the rollout of shop was aborted\n", "canary (v2) aborted by the kernel\n" },
		{ "{\"rollout\":null}", "serin: the agent knows of no rollout of shop any more\n", "" },
		{ "{\"rollout\":{\"state\":\"progressing\",\"version\":\"canary\",\"release\":\"v3\"}}",
		  "serin: another rollout of shop has begun, the end of this one was not seen\n", "" },
	};
	char expected[256];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct scene scenes[] = { BEGIN, LOOK(cases[i].answer) };

		snprintf(expected, sizeof(expected), "%s%s", FIRST_LINE, cases[i].line);
		assert_waits(scenes, COUNT(scenes), COMMAND_FAILED, expected, cases[i].complaint);
	}
}

/* It hangs up on one question, is away for the next, and its successor's events go on behind a gap. */
static void test_an_agent_that_is_restarted(void **state)
{
	static const struct scene scenes[] = {
		BEGIN,
		{ GET, NULL, NULL, false, 0 },
		{ EVENTS(70), NULL, NULL, true, 0 },
		LOOK(SECOND),
		NEXT(70, 900),
		{ GET, NULL, NULL, true, 0 },
		NEXT(900, 901),
		LOOK(BACK),
	};

	(void)state;
	assert_waits(scenes, COUNT(scenes), COMMAND_ROLLED_BACK,
		     FIRST_LINE SECOND_LINE "canary (v2) rolled back by the kernel, errors: 12 clients\n",
		     "; waiting for one\n");
}

/* It is there, and does not know the service any more. */
static void test_a_service_that_is_gone(void **state)
{
	static const struct scene scenes[] = {
		BEGIN, { GET, NULL, "{\"error\":{\"message\":\"no service named 'shop'\"}}", false, 404 }
	};

	(void)state;
	assert_waits(scenes, COUNT(scenes), COMMAND_FAILED, FIRST_LINE, "serin: no service named 'shop'\n");
}

static void test_waits_in_json(void **state)
{
	static const struct scene scenes[] = { BEGIN, LOOK(FIRST), NEXT(70, 71), LOOK(BACK) };
	char *said, *complained, *line, *rest;
	unsigned int lines = 0;
	json_t *rollout = NULL;

	(void)state;
	assert_int_equal(perform(cmd_rollout, "rollout shop start --wait -o json", scenes, COUNT(scenes), &said,
				 &complained),
			 COMMAND_ROLLED_BACK);
	for (line = strtok_r(said, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++) {
		json_decref(rollout);
		rollout = json_loads(line, 0, NULL);
		assert_non_null(rollout);
	}
	assert_int_equal(lines, 2);
	assert_string_equal(json_string_value(json_object_get(rollout, "state")), "rolled_back");
	json_decref(rollout);
	free(said);
	free(complained);
}

static void test_why(void **state)
{
	static const struct {
		const char *line, *answer, *out, *err;
		int code;
	} cases[] = {
		{ "why shop", "{\"state\":\"idle\",\"version\":null}", "shop: there has been no rollout\n", "",
		  COMMAND_OK },
		{ "why shop -o json", "{\"state\":\"idle\"}", "{\n  \"state\": \"idle\"\n}\n", "", COMMAND_OK },
		{ "why shop", "[]", "", "serin: the agent's answer is no rollout\n", COMMAND_FAILED },
	};
	char *said, *complained;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct scene scene = { "GET /v1/services/shop/why HTTP/1.1\r\n", NULL, cases[i].answer, false,
					     0 };

		assert_int_equal(perform(cmd_why, cases[i].line, &scene, 1, &said, &complained), cases[i].code);
		assert_string_equal(said, cases[i].out);
		assert_string_equal(complained, cases[i].err);
		free(said);
		free(complained);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_action),
		cmocka_unit_test(test_as_json),
		cmocka_unit_test(test_wrong_usage),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_waits_for_completion),
		cmocka_unit_test(test_waits_for_a_rollback),
		cmocka_unit_test(test_ends_that_are_neither),
		cmocka_unit_test(test_an_agent_that_is_restarted),
		cmocka_unit_test(test_a_service_that_is_gone),
		cmocka_unit_test(test_waits_in_json),
		cmocka_unit_test(test_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
