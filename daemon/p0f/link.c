/* SPDX-License-Identifier: MIT */
#include "p0f/link.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 1000  /* a restarted p0f is noticed within a second */
#define FOREIGN_MAX_MS 10000 /* something else does not become our p0f on the same socket soon */
#define SILENCE_MS 1000   /* p0f answers within 10 ms unless it is busy, stopped or at its limit */
#define SILENT_MS 3000    /* when that is an event */
#define AFTERMATH_MS 250  /* how long a failed connection is read at least */
#define DRAIN_EVERY_MS 10 /* how often one is read, so that a flood on it costs next to nothing */
#define HEALTHY_MS 1000   /* a connection that was ready this long is replaced without backoff */

static void tell_owner(struct link *link, enum link_event event)
{
    link->common->event(link->common->ctx, link, event);
}

const char *link_state_name(enum link_state state)
{
    static const char *const names[LINK_STATES] = {
        [LINK_DOWN] = "down",
        [LINK_PROBING] = "probing",
        [LINK_READY] = "ready",
        [LINK_DRAINING] = "draining",
    };

    return names[state];
}

static bool is_open(const struct link *link)
{
    return link->conn && (link->state == LINK_PROBING || link->state == LINK_READY);
}

bool link_may_answer(const struct link *link)
{
    return is_open(link) || link->recovering;
}

static void watch_as_needed(struct link *link)
{
    uint32_t events = EPOLLIN | (p0f_conn_wants_write(link->conn) ? (uint32_t)EPOLLOUT : 0);

    if (events != link->events && loop_rewatch(link->common->loop, &link->watch, events) == 0)
        link->events = events;
}

void link_flush(struct link *link)
{
    /* Only probes are left then, and nobody would wait for their answers. */
    if (link->conn && link->common->retiring && p0f_conn_pending(link->conn) == 0)
        return;
    if (is_open(link) && p0f_conn_wants_write(link->conn)) {
        if (p0f_conn_outstanding(link->conn) == 0)
            link->heard = loop_now(link->common->loop);
        p0f_conn_flush(link->conn);
        watch_as_needed(link);
    }
}

static void stop_watching(struct link *link)
{
    if (link->events)
        loop_unwatch(link->common->loop, &link->watch);
    link->events = 0;
}

/* Leaves what arrives on a draining connection unread until the timer has it watched again. */
static void drain_later(struct link *link)
{
    struct loop *loop = link->common->loop;

    stop_watching(link);
    loop_arm(loop, &link->drain_timer, mono_add_ms(loop_now(loop), DRAIN_EVERY_MS));
}

static void watch_again(void *ctx)
{
    struct link *link = ctx;

    if (loop_watch(link->common->loop, &link->watch, EPOLLIN) == 0)
        link->events = EPOLLIN;
    else
        drain_later(link);
}

/* Between half and all of a pause that doubles with each failure, so that links do not reconnect all at
 * once. */
static int64_t jittered_pause_ms(struct link_common *common, unsigned failures, int64_t max)
{
    int64_t pause = max;

    if (failures < 16 && BACKOFF_FIRST_MS << failures < max)
        pause = BACKOFF_FIRST_MS << failures;
    common->random = common->random * 6364136223846793005u + 1442695040888963407u;
    return pause / 2 + (int64_t)((common->random >> 33) % (uint64_t)(pause / 2 + 1));
}

/* What is not our p0f is left alone for longer, unless there is another socket (retry_link()). */
static int64_t pause_before_retry(struct link *link)
{
    struct link_common *common = link->common;
    int64_t pause = jittered_pause_ms(common, link->failures++, BACKOFF_MAX_MS);

    if (link->foreign > 0)
        link->retry = mono_add_ms(loop_now(common->loop),
                                  jittered_pause_ms(common, link->foreign - 1, FOREIGN_MAX_MS));
    return pause;
}

/* False, and it stays open, while an answer is outstanding. */
static bool close_link(struct link *link)
{
    if (link->conn && p0f_conn_outstanding(link->conn) > 0)
        return false;
    loop_disarm(link->common->loop, &link->drain_timer);
    stop_watching(link); /* before its descriptor is closed */
    if (!p0f_conn_free(link->conn))
        return false;
    link->conn = NULL;
    return true;
}

