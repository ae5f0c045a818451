/* SPDX-License-Identifier: MIT */
/* One non-blocking, pipelined connection to p0f.
 *
 * p0f answers queries in their order and an answer carries no address, so answers are matched to
 * callbacks by a first-in-first-out ring. A connection begins with two probe queries, whose answers
 * reveal the dialect; the caller's queries may follow them at once.
 *
 * A failed write kills p0f, so a descriptor is closed only when p0f has hung up or no answer is
 * outstanding. A stream that is out of sync is therefore read and discarded until all outstanding
 * answers have arrived: its `error` is set and its callbacks have been called, but it stays open. */
#include "conn_private.h"
#include "unix_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROBES 2u /* the magic of the second answer marks the end of the first */
#define PIPELINE_MAX 1024u
#define RECEIVE_ENOUGH 16384u /* bytes per call: the caller has other work */

static struct p0f_conn *conn_new(unsigned pipeline)
{
    unsigned capacity = pipeline + PROBES;
    struct p0f_conn *conn = calloc(1, sizeof *conn + capacity * sizeof conn->ring[0]);

    if (!conn)
        return NULL;
    conn->capacity = capacity;
    conn->fd = -1;
    conn->tx = malloc((size_t)capacity * P0F_QUERY_SIZE);
    if (!conn->tx) {
        free(conn);
        return NULL;
    }
    return conn;
}

static void conn_delete(struct p0f_conn *conn)
{
    if (conn->fd >= 0)
        close(conn->fd);
    free(conn->tx);
    free(conn);
}

static void enqueue(struct p0f_conn *conn, const struct p0f_addr *addr, p0f_answer_fn *answer,
                    void *ctx)
{
    unsigned slot = (conn->first + conn->count) % conn->capacity;

    conn->ring[slot] = (struct pending){.answer = answer, .ctx = ctx};
    conn->count++;
    /* It fits: at most `capacity` queries are pending, and those sent are in front of unsent_start. */
    if (conn->unsent_end + P0F_QUERY_SIZE > (size_t)conn->capacity * P0F_QUERY_SIZE) {
        memmove(conn->tx, conn->tx + conn->unsent_start, conn->unsent_end - conn->unsent_start);
        conn->unsent_end -= conn->unsent_start;
        conn->unsent_start = 0;
    }
    p0f_query_pack(addr, conn->tx + conn->unsent_end);
    conn->unsent_end += P0F_QUERY_SIZE;
}

enum p0f_error p0f_conn_open(const char *path, enum p0f_dialect dialect, unsigned pipeline,
                             struct p0f_conn **out)
{
    static const struct p0f_addr nobody = {.type = 4}; /* 0.0.0.0 */

    bool known = dialect == P0F_DIALECT_AUTO || p0f_answer_size(dialect) > 0;

    if (!path || !out || !known || pipeline < 1 || pipeline > PIPELINE_MAX)
        return P0F_INVALID;
    struct p0f_conn *conn = conn_new(pipeline);
    if (!conn)
        return P0F_SYSTEM;
    conn->fd = p0f_unix_connect(path);
    if (conn->fd < 0) {
        int cause = errno;
        conn_delete(conn);
        errno = cause;
        return cause == EMFILE || cause == ENFILE || cause == ENOMEM ? P0F_SYSTEM : P0F_UNREACHABLE;
    }
    conn->wanted = dialect;
    conn->answer_size = p0f_answer_size(P0F_DIALECT_P0F3);
    for (conn->probes = 0; conn->probes < PROBES; conn->probes++)
        enqueue(conn, &nobody, NULL, NULL);
    *out = conn;
    return P0F_OK;
}

int p0f_conn_fd(const struct p0f_conn *conn)
{
    return conn->fd;
}

bool p0f_conn_wants_write(const struct p0f_conn *conn)
{
    return conn->error == P0F_OK && conn->unsent_end > conn->unsent_start;
}

