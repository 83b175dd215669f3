/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns and failures: a fixture for every rule of bpf/turn.h, told as a conversation. */
#include "turns.h"

struct fixture {
	const char *name;
	bool http;
	struct step steps[STEPS];
	uint64_t failures[SERIN_FAILURES];
	uint64_t asked, answered, retransmits, handshakes, samples;
	uint64_t classes[SERIN_HTTP_CLASSES];
	unsigned int error; /* one answer has this code */
	uint64_t get;       /* requests by that method */
	uint64_t incidents;
};

#define ASK "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define FINE "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define BAD "HTTP/1.1 503 Service Unavailable\r\n\r\n"
#define INTERIM "HTTP/1.1 100 Continue\r\n\r\n"

static const struct fixture fixtures[] = {
	{ "a request and its answer",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), B(PSH | ACK, "say") },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1 },
	{ "keep-alive: three turns",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "1"), B(PSH | ACK, "one"), C(PSH | ACK, "2"), B(ACK, "tw"), B(PSH | ACK, "o"),
	    C(PSH | ACK, "3"), B(PSH | ACK, "three") },
	  .asked = 3,
	  .answered = 3,
	  .handshakes = 1,
	  .samples = 3 },
	{ "a long request is one, from its last byte",
	  false,
	  { HANDSHAKE, C(ACK, "this"), C(ACK, "that"), C(PSH | ACK, "those"), B(ACK, NULL), B(PSH | ACK, "yes") },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1 },
	{ "the handshake's last segment asks",
	  false,
	  { C(SYN, NULL), B(SYN | ACK, NULL), C(PSH | ACK, "ask"), B(PSH | ACK, "say") },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1 },
	{ "what goes on after an early answer is no turn, though much of it was lost",
	  false,
	  { HANDSHAKE, C(ACK, "this"), B(PSH | ACK, "early"), SAID(CLIENT, FAR, ACK, "that"),
	    SAID(CLIENT, CROSSED, ACK, "those") },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1 },
	{ "acknowledgements and idle probes are no turns",
	  false,
	  { HANDSHAKE, C(ACK, NULL), B(ACK, NULL), C(PSH | ACK, "ask"), B(PSH | ACK, "say"), C(ACK, NULL),
	    SAID(CLIENT, AGAIN, ACK, "k") },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1 },
	{ "the server greets first",
	  false,
	  { HANDSHAKE, B(PSH | ACK, "220 hello"), C(PSH | ACK, "HELO"), B(PSH | ACK, "250") },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1 },
	{ "refused",
	  false,
	  { C(SYN, NULL), B(RST | ACK, NULL) },
	  .failures[SERIN_FAILURE_REFUSED] = 1,
	  .incidents = 1 },
	{ "refused with another number is a stranger's",
	  false,
	  { C(SYN, NULL), SAID(BACKEND, CROSSED, RST | ACK, NULL) },
	  .asked = 0 },
	{ "a SYN that is answered late",
	  false,
	  { C(SYN, NULL), SAID(CLIENT, AGAIN, SYN, NULL), B(SYN | ACK, NULL), C(ACK, NULL) },
	  .handshakes = 0 },
	{ "timeout",
	  false,
	  { C(SYN, NULL), SAID(CLIENT, AGAIN, SYN, NULL), WAIT(OVERDUE), WAIT(OVERDUE) },
	  .failures[SERIN_FAILURE_TIMEOUT] = 1,
	  .incidents = 1 },
	{ "one SYN and no more is no timeout", false, { C(SYN, NULL), WAIT(OVERDUE) }, .asked = 0 },
	{ "after a timeout a RST is no second failure",
	  false,
	  { C(SYN, NULL), SAID(CLIENT, AGAIN, SYN, NULL), WAIT(OVERDUE), B(RST | ACK, NULL) },
	  .failures[SERIN_FAILURE_TIMEOUT] = 1,
	  .incidents = 1 },
	{ "reset while an answer is owed",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), B(RST | ACK, NULL) },
	  .failures[SERIN_FAILURE_RESET] = 1,
	  .asked = 1,
	  .handshakes = 1,
	  .incidents = 1 },
	{ "reset in the middle of an answer",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), B(ACK, "half of it"), C(ACK, NULL), B(RST | ACK, NULL) },
	  .failures[SERIN_FAILURE_RESET] = 1,
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1,
	  .incidents = 1 },
	{ "a RST on an idle connection",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), B(PSH | ACK, "say"), WAIT(QUIET), B(RST | ACK, NULL) },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1 },
	{ "a RST before anything was asked", false, { HANDSHAKE, WAIT(QUIET), B(RST | ACK, NULL) }, .handshakes = 1 },
	{ "a client that closes early, reset by a backend that writes on",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), C(FIN | ACK, NULL), B(RST | ACK, NULL) },
	  .asked = 1,
	  .handshakes = 1 },
	{ "one that resets after the timeout, before anybody has swept",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), WAIT(LATE), C(RST | ACK, NULL), WAIT(OVERDUE) },
	  .failures[SERIN_FAILURE_UNANSWERED] = 1,
	  .asked = 1,
	  .handshakes = 1,
	  .incidents = 1 },
	{ "an answer after the timeout, before anybody has swept",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), WAIT(LATE), B(PSH | ACK, "say"), WAIT(OVERDUE) },
	  .failures[SERIN_FAILURE_UNANSWERED] = 1,
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1,
	  .incidents = 1 },
	{ "a client that resets while it is owed",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), C(RST | ACK, NULL), WAIT(OVERDUE) },
	  .asked = 1,
	  .handshakes = 1 },
	{ "half-close, then the answer",
	  false,
	  { HANDSHAKE, C(PSH | FIN | ACK, "ask"), B(PSH | ACK, "say"), B(FIN | ACK, NULL) },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1 },
	{ "accepted and never answered",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), B(ACK, NULL), WAIT(OVERDUE), WAIT(OVERDUE) },
	  .failures[SERIN_FAILURE_UNANSWERED] = 1,
	  .asked = 1,
	  .handshakes = 1,
	  .incidents = 1 },
	{ "so, though the client has given up",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), B(ACK, NULL), C(FIN | ACK, NULL), B(ACK, NULL), WAIT(OVERDUE) },
	  .failures[SERIN_FAILURE_UNANSWERED] = 1,
	  .asked = 1,
	  .handshakes = 1,
	  .incidents = 1 },
	{ "an answer after the timeout is a sample, and no second failure",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), WAIT(OVERDUE), B(PSH | ACK, "say"), WAIT(OVERDUE) },
	  .failures[SERIN_FAILURE_UNANSWERED] = 1,
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1,
	  .incidents = 1 },
	{ "bytes that may want no answer, on a connection that has had some",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), B(PSH | ACK, "say"), C(PSH | ACK, "window"), WAIT(OVERDUE) },
	  .asked = 2,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1 },
	{ "a FIN instead of an answer",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), B(FIN | ACK, NULL), WAIT(OVERDUE) },
	  .failures[SERIN_FAILURE_UNANSWERED] = 1,
	  .asked = 1,
	  .handshakes = 1,
	  .incidents = 1 },
	{ "a request that crosses the FIN of an idle connection",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), B(PSH | ACK, "say"), C(PSH | ACK, "more"),
	    SAID(BACKEND, CROSSED, FIN | ACK, NULL), WAIT(OVERDUE) },
	  .asked = 2,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1 },
	{ "a request behind the backend's FIN",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), B(PSH | ACK, "say"), B(FIN | ACK, NULL), C(PSH | ACK, "more"),
	    B(RST | ACK, NULL) },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1 },
	{ "a request that is sent again gives no sample",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), SAID(CLIENT, AGAIN, PSH | ACK, "ask"), B(PSH | ACK, "say") },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1 },
	{ "an answer that is sent again is none",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), B(PSH | ACK, "say"), SAID(BACKEND, AGAIN, PSH | ACK, "say"),
	    C(PSH | ACK, "on"), SAID(BACKEND, AGAIN, PSH | ACK, "say"), B(PSH | ACK, "so") },
	  .asked = 2,
	  .answered = 2,
	  .retransmits = 2,
	  .handshakes = 1,
	  .samples = 2 },
	{ "an answer whose first segment was lost gives no sample",
	  false,
	  { HANDSHAKE, C(PSH | ACK, "ask"), SAID(BACKEND, GAP, PSH | ACK, "second") },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1 },
	{ "HTTP: a request and its answer",
	  true,
	  { HANDSHAKE, C(PSH | ACK, ASK), B(PSH | ACK, FINE) },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1,
	  .classes[2] = 1,
	  .get = 1 },
	{ "HTTP: 503",
	  true,
	  { HANDSHAKE, C(PSH | ACK, ASK), B(PSH | ACK, BAD), C(PSH | ACK, ASK), B(PSH | ACK, FINE) },
	  .asked = 2,
	  .answered = 2,
	  .handshakes = 1,
	  .samples = 2,
	  .classes[5] = 1,
	  .classes[2] = 1,
	  .error = 503,
	  .get = 2,
	  .incidents = 1 },
	{ "HTTP: a body of a few bytes",
	  true,
	  { HANDSHAKE, C(PSH | ACK, "POST / HTTP/1.1\r\n\r\n"), C(PSH | ACK, "a=b"), B(PSH | ACK, FINE) },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1,
	  .classes[2] = 1 },
	{ "HTTP: a client that writes byte by byte",
	  true,
	  { HANDSHAKE, C(PSH | ACK, "G"), C(PSH | ACK, "ET / HTTP/1.1\r\n\r\n"), B(PSH | ACK, FINE) },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1,
	  .classes[2] = 1 },
	{ "HTTP: 100 is no answer",
	  true,
	  { HANDSHAKE, C(PSH | ACK, ASK), B(PSH | ACK, INTERIM), C(PSH | ACK, "body of it all"), B(PSH | ACK, FINE) },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1,
	  .classes[2] = 1,
	  .get = 1 },
	{ "HTTP: 100 with the answer behind it",
	  true,
	  { HANDSHAKE, C(PSH | ACK, ASK), B(PSH | ACK, INTERIM BAD) },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1,
	  .classes[5] = 1,
	  .error = 503,
	  .get = 1,
	  .incidents = 1 },
	{ "HTTP: 101 is one",
	  true,
	  { HANDSHAKE, C(PSH | ACK, ASK), B(PSH | ACK, "HTTP/1.1 101 Switching Protocols\r\n\r\n") },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1,
	  .classes[1] = 1,
	  .get = 1 },
	{ "HTTP: a status line in two pieces is counted as unread",
	  true,
	  { HANDSHAKE, C(PSH | ACK, ASK), B(ACK, "HTTP/1.1 5"), B(PSH | ACK, "03 No\r\n\r\n") },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1,
	  .classes[0] = 1,
	  .get = 1 },
	{ "HTTP: what is no request opens nothing",
	  true,
	  { HANDSHAKE, C(PSH | ACK, ASK), B(PSH | ACK, "HTTP/1.1 413 Too Large\r\n\r\n"),
	    C(PSH | ACK, "the rest of a body"), WAIT(OVERDUE) },
	  .asked = 1,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1,
	  .classes[4] = 1,
	  .get = 1 },
	{ "HTTP: silence in the second turn is known as such",
	  true,
	  { HANDSHAKE, C(PSH | ACK, ASK), B(PSH | ACK, FINE), C(PSH | ACK, ASK), WAIT(OVERDUE) },
	  .failures[SERIN_FAILURE_UNANSWERED] = 1,
	  .asked = 2,
	  .answered = 1,
	  .handshakes = 1,
	  .samples = 1,
	  .classes[2] = 1,
	  .get = 2,
	  .incidents = 1 },
	{ "HTTP: pipelined requests give no sample",
	  true,
	  { HANDSHAKE, C(PSH | ACK, ASK), C(PSH | ACK, ASK), B(PSH | ACK, FINE), B(PSH | ACK, FINE) },
	  .asked = 2,
	  .answered = 1,
	  .handshakes = 1,
	  .classes[2] = 1,
	  .get = 2 },
};

