/* SPDX-License-Identifier: MIT */
/* The blocking query; a thread, or the test itself, plays p0f. */
#include "../../support/c/stand_in.h"
#include "p0fclient.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct p0f_addr somebody = {.type = 4, .bytes = {192, 0, 2, 1}};
static const struct timespec past = {.tv_nsec = 1};
static struct stand_in p0f;

/* In the place of the C library's, to see for how long it would wait. */
static struct itimerspec alarm_set_to;

int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old)
{
    alarm_set_to = *value;
    return (int)syscall(SYS_timerfd_settime, fd, flags, value, old);
}

/* What the thread does: accepts, reads so many queries, writes the bytes; then waits for the client
 * to close, or hangs up first. */
struct script {
    bool connected; /* no need to accept */
    unsigned queries;
    size_t length;
    uint8_t bytes[8 * P0F_ANSWER_MAX];
    bool hang_up;
    bool went_well;
};

static void *play(void *arg)
{
    struct script *script = arg;
    char byte;

    if (!script->connected)
        p0f.peer = accept(p0f.socket.listener, NULL, NULL);
    script->went_well = p0f.peer >= 0 && stand_in_skip(&p0f, script->queries) &&
                        stand_in_write(&p0f, script->bytes, script->length);
    if (script->hang_up)
        stand_in_hang_up(&p0f);
    else if (script->went_well)
        script->went_well = recv(p0f.peer, &byte, 1, 0) == 0; /* closed, and nothing before */
    return NULL;
}

static void add_answer(struct script *script, uint32_t status, uint32_t mark)
{
    script->length += stand_in_pack(script->bytes + script->length, P0F_DIALECT_P0F3, status, mark);
}

static enum p0f_error lookup_played(struct script *script, struct p0f_host *host)
{
    pthread_t thread;

    cr_assert_eq(pthread_create(&thread, NULL, play, script), 0);
    enum p0f_error error = p0f_lookup(p0f.socket.path, &somebody, NULL, host);
    pthread_join(thread, NULL);
    cr_assert(script->went_well);
    return error;
}

static struct script probes_answered(void)
{
    struct script script = {.queries = 3};

    add_answer(&script, P0F_STATUS_NOMATCH, 0);
    add_answer(&script, P0F_STATUS_NOMATCH, 0);
    return script;
}

static void start(void)
{
    cr_assert(stand_in_start(&p0f));
    /* The thread is to wait in accept. */
    cr_assert_eq(fcntl(p0f.socket.listener, F_SETFL, 0), 0);
}

static void stop(void)
{
    stand_in_stop(&p0f);
}

/* A query without an answer in time; p0f has it all the same. */
static void time_out(void)
{
    struct p0f_host host;

    cr_assert_eq(p0f_lookup(p0f.socket.path, &somebody, &past, &host), P0F_TIMEOUT);
}

static void time_out_first(void)
{
    time_out();
    cr_assert(stand_in_accept(&p0f));
    cr_assert(stand_in_skip(&p0f, 3));
    cr_assert(stand_in_sees_open(&p0f), "closed while an answer is outstanding");
}

static bool is_anybody_waiting(void)
{
    fcntl(p0f.socket.listener, F_SETFL, O_NONBLOCK);
    return accept(p0f.socket.listener, NULL, NULL) >= 0;
}

Test(query, answered, .init = start, .fini = stop)
{
    struct script script = probes_answered();
    struct p0f_host host;

    add_answer(&script, P0F_STATUS_OK, 42);
    cr_assert_eq(lookup_played(&script, &host), P0F_OK);
    cr_assert_eq(host.total_conn, 42);
    cr_assert_eq(host.dialect, P0F_DIALECT_P0F3);
}

Test(query, no_match_and_bad_query, .init = start, .fini = stop)
{
    static const uint32_t status[] = {P0F_STATUS_NOMATCH, P0F_STATUS_BADQUERY};
    static const enum p0f_error error[] = {P0F_NO_MATCH, P0F_BAD_QUERY};

    for (int i = 0; i < 2; i++) {
        struct script script = probes_answered();
        struct p0f_host host;

        add_answer(&script, status[i], 0);
        cr_assert_eq(lookup_played(&script, &host), error[i]);
        stand_in_hang_up(&p0f);
    }
}

Test(query, out_of_range_is_filled_all_the_same, .init = start, .fini = stop)
{
    struct script script = probes_answered();
    struct p0f_host host;

    add_answer(&script, P0F_STATUS_OK, 42);
    script.bytes[2 * 232 + 38] = 3; /* bad_sw */
    cr_assert_eq(lookup_played(&script, &host), P0F_OUT_OF_RANGE);
    cr_assert_eq(host.bad_sw, 3);
    cr_assert_eq(host.total_conn, 42);
}

Test(query, malformed, .init = start, .fini = stop)
{
    struct script script = probes_answered();
    struct p0f_host host;

    add_answer(&script, P0F_STATUS_OK, 42);
    script.bytes[2 * 232] ^= 1; /* magic */
    cr_assert_eq(lookup_played(&script, &host), P0F_MALFORMED);
}