/* Only here does a link change its state, and only here is one closed. */
static void link_enter(struct link *link, enum link_state state)
{
    struct link_common *common = link->common;
    int64_t timer_ms = 0;

    if (state == LINK_DOWN && !close_link(link))
        state = LINK_DRAINING;
    link->state = state;
    link->silent = false;
    switch (state) {
    case LINK_DOWN:
        timer_ms = pause_before_retry(link);
        break;
    case LINK_PROBING:
        timer_ms = SILENT_MS;
        break;
    case LINK_READY:
        link->ready = loop_now(common->loop);
        break;
    case LINK_DRAINING:
        timer_ms = AFTERMATH_MS;
        drain_later(link); /* no longer watched for writing */
        break;
    }
    loop_disarm(common->loop, &link->timer);
    if (timer_ms > 0 && !(common->retiring && state == LINK_DOWN))
        loop_arm(common->loop, &link->timer, mono_add_ms(loop_now(common->loop), timer_ms));
}

bool link_fault_is_foreign(const struct link_fault *fault)
{
    switch (fault->error) {
    case P0F_WRONG_DIALECT:
        return true;
    case P0F_MALFORMED:
    case P0F_DISCONNECTED:
        return fault->dialect == P0F_DIALECT_AUTO;
    default:
        return false;
    }
}

static struct link_fault take_fault(const struct p0f_conn *conn, enum p0f_error error)
{
    struct link_fault fault = {.error = error, .dialect = p0f_conn_dialect(conn)};
    size_t length;
    const uint8_t *rejected = p0f_conn_rejected(conn, &length);

    fault.rejected_length = (uint8_t)length;
    memcpy(fault.rejected, rejected, length);
    return fault;
}

/* The connection has failed; the callbacks of its queries have been called. */
static void break_link(struct link *link, enum p0f_error error)
{
    bool gone = p0f_conn_hung_up(link->conn);

    link->fault = take_fault(link->conn, error);
    link->foreign = link_fault_is_foreign(&link->fault) ? link->foreign + 1 : 0;
    if (link->state == LINK_READY &&
        mono_ms_between(link->ready, loop_now(link->common->loop)) >= HEALTHY_MS)
        link->failures = 0;
    link->recovering = link->state == LINK_READY && error == P0F_MALFORMED && !gone;
    link_enter(link, gone ? LINK_DOWN : LINK_DRAINING);
    link->common->counts.connections_lost++;
    tell_owner(link, LINK_EVENT_LOST);
}

/* A draining connection is readable. */
static void drain_link(struct link *link)
{
    bool hope_lost = link->recovering && p0f_conn_hung_up(link->conn);

    if (hope_lost)
        link->fault.error = P0F_DISCONNECTED;
    if (p0f_conn_hung_up(link->conn) ||
        (p0f_conn_outstanding(link->conn) == 0 && !loop_armed(&link->timer)))
        link_enter(link, LINK_DOWN);
    else
        drain_later(link);
    link->recovering = link->recovering && !hope_lost;
    tell_owner(link, hope_lost ? LINK_EVENT_LOST : LINK_EVENT_PROGRESS);
}

/* While the pool retires, idle connections are closed: p0f may be at its connection limit, and answers on
 * our others only once it has room for them. */
static void leave_if_idle(struct link *link)
{
    if (link->common->retiring && is_open(link) && p0f_conn_pending(link->conn) == 0 &&
        p0f_conn_outstanding(link->conn) == 0)
        link_enter(link, LINK_DOWN);
}

static void on_link_events(void *ctx, uint32_t events)
{
    struct link *link = ctx;
    enum p0f_error error = p0f_conn_io(link->conn);

    if (link->state == LINK_DRAINING) {
        drain_link(link);
        return;
    }
    if (error != P0F_OK) {
        break_link(link, error);
        return;
    }
    if (events & EPOLLIN)
        link->answered = link->heard = loop_now(link->common->loop);
    if (link->state == LINK_PROBING && p0f_conn_dialect(link->conn) != P0F_DIALECT_AUTO) {
        link_enter(link, LINK_READY);
        tell_owner(link, LINK_EVENT_READY);
    }
    watch_as_needed(link);
    leave_if_idle(link);
    tell_owner(link, LINK_EVENT_PROGRESS);
}

