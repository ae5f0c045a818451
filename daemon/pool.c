#include "pool.h"

#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MOST_MS 2000
#define SILENCE_MS 1000   /* p0f answers within its 10 ms round unless it is busy, stopped or full */
#define AFTERMATH_MS 1000 /* what may still come on a stream that has gone wrong */
#define BURST_NS 50000000 /* of max_rate: what was not asked in the last 50 ms may be made up for */

enum link_state {
    LINK_DOWN,      /* no connection; the timer says when to try again */
    LINK_PROBING,   /* connected, but p0f has not answered yet: it may be over its cap */
    LINK_READY,     /* p0f answers */
    LINK_CONDEMNED, /* its stream has gone wrong; open until nothing is owed */
};

/* One of the pool's places for a connection. */
struct link {
    struct pool *pool;
    enum link_state state;
    struct p0f_conn *conn; /* NULL when down */
    struct loop_fd watch;
    uint32_t events; /* what `watch` asks for */
    struct loop_timer timer;
    unsigned failures; /* since it was last ready */
};

struct pool {
    struct loop *loop;
    char *socket;
    enum p0f_dialect dialect;
    unsigned pipeline;
    uint64_t random;

    struct pool_query *first, *last; /* the queue */
    struct loop_chore send;
    struct loop_timer rate_timer;
    int64_t rate_interval_ns; /* 0: no limit */
    struct mono rate_next;    /* when the next query is due at the limited rate */

    bool retiring;
    void (*drained)(void *ctx);
    void *drained_ctx;
    bool told_down; /* each change is logged once, not once a connection */
    bool told_silent;

    unsigned link_count;
    struct link links[];
};

/* ---- The queue */

static void queue_append(struct pool *pool, struct pool_query *query)
{
    query->prev = pool->last;
    query->next = NULL;
    query->queued = true;
    if (pool->last)
        pool->last->next = query;
    else
        pool->first = query;
    pool->last = query;
}

static void queue_remove(struct pool *pool, struct pool_query *query)
{
    if (query->prev)
        query->prev->next = query->next;
    else
        pool->first = query->next;
    if (query->next)
        query->next->prev = query->prev;
    else
        pool->last = query->prev;
    query->queued = false;
}

static bool is_open(const struct link *link)
{
    return link->state == LINK_PROBING || link->state == LINK_READY;
}

static bool any_open(const struct pool *pool)
{
    for (unsigned i = 0; i < pool->link_count; i++)
        if (is_open(&pool->links[i]))
            return true;
    return false;
}

/* ---- Sending */

/* The link in `state` with room that is owed least. */
static struct link *least_owed(struct pool *pool, enum link_state state)
{
    struct link *best = NULL;

    for (unsigned i = 0; i < pool->link_count; i++) {
        struct link *link = &pool->links[i];
        if (link->state != state || p0f_conn_pending(link->conn) >= pool->pipeline)
            continue;
        if (!best || p0f_conn_pending(link->conn) < p0f_conn_pending(best->conn))
            best = link;
    }
    return best;
}

/* One that p0f has not answered yet is only trusted when there is no other. */
static struct link *link_for_query(struct pool *pool)
{
    for (unsigned i = 0; i < pool->link_count; i++)
        if (pool->links[i].state == LINK_READY)
            return least_owed(pool, LINK_READY);
    return least_owed(pool, LINK_PROBING);
}

/* Spends one query of max_rate, or arms the timer for when there is one again. */
static bool rate_allows(struct pool *pool)
{
    struct mono now = loop_now(pool->loop);

    if (pool->rate_interval_ns == 0)
        return true;
    if (mono_before(mono_add_ns(now, BURST_NS), pool->rate_next)) {
        loop_arm(pool->loop, &pool->rate_timer, mono_add_ns(pool->rate_next, -BURST_NS));
        return false;
    }
    if (mono_before(pool->rate_next, now))
        pool->rate_next = now;
    pool->rate_next = mono_add_ns(pool->rate_next, pool->rate_interval_ns);
    return true;
}

static void watch_as_needed(struct link *link)
{
    uint32_t events = EPOLLIN | (p0f_conn_wants_write(link->conn) ? (uint32_t)EPOLLOUT : 0);

    if (events != link->events && loop_rewatch(link->pool->loop, &link->watch, events) == 0)
        link->events = events;
}

static void send_queued(void *ctx)
{
    struct pool *pool = ctx;
    struct link *link;

    while (pool->first && (link = link_for_query(pool)) && rate_allows(pool)) {
        struct pool_query *query = pool->first;
        queue_remove(pool, query);
        enum p0f_error error = p0f_conn_ask(link->conn, &query->addr, query->answer, query->ctx);
        if (error != P0F_OK) /* an open link with room takes it; were it not so, say it */
            query->answer(query->ctx, error, NULL);
    }
    for (unsigned i = 0; i < pool->link_count; i++) {
        link = &pool->links[i];
        if (is_open(link) && p0f_conn_wants_write(link->conn)) {
            p0f_conn_flush(link->conn);
            watch_as_needed(link);
        }
    }
}