static unsigned int differs(const struct fixture *fixture, const struct scene *scene, const char *what, uint64_t found,
			    uint64_t expected)
{
	if (found == expected)
		return 0;
	print_message("%s, %s: %s is %llu, expected %llu\n", scene->name, fixture->name, what,
		      (unsigned long long)found, (unsigned long long)expected);
	return 1;
}

static unsigned int check_fixture(const struct fixture *fixture, const struct scene *in)
{
	static const char *const reasons[] = {
#define LABEL(upper, label, text) #label,
		SERIN_FAILURE_REASONS(LABEL)
#undef LABEL
	};
	static const char *const classes[] = { "unread", "1xx", "2xx", "3xx", "4xx", "5xx" };
	struct scene scene = *in;
	struct conversation talk;
	struct serin_observed was, now;
	uint64_t incidents, errors = 0;
	struct serin_stats stats;
	unsigned int wrong = 0;
	size_t i;

	scene.http = fixture->http;
	talk = talk_begin(&scene, FRAME_TCP);
	was = observed_by(&talk);
	incidents = incidents_in(talk.lab);
	play(&talk, fixture->steps);
	stats = expect_read_counters(talk.lab).stats[talk.backend];
	now = observed_by(&talk);
	for (i = 0; i < SERIN_FAILURES; i++)
		wrong += differs(fixture, in, reasons[i], stats.failures[i], fixture->failures[i]);
	wrong += differs(fixture, in, "asked", stats.asked, fixture->asked);
	wrong += differs(fixture, in, "answered", stats.answered, fixture->answered);
	wrong += differs(fixture, in, "retransmits", stats.retransmits, fixture->retransmits);
	wrong += differs(fixture, in, "handshakes", samples_of(&now.handshake) - samples_of(&was.handshake),
			 fixture->handshakes);
	wrong += differs(fixture, in, "samples", samples_of(&now.response) - samples_of(&was.response),
			 fixture->samples);
	for (i = 0; i < SERIN_HTTP_CLASSES; i++)
		wrong += differs(fixture, in, classes[i], now.classes[i] - was.classes[i], fixture->classes[i]);
	for (i = 0; i < SERIN_HTTP_SERVER_ERRORS; i++)
		errors += now.server_errors[i] - was.server_errors[i];
	wrong += differs(fixture, in, "exact 5xx", errors, fixture->error ? 1 : 0);
	if (fixture->error)
		wrong += differs(fixture, in, "that code",
				 now.server_errors[fixture->error - 500] - was.server_errors[fixture->error - 500], 1);
	wrong += differs(fixture, in, "GET", now.methods[SERIN_HTTP_GET] - was.methods[SERIN_HTTP_GET], fixture->get);
	wrong += differs(fixture, in, "incidents", incidents_in(talk.lab) - incidents, fixture->incidents);
	return wrong;
}

static void every_rule(void **state)
{
	unsigned int wrong = 0;
	size_t i, j;

	(void)state;
	for (i = 0; i < scene_count; i++)
		for (j = 0; j < sizeof(fixtures) / sizeof(fixtures[0]); j++)
			wrong += check_fixture(&fixtures[j], &scenes[i]);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule),
	};

	return EXPECT_RUN("turns", tests);
}
