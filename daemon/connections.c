#include "connections.h"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SWEEP_MS 1000
#define AT_A_LOOK 256            /* descriptors given to one poll() */
#define IDLE_S 2                 /* for which none is ended that may be in use */
#define ROOM_PARTS 16            /* of which two are kept free, and three made free */
#define KEPT_BYTES (1024 * 1024) /* at the end of each arena */
#define CROWD 64                 /* connections whose memory is worth giving back */

struct connections {
    struct connections_options options;
    struct mono began;
    _Atomic uint32_t second; /* since then, from 1 */
    _Atomic uint32_t inside; /* entered and not left */
    _Atomic uint32_t coming; /* admitted, and neither entered nor left; changed under the lock */
    uint32_t least_coming;   /* at any time since the last sweep; under the lock */
    uint32_t made_room;      /* the second in which that was last tried */
    uint32_t crowd;          /* the most at once, since memory was given back */
    struct loop_timer sweep; /* armed while there are any */
    pthread_mutex_t lock;    /* of the list, and of who is coming */
    struct connection *oldest, *newest;
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
    connections->options = *options;
    connections->began = loop_now(options->loop);
    connections->second = 1;
    connections->sweep = (struct loop_timer){.fire = on_sweep, .ctx = connections};
    pthread_mutex_init(&connections->lock, NULL);
    return connections;
}

void connections_free(struct connections *connections)
{
    if (!connections)
        return;
    loop_disarm(connections->options.loop, &connections->sweep);
    pthread_mutex_destroy(&connections->lock);
    free(connections);
}

uint32_t connections_count(const struct connections *connections)
{
    return connections->inside + connections->coming;
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

/* ---- One connection */

/* libmicrohttpd sees its end, and closes it. While it is in the list, its descriptor is open. */
static void cut(const struct connection *connection)
{
    shutdown(connection->fd, SHUT_RDWR);
}

/* Seconds for which a request has been waited for; 0 when one is there. */
static uint32_t awaited_for(const struct connection *connection, uint32_t second)
{
    uint32_t since = atomic_load_explicit(&connection->reading_since, memory_order_relaxed);

    return since ? second - since : 0;
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

/* ---- Coming and going */

/* One less, as it has entered or left. The caller has the lock. */
static void has_come(struct connections *connections)
{
    if (connections->coming > 0) /* else it was given up too early */
        connections->coming--;
    if (connections->coming < connections->least_coming)
        connections->least_coming = connections->coming;
}

/* libmicrohttpd tells of no connection for which it finds no memory once it is in the thread that is
 * to serve it: it is closed, and would count for ever. To come takes a fraction of a millisecond, so
 * as many as have been coming all the time since the last sweep never will. */
static void give_up_lost(struct connections *connections)
{
    pthread_mutex_lock(&connections->lock);
    connections->coming -= connections->least_coming;
    connections->least_coming = connections->coming;
    pthread_mutex_unlock(&connections->lock);
}

/* Ends the oldest of those that are idle. */
static void make_room(struct connections *connections, uint32_t wanted, uint32_t second)
{
    pthread_mutex_lock(&connections->lock);
    for (struct connection *c = connections->oldest; c && wanted > 0; c = c->newer) {
        if (awaited_for(c, second) < IDLE_S)
            continue;
        cut(c);
        wanted--;
    }
    pthread_mutex_unlock(&connections->lock);
}

bool connections_admit(struct connections *connections)
{
    uint32_t most = connections->options.most, count = connections_count(connections);
    uint32_t part = most / ROOM_PARTS + 1, room = most > count ? most - count : 0;
    uint32_t second = tick(connections);

    /* Not again for each that comes: those that were ended need a moment to leave. */
    if (room < 2 * part && connections->made_room != second) {
        connections->made_room = second;
        make_room(connections, 3 * part - room, second);
    }
    if (room == 0)
        return false;
    pthread_mutex_lock(&connections->lock);
    connections->coming++;
    pthread_mutex_unlock(&connections->lock);
    if (count >= connections->crowd)
        connections->crowd = count + 1;
    sweep_later(connections);
    return true;
}

void connections_enter(struct connections *connections, struct connection *connection, int fd)
{
    connection->fd = fd;
    connections_await(connections, connection);
    pthread_mutex_lock(&connections->lock);
    has_come(connections);
    connections->inside++;
    connection->older = connections->newest;
    if (connection->older)
        connection->older->newer = connection;
    else
        connections->oldest = connection;
    connections->newest = connection;
    pthread_mutex_unlock(&connections->lock);
}

/* The caller has the lock. */
static void has_gone(struct connections *connections, const struct connection *connection)
{
    connections->inside--;
    if (connection->older)
        connection->older->newer = connection->newer;
    else
        connections->oldest = connection->newer;
    if (connection->newer)
        connection->newer->older = connection->older;
    else
        connections->newest = connection->older;
}

void connections_leave(struct connections *connections, struct connection *connection)
{
    pthread_mutex_lock(&connections->lock);
    if (connection)
        has_gone(connections, connection);
    else
        has_come(connections);
    pthread_mutex_unlock(&connections->lock);
}

/* ---- Looking after them */

/* Where a client has closed its side, we close our receiving side again, which wakes libmicrohttpd.
 * What the client sent before can still be read, and it can still be answered. */
static void nudge_closed(struct pollfd *looked, nfds_t count)
{
    if (poll(looked, count, 0) <= 0)
        return;
    for (nfds_t i = 0; i < count; i++)
        if (looked[i].revents & POLLRDHUP)
            shutdown(looked[i].fd, SHUT_RD);
}

void connections_sweep(struct connections *connections)
{
    /* Whoever is quiet altogether is libmicrohttpd's to end, a little earlier. */
    uint32_t patience = (uint32_t)(connections->options.patience_ms / 1000) + 2;
    uint32_t second = tick(connections);
    struct pollfd looked[AT_A_LOOK];
    nfds_t count = 0;

    pthread_mutex_lock(&connections->lock);
    for (struct connection *c = connections->oldest; c; c = c->newer) {
        if (awaited_for(c, second) > patience)
            cut(c);
        looked[count++] = (struct pollfd){.fd = c->fd, .events = POLLRDHUP};
        if (count == AT_A_LOOK) {
            nudge_closed(looked, count);
            count = 0;
        }
    }
    if (count > 0)
        nudge_closed(looked, count);
    pthread_mutex_unlock(&connections->lock);
}

/* The allocator keeps what a crowd has needed, in pieces between what is still in use. */
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
    give_up_lost(connections);
    give_memory_back(connections);
    if (connections_count(connections) > 0)
        sweep_later(connections);
}

static bool is_unread(const struct connection *connection)
{
    char byte;

    return recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool connections_busy(struct connections *connections)
{
    bool busy = false;

    pthread_mutex_lock(&connections->lock);
    for (struct connection *c = connections->oldest; c && !busy; c = c->newer)
        busy = atomic_load_explicit(&c->busy, memory_order_relaxed) || is_unread(c);
    pthread_mutex_unlock(&connections->lock);
    return busy;
}
