/* SPDX-License-Identifier: MIT */
#include "http/connections.h"

#include "core/metrics.h"
#include "http/eviction.h"
#include "net/peer.h"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SWEEP_MS 1000
#define POLL_MAX 256 /* descriptors per poll() */
#define IDLE_S 2     /* idle for less, a connection may be in use */

/* Parts of the limit. */
#define RESERVE_PARTS 16 /* 1/16 is reserved for clients that have few connections */
#define FEW_PARTS 64     /* up to 1/64 is few */
#define BEYOND_PARTS 4   /* 1/4 may be open beyond the limit while others are closing */

#define OTHER_DESCRIPTORS 1024   /* more than ops/descriptors.c allows beside those of clients */
#define KEPT_BYTES (1024 * 1024) /* at the end of each arena */
#define CROWD 64                 /* connections whose memory is worth returning */

struct connections {
    struct connections_options options;
    struct mono began;
    _Atomic uint32_t second;  /* counted from then; the first is 1 */
    _Atomic uint32_t count;   /* admitted and not left; changed under the lock */
    uint32_t made_room;       /* the second in which all were last searched for idle ones */
    uint32_t crowd;           /* the most open at once since memory was returned */
    struct loop_timer sweep;  /* armed while there are any */
    void (*swept)(void *ctx); /* or NULL */
    void *swept_ctx;
    pthread_mutex_t lock;          /* of all that follows, and of `count` */
    TAILQ_HEAD(, connection) list; /* oldest first */
    uint32_t ended;                /* of those in the list */
    struct eviction *eviction;
};

/* glibc returns the free end of a thread's arena only beyond a threshold, which by itself grows with
 * the largest piece ever freed. */
