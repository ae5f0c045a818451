/* SPDX-License-Identifier: MIT */
/* Any bytes are what a client sends to the daemon, and how: the first says who it is and how it reads,
 * and from 0xf8 on they are no text but what happens between. What comes back must be responses as the
 * contract has them, as many as there can be and, for requests that leave nothing open, as there must
 * be; of the host that was asked about; and the end when it is due.
 *
 * The clock stands, and is moved when nothing else happens, far enough in the end that the daemon
 * forgets all: so what comes of an input depends on little else. */
#include "holds.h"
#include "http_daemon.h"
#include "http_judge.h"
#include "http_p0f.h"
#include "http_plain.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SENT_MAX (64u * 1024)
#define RECEIVED_MAX (1024u * 1024)
#define STEPS_MAX 64
#define PAUSE_NS 200000 /* without an event, so that it is looked what else there is to do */
#define LOOKS 3         /* so many times */
#define PATIENT_LOOKS 50
#define SECONDS_MAX 20 /* for one input, on a machine with much else to do */
#define SLOWLY 700u    /* bytes at a time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum what {
    CUT = 0xf8, /* what was sent is read before the rest is sent */
    HALF_CLOSE, /* the last that happens, as is the next */
    CLOSE,
    FAULT,   /* of p0f, as the next byte has it */
    PASS,    /* time, in 20 ms */
    REPEAT,  /* 64 times the next byte, the one behind that */
    LITERAL, /* the next byte is what it is */
};

struct step {
    size_t at; /* bytes that have been sent */
    enum what what;
    uint8_t number;
};

static struct {
    char sent[SENT_MAX];
    size_t size;
    struct step steps[STEPS_MAX];
    unsigned step_count;
    uint8_t ways; /* the input's first byte */
} script;

static struct client {
    int fd;
    size_t sent;
    bool broken; /* nothing more can be sent */
    bool half_closed;
    bool closed; /* by the client, or it has had enough */
    bool ended;  /* by the daemon */
    bool reading;
    int64_t passed_ms;
    struct timespec began;
    char received[RECEIVED_MAX];
    size_t length;
} client;

/* ---- The script */

static void write_text(uint8_t byte, size_t times)
{
    for (; times > 0 && script.size < SENT_MAX; times--)
        script.sent[script.size++] = (char)byte;
}

static void read_script(const uint8_t *data, size_t size)
{
    const uint8_t *at = data + 1, *end = data + size;

    script.size = script.step_count = 0;
    script.ways = data[0];
    while (at < end && script.step_count < STEPS_MAX) {
        uint8_t what = *at++, number = at < end ? *at : 0;
        if (what == REPEAT && end - at >= 2) {
            write_text(at[1], 64u * number);
            at += 2;
        } else if (what == LITERAL && at < end) {
            write_text(*at++, 1);
        } else if (what < CUT || what > PASS) {
            write_text(what, 1);
        } else {
            script.steps[script.step_count++] = (struct step){script.size, what, number};
            at += what == FAULT || what == PASS;
            if (what == HALF_CLOSE || what == CLOSE)
                break;
        }
    }
}

/* ---- The client */

static void receive(size_t most)
{
    size_t room = sizeof client.received - client.length;

    if (room == 0) {
        client.closed = true; /* that will do */
        return;
    }
    ssize_t got =
        recv(client.fd, client.received + client.length, room < most ? room : most, MSG_DONTWAIT);
    if (got > 0)
        client.length += (size_t)got;
    /* A reset: it was closed with bytes unread, which are the client's to lose. */
    client.ended = got == 0 || (got < 0 && errno != EAGAIN);
}

static void check_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    HOLDS(now.tv_sec - client.began.tv_sec < SECONDS_MAX);
}

/* Lets the others work, and is p0f and reader meanwhile. False when nothing happens. */
static bool turn(void)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_NS};
    struct pollfd watched[HTTP_P0F_DESCRIPTORS + 1];
    bool reads = client.reading && client.fd >= 0 && !client.ended;

    check_time();
    if (http_p0f_round())
        return true;
    nfds_t count = http_p0f_watch(watched);
    if (reads)
        watched[count++] = (struct pollfd){.fd = client.fd, .events = POLLIN};
    if (ppoll(watched, count, &pause, NULL) <= 0)
        return false;
    if (reads && watched[count - 1].revents)
        receive(script.ways & 8 ? SLOWLY : sizeof client.received);
    return true;
}

static void pass(int64_t ms)
{
    client.passed_ms += ms;
    http_daemon_pass(ms);
}