static void rate_allows_again(void *ctx)
{
    struct pool *pool = ctx;

    loop_later(pool->loop, &pool->send);
}

/* ---- The life of a link */

static bool any_pending(const struct pool *pool)
{
    for (unsigned i = 0; i < pool->link_count; i++)
        if (pool->links[i].conn && p0f_conn_pending(pool->links[i].conn) > 0)
            return true;
    return false;
}

static void report_drained(struct pool *pool)
{
    void (*drained)(void *ctx) = pool->drained;

    if (!pool->retiring || !drained || pool_owed(pool) > 0 || any_pending(pool))
        return;
    pool->drained = NULL;
    drained(pool->drained_ctx);
}

static void fail_queue(struct pool *pool, enum p0f_error error)
{
    struct pool_query *query;

    while ((query = pool->first)) {
        queue_remove(pool, query);
        query->answer(query->ctx, error, NULL);
    }
}

/* Half to all of a pause that doubles with each failure, so that not all come back at once. */
static int64_t backoff_ms(struct link *link)
{
    struct pool *pool = link->pool;
    int64_t pause = BACKOFF_MOST_MS;

    if (link->failures < 6)
        pause = BACKOFF_FIRST_MS << link->failures;
    if (pause > BACKOFF_MOST_MS)
        pause = BACKOFF_MOST_MS;
    pool->random = pool->random * 6364136223846793005u + 1442695040888963407u;
    return pause / 2 + (int64_t)((pool->random >> 33) % (uint64_t)(pause / 2 + 1));
}

/* False, and still open, while p0f owes an answer on it. */
static bool close_link(struct link *link)
{
    if (link->conn && p0f_conn_owed(link->conn) > 0)
        return false;
    if (link->conn && link->events)
        loop_unwatch(link->pool->loop, &link->watch); /* before its descriptor goes */
    link->events = 0;
    if (!p0f_conn_free(link->conn))
        return false;
    link->conn = NULL;
    return true;
}

/* The only place where a link changes its state, and where one is closed. */
static void enter(struct link *link, enum link_state state)
{
    struct pool *pool = link->pool;
    int64_t timer_ms = 0;

    if (state == LINK_DOWN && !close_link(link))
        state = LINK_CONDEMNED;
    link->state = state;
    switch (state) {
    case LINK_DOWN:
        timer_ms = backoff_ms(link);
        link->failures++;
        break;
    case LINK_PROBING:
        timer_ms = SILENCE_MS;
        break;
    case LINK_READY:
        link->failures = 0;
        break;
    case LINK_CONDEMNED:
        timer_ms = AFTERMATH_MS;
        break;
    }
    loop_disarm(pool->loop, &link->timer);
    if (timer_ms > 0 && !(pool->retiring && state == LINK_DOWN))
        loop_arm(pool->loop, &link->timer, mono_add_ms(loop_now(pool->loop), timer_ms));
}

static void tell_down(struct pool *pool, enum p0f_error error)
{
    if (any_open(pool) || pool->retiring)
        return;
    if (!pool->told_down) {
        pool->told_down = true;
        if (error == P0F_UNREACHABLE || error == P0F_SYSTEM)
            log_warn("%s: cannot connect to p0f (is it running with -s %s?); trying again",
                     pool->socket, pool->socket);
        else
            log_warnx("%s: lost p0f: %s; connecting again", pool->socket, p0f_strerror(error));
    }
    fail_queue(pool, P0F_UNREACHABLE);
}

static void tell_ready(struct pool *pool, const struct link *link)
{
    bool first = true;

    for (unsigned i = 0; i < pool->link_count; i++)
        first = first && (&pool->links[i] == link || pool->links[i].state != LINK_READY);
    if (first)
        log_info("%s: p0f answers (dialect %s)", pool->socket,
                 p0f_dialect_name(p0f_conn_dialect(link->conn)));
    pool->told_down = pool->told_silent = false;
}

/* The connection has failed, and its askers have been told. */
static void break_link(struct link *link, enum p0f_error error)
{
    struct pool *pool = link->pool;

    if (p0f_conn_hung_up(link->conn)) {
        enter(link, LINK_DOWN);
    } else if (link->state == LINK_CONDEMNED) {
        if (p0f_conn_owed(link->conn) == 0 && !loop_armed(&link->timer))
            enter(link, LINK_DOWN);
    } else {
        if (error == P0F_WRONG_DIALECT)
            log_errx("%s: p0f.dialect is %s, but p0f's answers have %zu bytes (%s), not %zu",
                     pool->socket, p0f_dialect_name(pool->dialect),
                     p0f_answer_size(p0f_conn_dialect(link->conn)),
                     p0f_dialect_name(p0f_conn_dialect(link->conn)),
                     p0f_answer_size(pool->dialect));
        else
            log_warnx("%s: %s; giving this connection up", pool->socket, p0f_strerror(error));
        enter(link, LINK_CONDEMNED);
    }
    tell_down(pool, error);
}