static void make_memory_givable(void)
{
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

static void on_sweep(void *ctx);

struct connections *connections_new(const struct connections_options *options)
{
    struct connections *connections = calloc(1, sizeof *connections);

    if (!connections)
        return NULL;
    make_memory_givable();
    pthread_mutex_init(&connections->lock, NULL);
    TAILQ_INIT(&connections->list);
    connections->options = *options;
    connections->eviction = eviction_new(options->max + options->max / BEYOND_PARTS +
                                             options->others + OTHER_DESCRIPTORS,
                                         &options->key);
    if (!connections->eviction) {
        connections_free(connections);
        return NULL;
    }
    connections->began = loop_now(options->loop);
    connections->second = 1;
    connections->sweep = (struct loop_timer){.fire = on_sweep, .ctx = connections};
    return connections;
}

void connections_free(struct connections *connections)
{
    if (!connections)
        return;
    loop_disarm(connections->options.loop, &connections->sweep);
    eviction_free(connections->eviction);
    pthread_mutex_destroy(&connections->lock);
    free(connections);
}

uint32_t connections_count(const struct connections *connections)
{
    return connections->count;
}

static uint32_t tick(struct connections *connections)
{
    struct mono now = loop_now(connections->options.loop);
    uint32_t second = 1 + (uint32_t)(mono_ms_between(connections->began, now) / 1000);

    atomic_store_explicit(&connections->second, second, memory_order_relaxed);
    return second;
}

static void sweep_later(struct connections *connections)
{
    struct loop *loop = connections->options.loop;

    if (!loop_armed(&connections->sweep))
        loop_arm(loop, &connections->sweep, mono_add_ms(loop_now(loop), SWEEP_MS));
}

uint32_t connections_second(const struct connections *connections)
{
    return atomic_load_explicit(&connections->second, memory_order_relaxed);
}

void connections_on_sweep(struct connections *connections, void (*swept)(void *ctx), void *ctx)
{
    connections->swept = swept;
    connections->swept_ctx = ctx;
}

/* ---- One connection */

/* libmicrohttpd sees the end and closes it; its descriptor stays open while it is in the list. From here
 * on it does not count for its client any more. The caller holds the lock. */
static void end_connection(struct connections *connections, struct connection *connection)
{
    if (connection->ended)
        return;
    shutdown(connection->fd, SHUT_RDWR);
    connection->ended = true;
    connections->ended++;
    eviction_remove(connections->eviction, connection->fd);
}

void connections_await(const struct connections *connections, struct connection *connection)
{
    atomic_store_explicit(&connection->reading_since,
                          atomic_load_explicit(&connections->second, memory_order_relaxed),
                          memory_order_relaxed);
}

void connections_arrived(struct connection *connection)
{
    atomic_store_explicit(&connection->reading_since, 0, memory_order_relaxed);
}

/* ---- Making room. The caller of all these holds the lock. */

/* How many more may be open, once those have left that were ended. */
static uint32_t room_of(const struct connections *connections)
{
    uint32_t max = connections->options.max, count = connections_count(connections);
    uint32_t leaving = connections->ended, beyond = max / BEYOND_PARTS;

    max += leaving < beyond ? leaving : beyond;
    return max > count ? max - count : 0;
}

static void evict_connection(struct connections *connections, struct connection *connection)
{
    end_connection(connections, connection);
    metrics_count(METRIC_HTTP_EVICTED);
}

/* Closes the oldest idle ones, whichever client has them. */
static void evict_idle(struct connections *connections, uint32_t wanted, uint32_t second)
{
    struct connection *c;

    TAILQ_FOREACH(c, &connections->list, link) {
        if (wanted == 0)
            break;
        if (c->ended || connection_awaited_for(c, second) < IDLE_S)
            continue;
        evict_connection(connections, c);
        wanted--;
    }
}

/* Makes room for a connection whose client has that many, this one included. False: it is refused. */
static bool make_room_for(struct connections *connections, const struct client_weight *weight,
                          uint32_t second)
{
    uint32_t max = connections->options.max, reserve = max / RESERVE_PARTS;
    bool few = weight->counts[0] <= max / FEW_PARTS + 1;

    if (room_of(connections) > reserve)
        return true;
    struct victim victim = eviction_choose(connections->eviction, second);
    int heavier = victim.connection ? client_weight_compare(&victim.weight, weight) : -1;
    if (heavier > 0 || (heavier == 0 && victim.awaited_for >= IDLE_S)) {
        evict_connection(connections, victim.connection);
        return room_of(connections) > 0;
    }
    /* Once a second, as there may be none. */
    if (few && connections->made_room != second) {
        connections->made_room = second;
        evict_idle(connections, reserve + 1, second);
    }
    return few && room_of(connections) > 0;
}

bool connections_admit(struct connections *connections, int fd, const struct sockaddr *peer)
{
    uint32_t second = tick(connections);
    struct p0f_addr addr;
    bool counted = peer_addr(peer, &addr) && !networks_contain(connections->options.trusted, &addr);

    pthread_mutex_lock(&connections->lock);
    struct client_weight weight =
        eviction_expect(connections->eviction, fd, counted ? &addr : NULL);
    bool admitted = make_room_for(connections, &weight, second);
    if (admitted)
        connections->count++;
    else
        eviction_remove(connections->eviction, fd);
    pthread_mutex_unlock(&connections->lock);
    if (!admitted) {
        metrics_count(METRIC_HTTP_REFUSED);
        return false;
    }
    uint32_t count = connections_count(connections);
    if (count > connections->crowd)
        connections->crowd = count;
    sweep_later(connections);
    return true;
}

void connections_enter(struct connections *connections, struct connection *connection, int fd)
{
    connection->fd = fd;
    connections_await(connections, connection);
    pthread_mutex_lock(&connections->lock);
    eviction_add(connections->eviction, connection);
    TAILQ_INSERT_TAIL(&connections->list, connection, link);
    pthread_mutex_unlock(&connections->lock);
}

/* The caller holds the lock. */
static void has_gone(struct connections *connections, const struct connection *connection)
{
    connections->count--;
    if (connection->ended)
        connections->ended--;
    else
        eviction_remove(connections->eviction, connection->fd);
    TAILQ_REMOVE(&connections->list, connection, link);
}

void connections_leave(struct connections *connections, struct connection *connection)
{
    pthread_mutex_lock(&connections->lock);
    has_gone(connections, connection);
    pthread_mutex_unlock(&connections->lock);
}

void connections_end(struct connections *connections, struct connection *connection)
{
    pthread_mutex_lock(&connections->lock);
    end_connection(connections, connection);
    pthread_mutex_unlock(&connections->lock);
}

void connections_forget(struct connections *connections, int fd)
{
    pthread_mutex_lock(&connections->lock);
    connections->count--;
    eviction_remove(connections->eviction, fd);
    pthread_mutex_unlock(&connections->lock);
}

/* ---- Sweeping */

/* Where a client has closed its side, we shut down our receiving side, which wakes libmicrohttpd. What
 * the client sent before can still be read, and it can still be answered. */
static void nudge_closed(struct pollfd *polled, nfds_t count)
{
    if (poll(polled, count, 0) <= 0)
        return;
    for (nfds_t i = 0; i < count; i++)
        if (polled[i].revents & POLLRDHUP)
            shutdown(polled[i].fd, SHUT_RD);
}

void connections_sweep(struct connections *connections)
{
    struct pollfd polled[POLL_MAX];
    struct connection *c;
    nfds_t count = 0;

    tick(connections);
    pthread_mutex_lock(&connections->lock);
    TAILQ_FOREACH(c, &connections->list, link) {
        polled[count++] = (struct pollfd){.fd = c->fd, .events = POLLRDHUP};
        if (count == POLL_MAX) {
            nudge_closed(polled, count);
            count = 0;
        }
    }
    if (count > 0)
        nudge_closed(polled, count);
    pthread_mutex_unlock(&connections->lock);
}

/* The allocator keeps the memory of a peak, in pieces between what is still in use. */
static void give_memory_back(struct connections *connections)
{
    uint32_t count = connections_count(connections);

    if (connections->crowd < CROWD || count > connections->crowd / 4)
        return;
    malloc_trim(0);
    connections->crowd = count;
}

static void on_sweep(void *ctx)
{
    struct connections *connections = ctx;

    connections_sweep(connections);
    if (connections->swept)
        connections->swept(connections->swept_ctx);
    give_memory_back(connections);
    if (connections_count(connections) > 0)
        sweep_later(connections);
}

static bool is_answering(const struct connection *connection)
{
    return atomic_load_explicit(&connection->busy, memory_order_relaxed) &&
           atomic_load_explicit(&connection->reading_since, memory_order_relaxed) == 0;
}

uint32_t connections_answering(struct connections *connections)
{
    struct connection *c;
    uint32_t count = 0;

    pthread_mutex_lock(&connections->lock);
    TAILQ_FOREACH(c, &connections->list, link)
        count += is_answering(c);
    pthread_mutex_unlock(&connections->lock);
    return count;
}