enum p0f_error p0f_conn_ask(struct p0f_conn *conn, const struct p0f_addr *addr,
                            p0f_answer_fn *answer, void *ctx)
{
    if (!conn || !addr || !answer || (addr->type != 4 && addr->type != 6))
        return P0F_INVALID;
    if (conn->error != P0F_OK)
        return conn->error;
    if (conn->retired)
        return P0F_RETIRED;
    if (conn->count - conn->probes >= conn->capacity - PROBES)
        return P0F_FULL;
    enqueue(conn, addr, answer, ctx);
    return P0F_OK;
}

/* Removes the first query and calls its callback. */
static void settle_first(struct p0f_conn *conn, enum p0f_error error, const struct p0f_host *host)
{
    struct pending asked = conn->ring[conn->first];

    conn->first = (conn->first + 1) % conn->capacity;
    conn->count--;
    if (!asked.answer) {
        conn->probes--;
        return;
    }
    bool nested = conn->calling;
    conn->calling = true;
    asked.answer(asked.ctx, error, host);
    conn->calling = nested;
}

static void move_first_to_end(struct p0f_conn *conn)
{
    conn->ring[(conn->first + conn->count) % conn->capacity] = conn->ring[conn->first];
    conn->first = (conn->first + 1) % conn->capacity;
}

/* The query whose answer is malformed is told last: if the caller asks all of them again on another
 * connection, it comes behind the others and cannot break their connection a second time. */
static void conn_fail(struct p0f_conn *conn, enum p0f_error error)
{
    conn->error = error;
    if (error == P0F_MALFORMED && conn->count > 0 && conn->ring[conn->first].answer) {
        move_first_to_end(conn);
        while (conn->count > 1)
            settle_first(conn, P0F_LOST, NULL);
    }
    while (conn->count > 0)
        settle_first(conn, error, NULL);
}

static void deliver(struct p0f_conn *conn, const struct p0f_answer *answer)
{
    conn->answered++;
    switch (answer->status) {
    case P0F_STATUS_OK:
        settle_first(conn, P0F_OK, &answer->host);
        break;
    case P0F_STATUS_NOMATCH:
        settle_first(conn, P0F_NO_MATCH, NULL);
        break;
    default:
        settle_first(conn, P0F_BAD_QUERY, NULL);
        break;
    }
}

/* Sets `spoken` from the answers to the probes. False until they are here, or if they are wrong. */
static bool learn_dialect(struct p0f_conn *conn)
{
    enum p0f_dialect found;
    int known = p0f_dialect_detect(conn->rx, conn->rx_length, &found);

    if (known == 0)
        return false;
    conn->answer_size = p0f_resync_measure(conn->rx, conn->rx_length);
    if (known < 0) {
        conn_fail(conn, P0F_MALFORMED);
        return false;
    }
    conn->spoken = found;
    if (conn->wanted != P0F_DIALECT_AUTO && conn->wanted != found) {
        conn_fail(conn, P0F_WRONG_DIALECT);
        return false;
    }
    return true;
}

/* Whether the next answer belongs to a query that was sent: later ones in the ring are not sent yet. */
static bool is_asked(const struct p0f_conn *conn)
{
    return conn->answered < conn->sent / P0F_QUERY_SIZE;
}

/* Delivers the complete answers in rx and leaves the rest there. */
static void take_answers(struct p0f_conn *conn)
{
    size_t taken = 0;

    if (conn->spoken == P0F_DIALECT_AUTO && !learn_dialect(conn))
        return;
    while (conn->error == P0F_OK && taken < conn->rx_length) {
        struct p0f_answer answer;
        int size = !is_asked(conn) ? -1
                                   : p0f_answer_unpack(conn->rx + taken, conn->rx_length - taken,
                                                       conn->spoken, &answer);
        if (size == 0)
            break;
        if (size < 0) {
            conn_fail(conn, P0F_MALFORMED);
            break;
        }
        taken += (size_t)size;
        deliver(conn, &answer);
    }
    conn->rx_length -= taken;
    memmove(conn->rx, conn->rx + taken, conn->rx_length);
}