static void on_ready(void *ctx, uint32_t events)
{
    struct link *link = ctx;
    struct pool *pool = link->pool;
    enum p0f_error error = p0f_conn_io(link->conn);

    (void)events;
    if (error != P0F_OK) {
        break_link(link, error);
    } else {
        if (link->state == LINK_PROBING && p0f_conn_dialect(link->conn) != P0F_DIALECT_AUTO) {
            tell_ready(pool, link);
            enter(link, LINK_READY);
        }
        watch_as_needed(link);
    }
    if (pool->first)
        loop_later(pool->loop, &pool->send);
    report_drained(pool);
}

static void connect_link(struct link *link)
{
    struct pool *pool = link->pool;
    enum p0f_error error = p0f_conn_open(pool->socket, pool->dialect, pool->pipeline, &link->conn);

    if (error == P0F_OK) {
        link->watch.fd = p0f_conn_fd(link->conn);
        link->events = EPOLLIN;
        if (loop_watch(pool->loop, &link->watch, link->events) == 0) {
            enter(link, LINK_PROBING);
            loop_later(pool->loop, &pool->send);
            return;
        }
        link->events = 0;
        error = P0F_SYSTEM;
    }
    enter(link, LINK_DOWN);
    tell_down(pool, error);
}

static void on_silence(struct pool *pool)
{
    if (pool->told_silent)
        return;
    pool->told_silent = true;
    log_warnx("%s: p0f takes connections but does not answer: its connection limit (-S) seems "
              "reached, or it is stopped",
              pool->socket);
}

static void on_timer(void *ctx)
{
    struct link *link = ctx;

    switch (link->state) {
    case LINK_DOWN:
        connect_link(link);
        break;
    case LINK_PROBING:
        on_silence(link->pool);
        break;
    case LINK_READY:
        break;
    case LINK_CONDEMNED:
        if (p0f_conn_owed(link->conn) == 0)
            enter(link, LINK_DOWN);
        break;
    }
}

/* ---- The pool as others see it */

struct pool *pool_new(struct loop *loop, const struct pool_options *options)
{
    struct pool *pool = calloc(1, sizeof *pool + options->connections * sizeof(struct link));

    if (!pool)
        return NULL;
    pool->socket = strdup(options->socket);
    if (!pool->socket) {
        free(pool);
        return NULL;
    }
    pool->loop = loop;
    pool->dialect = options->dialect;
    pool->pipeline = options->pipeline;
    pool->random = options->seed;
    pool->send = (struct loop_chore){.run = send_queued, .ctx = pool};
    pool->rate_timer = (struct loop_timer){.fire = rate_allows_again, .ctx = pool};
    pool->link_count = options->connections;
    pool_set_max_rate(pool, options->max_rate);
    for (unsigned i = 0; i < pool->link_count; i++) {
        struct link *link = &pool->links[i];
        link->pool = pool;
        link->watch = (struct loop_fd){.fd = -1, .ready = on_ready, .ctx = link};
        link->timer = (struct loop_timer){.fire = on_timer, .ctx = link};
        connect_link(link);
    }
    return pool;
}

enum p0f_error pool_ask(struct pool *pool, struct pool_query *query)
{
    if (pool->retiring || !any_open(pool))
        return P0F_UNREACHABLE;
    queue_append(pool, query);
    loop_later(pool->loop, &pool->send);
    return P0F_OK;
}

bool pool_cancel(struct pool *pool, struct pool_query *query)
{
    if (!query->queued)
        return false;
    queue_remove(pool, query);
    return true;
}

void pool_set_max_rate(struct pool *pool, uint32_t max_rate)
{
    pool->rate_interval_ns = max_rate ? 1000000000 / (int64_t)max_rate : 0;
    pool->rate_next = loop_now(pool->loop);
    loop_later(pool->loop, &pool->send);
}

unsigned pool_owed(const struct pool *pool)
{
    unsigned owed = 0;

    for (unsigned i = 0; i < pool->link_count; i++)
        if (pool->links[i].conn)
            owed += p0f_conn_owed(pool->links[i].conn);
    return owed;
}

void pool_retire(struct pool *pool, void (*drained)(void *ctx), void *ctx)
{
    pool->retiring = true;
    pool->drained = drained;
    pool->drained_ctx = ctx;
    fail_queue(pool, P0F_UNREACHABLE);
    for (unsigned i = 0; i < pool->link_count; i++) {
        struct link *link = &pool->links[i];
        if (link->conn)
            p0f_conn_retire(link->conn);
        if (link->state == LINK_DOWN)
            loop_disarm(pool->loop, &link->timer);
    }
    report_drained(pool);
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pool->retiring = true; /* no more attempts */
    for (unsigned i = 0; i < pool->link_count; i++)
        enter(&pool->links[i], LINK_DOWN);
    loop_disarm(pool->loop, &pool->rate_timer);
    free(pool->socket);
    free(pool);
}