Test(query, disconnected, .init = start, .fini = stop)
{
    struct script script = {.queries = 3, .hang_up = true};
    struct p0f_host host;

    cr_assert_eq(lookup_played(&script, &host), P0F_DISCONNECTED);
}

Test(query, unreachable)
{
    struct timespec later = {.tv_sec = 1 << 30};
    struct p0f_host host;

    cr_assert_eq(p0f_lookup("/nowhere/sock", &somebody, NULL, &host), P0F_UNREACHABLE);
    cr_assert_eq(errno, ENOENT);
    cr_assert_eq(p0f_lookup("/nowhere/sock", &somebody, &later, &host), P0F_UNREACHABLE);
    cr_assert_eq(errno, ENOENT);
}

/* What is played to the next query on the connection of one that has timed out, to begin with. */
static struct script late_answer(void)
{
    struct script script = probes_answered();

    time_out_first();
    script.connected = true;
    script.queries = 1;
    add_answer(&script, P0F_STATUS_OK, 1); /* for nobody */
    return script;
}

Test(query, after_a_timeout_the_next_reuses_the_connection, .init = start, .fini = stop)
{
    struct script script = late_answer();
    struct p0f_host host;

    add_answer(&script, P0F_STATUS_OK, 2);
    cr_assert_eq(lookup_played(&script, &host), P0F_OK);
    cr_assert_eq(host.total_conn, 2, "got the answer to another query");
    cr_assert_not(is_anybody_waiting(), "a second connection");
    cr_assert_eq(p0f_lookup_drain(&past), 0);
}

Test(query, after_a_timeout_and_a_hang_up_the_next_connects_anew, .init = start, .fini = stop)
{
    struct script script = probes_answered();
    struct p0f_host host;

    time_out_first();
    stand_in_hang_up(&p0f);
    add_answer(&script, P0F_STATUS_OK, 3);
    cr_assert_eq(lookup_played(&script, &host), P0F_OK);
    cr_assert_eq(host.total_conn, 3);
    cr_assert_eq(p0f_lookup_drain(&past), 0);
}

Test(query, a_late_answer_that_is_malformed_is_not_ours, .init = start, .fini = stop)
{
    struct script script = late_answer();
    struct p0f_host host;

    script.bytes[2 * 232] ^= 1; /* its magic */
    add_answer(&script, P0F_STATUS_OK, 2);
    cr_assert_eq(lookup_played(&script, &host), P0F_LOST);
    cr_assert_eq(p0f_lookup_drain(&past), 0);
}

Test(query, drain_closes_after_the_answer, .init = start, .fini = stop)
{
    time_out_first();
    cr_assert_eq(p0f_lookup_drain(&past), 1);
    cr_assert(stand_in_sees_open(&p0f), "drained while an answer is outstanding");
    cr_assert(stand_in_answer(&p0f, P0F_STATUS_NOMATCH, 0));
    cr_assert(stand_in_answer(&p0f, P0F_STATUS_NOMATCH, 0));
    cr_assert_eq(p0f_lookup_drain(&past), 1);
    cr_assert(stand_in_sees_open(&p0f), "drained while an answer is outstanding");
    cr_assert(stand_in_answer(&p0f, P0F_STATUS_OK, 1));
    cr_assert_eq(p0f_lookup_drain(NULL), 0);
    cr_assert(stand_in_sees_closed(&p0f));
}

/* Answers to the probes, and to the query once those have been read. */
static void *answer_in_two_parts(void *went_well)
{
    int unread = 1;
    bool good = stand_in_answer(&p0f, P0F_STATUS_NOMATCH, 0) &&
                stand_in_answer(&p0f, P0F_STATUS_NOMATCH, 0);

    while (unread > 0 && ioctl(p0f.peer, SIOCOUTQ, &unread) == 0)
        sched_yield();
    *(bool *)went_well = good && stand_in_answer(&p0f, P0F_STATUS_OK, 1);
    return NULL;
}

Test(query, drain_waits_for_each_answer, .init = start, .fini = stop)
{
    bool went_well = false;
    pthread_t thread;

    time_out_first();
    cr_assert_eq(pthread_create(&thread, NULL, answer_in_two_parts, &went_well), 0);
    cr_assert_eq(p0f_lookup_drain(NULL), 0);
    pthread_join(thread, NULL);
    cr_assert(went_well);
    cr_assert(stand_in_sees_closed(&p0f));
}

Test(query, drain_waits_for_a_hang_up_too, .init = start, .fini = stop)
{
    time_out_first();
    stand_in_hang_up(&p0f);
    cr_assert_eq(p0f_lookup_drain(NULL), 0);
    cr_assert_eq(p0f_lookup_drain(NULL), 0, "nothing left");
}