static void hang_up(struct p0f_conn *conn)
{
    conn->hung_up = true;
    if (conn->error == P0F_OK)
        conn_fail(conn, P0F_DISCONNECTED);
}

static void discard_rx(struct p0f_conn *conn)
{
    size_t taken = p0f_resync_take(&conn->resync, conn->rx, conn->rx_length, conn->answer_size);

    conn->rx_length -= taken;
    memmove(conn->rx, conn->rx + taken, conn->rx_length);
}

/* What it leaves unread keeps the descriptor readable. */
static void receive(struct p0f_conn *conn)
{
    size_t received = 0;

    while (!conn->hung_up && received < RECEIVE_ENOUGH) {
        size_t room = sizeof conn->rx - conn->rx_length;
        ssize_t got = recv(conn->fd, conn->rx + conn->rx_length, room, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (got <= 0) {
            hang_up(conn);
            return;
        }
        received += (size_t)got;
        conn->rx_length += (size_t)got;
        if (conn->error == P0F_OK)
            take_answers(conn);
        if (conn->error != P0F_OK)
            discard_rx(conn);
        if ((size_t)got < room)
            return; /* nothing left; the next arrival makes it readable */
    }
}

static void transmit(struct p0f_conn *conn)
{
    while (p0f_conn_wants_write(conn)) {
        ssize_t put = send(conn->fd, conn->tx + conn->unsent_start,
                           conn->unsent_end - conn->unsent_start, MSG_NOSIGNAL);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return; /* full: later. Broken: recv() will tell, after the last answers. */
        conn->sent += (uint64_t)put;
        conn->unsent_start += (size_t)put;
    }
    conn->unsent_start = conn->unsent_end = 0;
}

enum p0f_error p0f_conn_flush(struct p0f_conn *conn)
{
    if (!conn)
        return P0F_INVALID;
    transmit(conn);
    return conn->error;
}

enum p0f_error p0f_conn_io(struct p0f_conn *conn)
{
    if (!conn || conn->calling)
        return P0F_INVALID;
    transmit(conn);
    receive(conn);
    transmit(conn); /* the callbacks' queries */
    return conn->error;
}

unsigned p0f_conn_outstanding(const struct p0f_conn *conn)
{
    /* Only complete queries are answered. */
    uint64_t outstanding = conn->sent / P0F_QUERY_SIZE - conn->answered;
    uint64_t seen = p0f_resync_count(&conn->resync, conn->answer_size);

    return conn->hung_up || outstanding <= seen ? 0 : (unsigned)(outstanding - seen);
}

bool p0f_conn_hung_up(const struct p0f_conn *conn)
{
    return conn->hung_up;
}

unsigned p0f_conn_pending(const struct p0f_conn *conn)
{
    return conn->count - conn->probes;
}

enum p0f_dialect p0f_conn_dialect(const struct p0f_conn *conn)
{
    return conn->spoken;
}

const uint8_t *p0f_conn_rejected(const struct p0f_conn *conn, size_t *length)
{
    *length = conn->resync.begin_length;
    return conn->resync.begin;
}

void p0f_conn_retire(struct p0f_conn *conn)
{
    conn->retired = true;
}

bool p0f_conn_free(struct p0f_conn *conn)
{
    if (!conn)
        return true;
    if (conn->calling || p0f_conn_outstanding(conn) > 0)
        return false;
    conn_fail(conn, P0F_DISCONNECTED); /* the queries that were never sent */
    conn_delete(conn);
    return true;
}

void p0f_conn_drop(struct p0f_conn *conn)
{
    conn_fail(conn, P0F_DISCONNECTED);
    conn_delete(conn);
}