static void send_until(size_t end)
{
    while (client.sent < end && !client.broken) {
        ssize_t put = send(client.fd, script.sent + client.sent, end - client.sent,
                           MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put > 0) {
            client.sent += (size_t)put;
        } else if (errno == EAGAIN) {
            client.reading = true; /* it may wait for that */
            if (!turn())
                pass(100);
            client.broken = client.ended;
        } else {
            client.broken = true;
        }
    }
}

/* Until what was sent has been read, or is not going to be. */
static void let_it_read(unsigned patience)
{
    int unread = 1;

    for (unsigned looks = 0; unread > 0 && looks < patience && !client.broken; looks += !turn())
        if (ioctl(client.fd, SIOCOUTQ, &unread) != 0)
            break;
}

static void half_close(void)
{
    if (!client.half_closed)
        shutdown(client.fd, SHUT_WR);
    client.half_closed = true;
}

static void take_step(const struct step *step)
{
    switch (step->what) {
    case CUT:
        let_it_read(LOOKS);
        break;
    case HALF_CLOSE:
        half_close();
        break;
    case CLOSE:
        client.closed = true;
        break;
    case FAULT:
        let_it_read(LOOKS);
        http_p0f_fault(step->number % HTTP_P0F_FAULTS);
        break;
    case PASS:
        let_it_read(LOOKS);
        pass(20 * step->number);
        break;
    case REPEAT:
    case LITERAL:
        break;
    }
}

/* Until the daemon ends the connection, or nothing more is to come on it. */
static void see_it_out(const struct http_judge *judge)
{
    unsigned looks = 0;
    int64_t ms = 20;

    client.reading = true;
    while (!client.ended && !client.closed) {
        if (turn()) {
            looks = 0;
        } else if (http_judge_is_content(judge, client.received, client.length)) {
            client.closed = true;
        } else if (!client.half_closed && !judge->all_plain && ++looks == LOOKS) {
            half_close();
        } else if (client.half_closed || judge->all_plain) {
            let_it_read(PATIENT_LOOKS);
            pass(ms);
            ms = ms < 1000 ? ms * 2 : ms;
        }
    }
}

/* ---- One input */

static void connect_client(void)
{
    static const struct sockaddr_in near = {.sin_family = AF_INET,
                                            .sin_addr = {.s_addr = 0x0100007f}};
    static const struct sockaddr_in known = {.sin_family = AF_INET,
                                             .sin_addr = {.s_addr = 0x0100000a}};
    static const struct sockaddr_un local = {.sun_family = AF_UNIX};
    static const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                                           .sin6_addr = {{{0x20, 1, 0xd, 0xb8, [15] = 1}}}};
    static const struct {
        const void *name;
        socklen_t length;
    } peers[] = {{&near, sizeof near},
                 {&known, sizeof known},
                 {&local, sizeof(sa_family_t)},
                 {&v6, sizeof v6}};
    int ends[2], small = 1;

    HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    if (script.ways & 4)
        setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    client.fd = ends[0];
    http_daemon_take(ends[1], peers[script.ways % 4].name, peers[script.ways % 4].length);
}

static void begin(void)
{
    memset(&client, 0, offsetof(struct client, received));
    client.length = 0;
    client.fd = -1;
    clock_gettime(CLOCK_MONOTONIC, &client.began);
    client.reading = !(script.ways & 16);
}

/* Everything is over, and forgotten. */
static void come_to_rest(void)
{
    if (client.fd >= 0)
        close(client.fd);
    client.fd = -1;
    http_p0f_behave();
    while (!http_daemon_at_rest() || http_p0f_at_rest() < HTTP_DAEMON_P0F_CONNECTIONS)
        if (!turn())
            http_daemon_pass(250);
    http_daemon_pass(HTTP_DAEMON_FORGETS_MS);
}

static void end(void)
{
    http_daemon_end();
    http_p0f_end();
}

static void start(void)
{
    static bool started;

    if (started)
        return;
    started = true;
    http_daemon_start(http_p0f_start());
    begin();
    come_to_rest();
    atexit(end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_judge judge;

    if (size < 2)
        return 0;
    start();
    read_script(data, size);
    begin();
    connect_client();
    for (unsigned i = 0; i < script.step_count; i++) {
        send_until(script.steps[i].at);
        take_step(&script.steps[i]);
    }
    if (!client.half_closed && !client.closed)
        send_until(script.size);
    http_judge_read(&judge, script.sent, client.closed ? client.sent : script.size);
    see_it_out(&judge);
    /* A client that is silent for as long as that may be cut off; and the daemon's threads may not
     * have had their turn while time passed. */
    http_judge(&judge, client.received, client.length, !client.closed,
               !client.closed && client.passed_ms < HTTP_DAEMON_PATIENCE_MS);
    come_to_rest();
    return 0;
}