Test(query, a_stalled_p0f_costs_one_connection, .init = start, .fini = stop)
{
    struct p0f_host host;

    for (int i = 0; i < 16; i++)
        time_out();
    cr_assert_eq(p0f_lookup(p0f.socket.path, &somebody, &past, &host), P0F_FULL);
    cr_assert(stand_in_accept(&p0f));
    cr_assert(stand_in_skip(&p0f, 18));
    cr_assert_not(is_anybody_waiting(), "a second connection");
    for (uint32_t i = 0; i < 18; i++)
        cr_assert(stand_in_answer(&p0f, P0F_STATUS_OK, i));
    cr_assert_eq(p0f_lookup_drain(NULL), 0);
    cr_assert(stand_in_sees_closed(&p0f));
}

Test(query, invalid_arguments, .init = start, .fini = stop)
{
    static const struct p0f_addr neither = {.type = 5};
    const char *path = p0f.socket.path;
    struct p0f_host host;

    time_out_first(); /* a connection to whatever path a NULL is taken for */
    cr_assert_eq(p0f_lookup(NULL, &somebody, &past, &host), P0F_INVALID);
    cr_assert_eq(p0f_lookup(path, NULL, &past, &host), P0F_INVALID);
    cr_assert_eq(p0f_lookup(path, &somebody, &past, NULL), P0F_INVALID);
    cr_assert_eq(p0f_lookup(path, &neither, &past, &host), P0F_INVALID);
    cr_assert_eq(p0f_lookup_text(NULL, "192.0.2.1", 0, &host), P0F_INVALID);
    cr_assert_eq(p0f_lookup_text(path, NULL, 0, &host), P0F_INVALID);
    cr_assert_eq(p0f_lookup_text(path, "192.0.2.1", 0, NULL), P0F_INVALID);
    cr_assert_eq(p0f_lookup_text(path, "192.0.2.1/32", 0, &host), P0F_ADDR_CIDR);
    cr_assert_eq(p0f_host_check(NULL), P0F_INVALID);
    cr_assert(stand_in_sees_open(&p0f), "asked all the same");
    stand_in_hang_up(&p0f);
    cr_assert_eq(p0f_lookup_drain(NULL), 0);
}

Test(query, by_text, .init = start, .fini = stop)
{
    struct script script = probes_answered();
    struct p0f_host host;
    pthread_t thread;

    add_answer(&script, P0F_STATUS_OK, 42);
    cr_assert_eq(pthread_create(&thread, NULL, play, &script), 0);
    cr_assert_eq(p0f_lookup_text(p0f.socket.path, "::ffff:192.0.2.1", UINT32_MAX, &host), P0F_OK);
    pthread_join(thread, NULL);
    cr_assert(script.went_well);
    cr_assert_eq(host.total_conn, 42);
}

Test(query, by_text_within_milliseconds)
{
    struct p0f_host host;

    cr_assert_eq(p0f_lookup_text("/nonexistent", "192.0.2.1", 1500, &host), P0F_UNREACHABLE);
    cr_assert_eq(alarm_set_to.it_value.tv_sec, 1);
    cr_assert_eq(alarm_set_to.it_value.tv_nsec, 500000000);
}

/* It ends, and the connection does not. */
Test(query, by_text_in_no_time, .init = start, .fini = stop)
{
    struct p0f_host host;

    for (unsigned timeout_ms = 0; timeout_ms <= 20; timeout_ms += 20)
        cr_assert_eq(p0f_lookup_text(p0f.socket.path, "192.0.2.1", timeout_ms, &host), P0F_TIMEOUT);
    cr_assert(stand_in_accept(&p0f));
    cr_assert(stand_in_skip(&p0f, 4));
    cr_assert(stand_in_sees_open(&p0f), "closed while an answer is outstanding");
    stand_in_hang_up(&p0f);
    cr_assert_eq(p0f_lookup_drain(NULL), 0);
}

/* The child reads the late answers and exits; we neither use nor close its connection. */
Test(query, detach_leaves_a_reader, .init = start, .fini = stop)
{
    struct p0f_host host;
    int status;

    cr_assert(p0f_lookup_detach(), "nothing is outstanding");
    cr_assert_eq(waitpid(-1, &status, WNOHANG), -1, "a child without need");
    time_out_first();
    cr_assert(p0f_lookup_detach());
    cr_assert_eq(p0f_lookup_drain(NULL), 0, "it is the child's");
    int first = p0f.peer;
    cr_assert_eq(p0f_lookup(p0f.socket.path, &somebody, &past, &host), P0F_TIMEOUT);
    p0f.peer = -1;
    cr_assert(stand_in_accept(&p0f), "the child's connection was used");
    stand_in_hang_up(&p0f);
    cr_assert_eq(p0f_lookup_drain(NULL), 0);
    p0f.peer = first;
    cr_assert_eq(waitpid(-1, &status, WNOHANG), 0, "it does not wait for the answers");
    for (int i = 0; i < 3; i++)
        cr_assert(stand_in_answer(&p0f, P0F_STATUS_NOMATCH, 0));
    cr_assert(waitpid(-1, &status, 0) > 0);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
