/* SPDX-License-Identifier: MIT */
#include "http/worker.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* The library fetches so many events at once. */
#define FETCHED 128

#define CONNECTIONS_MAX 1024
#define BOUND_MS 20000 /* for what must happen; a worker that never ends has a bound of its own */

static const char request[] = "GET /now HTTP/1.1\r\nHost: x\r\n\r\n";
static const char later[] = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";

static struct http_worker *worker;
static struct MHD_Response *response;
static int ends[CONNECTIONS_MAX]; /* the clients' */
static atomic_uint arrived, left, lost;
static sem_t suspended;

/* ---- What it serves: /now at once, /later when it is resumed */

static struct MHD_Connection *waiting; /* the one that asked for /later */

struct served {
    bool seen, resumed;
};

static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *body,
                              size_t *body_length, void **socket_request)
{
    struct served *served =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    (void)ctx, (void)method, (void)version, (void)body, (void)body_length;
    if (!*socket_request) {
        *socket_request = served;
        served->seen = true;
        served->resumed = false;
        return MHD_YES;
    }
    if (strcmp(url, "/later") == 0 && !served->resumed) {
        served->resumed = true;
        waiting = connection;
        http_worker_suspend(worker, connection);
        sem_post(&suspended);
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

static void *on_arrival(void *ctx, struct http_worker *from, struct MHD_Connection *connection)
{
    (void)ctx, (void)from, (void)connection;
    arrived++;
    return calloc(1, sizeof(struct served));
}

static void on_end(void *ctx, struct MHD_Connection *connection, void *socket_context)
{
    (void)ctx, (void)connection;
    free(socket_context);
    left++;
}

static void on_loss(void *ctx, int fd)
{
    (void)ctx, (void)fd;
    lost++;
}

__attribute__((format(printf, 2, 0))) static void on_library_log(void *ctx, const char *format,
                                                                 va_list args)
{
    (void)ctx, (void)format, (void)args; /* it wants TCP_NODELAY of unix sockets */
}

static void start(unsigned timeout_s, unsigned limit)
{
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_library_log, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)limit, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)timeout_s, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct http_worker_options options = {.library = items,
                                                .handler = handle,
                                                .arrived = on_arrival,
                                                .left = on_end,
                                                .lost = on_loss,
                                                .clock = clock_mono};

    arrived = left = lost = 0;
    sem_init(&suspended, 0, 0);
    response = MHD_create_response_from_buffer(3, (char[]){"ok\n"}, MHD_RESPMEM_MUST_COPY);
    worker = http_worker_start(&options);
    cr_assert_not_null(worker);
}

static void stop(void)
{
    http_worker_stop(worker);
    MHD_destroy_response(response);
}