static void connect_link(struct link *link)
{
    struct link_common *common = link->common;

    link->socket = socket_file_id(common->socket);
    enum p0f_error error =
        p0f_conn_open(common->socket, common->dialect, common->pipeline, &link->conn);
    if (error == P0F_OK) {
        link->watch.fd = p0f_conn_fd(link->conn);
        link->events = EPOLLIN;
        if (loop_watch(common->loop, &link->watch, link->events) == 0) {
            link->opened = link->heard = loop_now(common->loop);
            link_enter(link, LINK_PROBING);
            link->connects++;
            common->counts.connected++;
            tell_owner(link, LINK_EVENT_CONNECTED);
            return;
        }
        link->events = 0;
        error = P0F_SYSTEM;
    }
    link->fault = (struct link_fault){.error = error, .cause = errno};
    socket_file_explain(common->socket, link->fault.cause, common->unreachable);
    link->foreign = 0;
    link->recovering = false;
    link_enter(link, LINK_DOWN);
    common->counts.connect_failed++;
    tell_owner(link, LINK_EVENT_LOST);
}

/* Connects, unless it would be to what was not our p0f only a while ago. */
static void retry_link(struct link *link)
{
    struct link_common *common = link->common;
    struct mono now = loop_now(common->loop);
    struct socket_file_id socket;

    if (link->foreign > 0 && mono_before(now, link->retry)) {
        socket = socket_file_id(common->socket);
        if (socket_file_same(&socket, &link->socket)) {
            loop_arm(common->loop, &link->timer,
                     mono_earlier(link->retry, mono_add_ms(now, BACKOFF_MAX_MS)));
            return;
        }
    }
    connect_link(link);
}

static void on_timer(void *ctx)
{
    struct link *link = ctx;

    switch (link->state) {
    case LINK_DOWN:
        retry_link(link);
        break;
    case LINK_PROBING:
        link->silent = true;
        tell_owner(link, LINK_EVENT_SILENT);
        break;
    case LINK_READY:
        break;
    case LINK_DRAINING:
        if (p0f_conn_outstanding(link->conn) == 0)
            link_enter(link, LINK_DOWN);
        break;
    }
}

void link_start(struct link *link, struct link_common *common)
{
    link->common = common;
    link->watch = (struct loop_fd){.fd = -1, .ready = on_link_events, .ctx = link};
    link->timer = (struct loop_timer){.fire = on_timer, .ctx = link};
    link->drain_timer = (struct loop_timer){.fire = watch_again, .ctx = link};
    connect_link(link);
}

void link_retire(struct link *link)
{
    if (link->conn)
        p0f_conn_retire(link->conn);
    leave_if_idle(link);
    if (link->state == LINK_DOWN)
        loop_disarm(link->common->loop, &link->timer);
}

struct p0f_conn *link_give_up(struct link *link)
{
    struct p0f_conn *conn = link->conn;

    if (conn)
        p0f_conn_cancel(conn);
    link->recovering = false;
    link->conn = NULL;
    link_enter(link, LINK_DOWN);
    return conn;
}

void link_stop(struct link *link)
{
    link_enter(link, LINK_DOWN);
}

struct link_status link_status(const struct link *link)
{
    struct mono now = loop_now(link->common->loop);
    struct link_status status = {
        .state = link->state,
        .reconnects = link->connects > 0 ? link->connects - 1 : 0,
        .fault = link->fault,
    };

    if (link->conn) {
        status.dialect = p0f_conn_dialect(link->conn);
        status.outstanding = p0f_conn_outstanding(link->conn);
        status.pending = p0f_conn_pending(link->conn);
        status.age = mono_ms_between(link->opened, now);
        status.silent = link->state == LINK_PROBING && status.age >= SILENCE_MS;
        status.overdue = status.outstanding > 0 ? mono_ms_between(link->heard, now) : 0;
    }
    return status;
}