static void connect_one(unsigned number)
{
    const struct sockaddr peer = {.sa_family = AF_UNIX};
    int pair[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    ends[number] = pair[1];
    http_worker_take(worker, pair[0], &peer, sizeof peer.sa_family, false);
}

static void ask(unsigned number, const char *what)
{
    cr_assert_eq(send(ends[number], what, strlen(what), MSG_NOSIGNAL), (ssize_t)strlen(what));
}

/* Reads one answer, whole: it ends with its body. */
static void expect_answer(unsigned number)
{
    struct pollfd watched = {.fd = ends[number], .events = POLLIN};
    char text[1024];
    size_t length = 0;

    do {
        cr_assert_eq(poll(&watched, 1, BOUND_MS), 1, "connection %u is not answered", number);
        ssize_t got = recv(ends[number], text + length, sizeof text - 1 - length, 0);
        cr_assert_gt(got, 0, "connection %u is closed", number);
        length += (size_t)got;
        text[length] = '\0';
    } while (!strstr(text, "\r\n\r\nok\n"));
    cr_assert_eq(strncmp(text, "HTTP/1.1 200 ", 13), 0);
}

static void expect_end(unsigned number)
{
    struct pollfd watched = {.fd = ends[number], .events = POLLIN};
    char byte;

    cr_assert_eq(poll(&watched, 1, BOUND_MS), 1, "connection %u stays open", number);
    cr_assert_eq(recv(ends[number], &byte, 1, 0), 0);
}

/* ---- The worker held up, so that all that is sent meanwhile is there at once */

static struct loop_task hold;
static sem_t held, released;

static void do_hold(void *ctx)
{
    (void)ctx;
    sem_post(&held);
    while (sem_wait(&released) != 0)
        ;
}

static void hold_worker(void)
{
    sem_init(&held, 0, 0);
    sem_init(&released, 0, 0);
    hold = (struct loop_task){.run = do_hold};
    loop_post(http_worker_loop(worker), &hold);
    while (sem_wait(&held) != 0)
        ;
}

static void release_worker(void)
{
    sem_post(&released);
}

/* ---- Tests */

static void answer_bursts_of(unsigned count)
{
    start(0, CONNECTIONS_MAX);
    for (unsigned i = 0; i < count; i++)
        connect_one(i);
    for (unsigned burst = 0; burst < 3; burst++) {
        hold_worker();
        for (unsigned i = 0; i < count; i++)
            ask(i, request);
        release_worker();
        for (unsigned i = 0; i < count; i++)
            expect_answer(i);
    }
    cr_assert_eq(http_worker_connections(worker), count);
    stop();
    cr_assert_eq(arrived, count);
    cr_assert_eq(left, count);
    for (unsigned i = 0; i < count; i++) {
        expect_end(i);
        close(ends[i]);
    }
}

Test(worker, answers_bursts_of_any_size, .timeout = 120)
{
    static const unsigned counts[] = {1,           FETCHED - 1, FETCHED,     FETCHED + 1,
                                      2 * FETCHED, 3 * FETCHED, 4 * FETCHED, 1000};

    struct rlimit limit;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (2 * counts[i] + 100 <= limit.rlim_max) /* both ends are ours */
            answer_bursts_of(counts[i]);
}

/* More than the library fetches at once, too. */
Test(worker, answers_bursts_that_come_with_their_connections, .timeout = 120)
{
    start(0, CONNECTIONS_MAX);
    hold_worker();
    for (unsigned i = 0; i < 2 * FETCHED; i++) {
        connect_one(i);
        ask(i, request);
    }
    release_worker();
    for (unsigned i = 0; i < 2 * FETCHED; i++)
        expect_answer(i);
    stop();
}

static void do_resume(void *ctx)
{
    http_worker_resume(worker, ctx);
}

Test(worker, goes_on_with_what_is_resumed, .timeout = 120)
{
    struct loop_task task = {.run = do_resume};

    start(0, CONNECTIONS_MAX);
    connect_one(0);
    for (unsigned i = 0; i < 100; i++) {
        ask(0, later);
        while (sem_wait(&suspended) != 0)
            ;
        task.ctx = waiting;
        loop_post(http_worker_loop(worker), &task);
        expect_answer(0);
    }
    stop();
}

/* Posts itself again until it has run this often. */
#define DELAY_ROUNDS 100000

static struct loop_task delay;

static void resume_much_later(void *ctx)
{
    static unsigned rounds;

    if (++rounds % DELAY_ROUNDS == 0)
        http_worker_resume(worker, ctx);
    else
        loop_post(http_worker_loop(worker), &delay);
}

/* The library aborts the process when it is stopped while a connection is suspended. */
Test(worker, answers_what_is_suspended_before_it_stops, .timeout = 120)
{
    start(0, CONNECTIONS_MAX);
    connect_one(0);
    ask(0, later);
    while (sem_wait(&suspended) != 0)
        ;
    delay = (struct loop_task){.run = resume_much_later, .ctx = waiting};
    loop_post(http_worker_loop(worker), &delay);
    stop();
    expect_answer(0);
    expect_end(0);
    close(ends[0]);
}

/* The library does not see to its timeouts by itself when it does not wait by itself. */
Test(worker, ends_silent_connections, .timeout = 120)
{
    start(1, CONNECTIONS_MAX);
    for (unsigned i = 0; i < 3; i++)
        connect_one(i);
    for (unsigned i = 0; i < 3; i++)
        expect_end(i);
    stop();
    cr_assert_eq(left, 3);
}

Test(worker, counts_those_who_leave, .timeout = 120)
{
    struct pollfd nothing = {.fd = -1};

    start(0, CONNECTIONS_MAX);
    for (unsigned i = 0; i < 3; i++)
        connect_one(i);
    cr_assert_eq(http_worker_connections(worker), 3);
    close(ends[0]);
    close(ends[1]);
    for (unsigned tries = 0; http_worker_connections(worker) > 1; tries++) {
        cr_assert_lt(tries, BOUND_MS);
        poll(&nothing, 1, 1);
    }
    ask(2, request);
    expect_answer(2);
    stop();
}

/* The library refuses more than its limit without telling of them. */
Test(worker, tells_of_what_the_library_does_not_take, .timeout = 120)
{
    start(0, 1);
    connect_one(0);
    connect_one(1);
    expect_end(1);
    ask(0, request);
    expect_answer(0);
    stop();
    cr_assert_eq(lost, 1);
    cr_assert_eq(arrived, 1);
    cr_assert_eq(left, 1);
}
