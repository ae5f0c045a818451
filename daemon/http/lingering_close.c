/* SPDX-License-Identifier: MIT */
#include "http/lingering_close.h"

#include "net/peer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKETS_MAX 64               /* at once; any more are closed immediately */
#define LINGER_MS 10000              /* for one socket, however fast it sends */
#define TURN_MS 5                    /* from one round to the next */
#define TURN_BYTES (1024 * 1024)     /* read in one round, shared equally by those that send */
#define LOOK_BYTES 4096              /* the least for each, to see whether it sends */
#define BYTES_MAX (64 * 1024 * 1024) /* read from one that sends alone; shared likewise */

/* Sockets per IPv4 address, or per prefix of this many bytes of an IPv6 address. */
static const struct {
    size_t bytes;
    unsigned max;
} of_one_client[] = {{8, 4}, {7, 8}, {6, 16}};

struct lingerer {
    struct lingering_close *all;
    LIST_ENTRY(lingerer) link;
    struct p0f_addr client; /* type 0: only the limits for all apply */
    struct loop_task begin;
    bool begun; /* the loop's thread's, as what follows */
    int fd;
    struct mono deadline;
    size_t dropped;
};

struct lingering_close {
    struct loop *loop;
    const struct networks *trusted;
    struct loop_timer turn; /* armed while there are any */
    pthread_mutex_t lock;   /* of the list: any thread adds to it, the loop's removes */
    LIST_HEAD(, lingerer) list;
    unsigned count;
    unsigned senders; /* that sent something in the last round; the loop's thread's */
};

/* ---- Limits */

static bool has_too_many(const struct lingering_close *all, const struct p0f_addr *client)
{
    for (size_t i = 0; client->type && i < sizeof of_one_client / sizeof of_one_client[0]; i++) {
        const struct lingerer *other;
        unsigned count = 0;
        LIST_FOREACH(other, &all->list, link)
            count += other->client.type == client->type &&
                     memcmp(other->client.bytes, client->bytes, of_one_client[i].bytes) == 0;
        if (count >= of_one_client[i].max)
            return true;
    }
    return false;
}

static bool enter_list(struct lingering_close *all, struct lingerer *one)
{
    bool room;

    pthread_mutex_lock(&all->lock);
    room = all->count < SOCKETS_MAX && !has_too_many(all, &one->client);
    if (room) {
        LIST_INSERT_HEAD(&all->list, one, link);
        all->count++;
    }
    pthread_mutex_unlock(&all->lock);
    return room;
}

static void leave_list(struct lingerer *one)
{
    struct lingering_close *all = one->all;

    pthread_mutex_lock(&all->lock);
    LIST_REMOVE(one, link);
    all->count--;
    pthread_mutex_unlock(&all->lock);
}

uint32_t lingering_close_count(struct lingering_close *all)
{
    pthread_mutex_lock(&all->lock);
    uint32_t count = all->count;
    pthread_mutex_unlock(&all->lock);
    return count;
}

/* ---- Reading */

static void end_linger(struct lingerer *one)
{
    close(one->fd);
    leave_list(one);
    free(one);
}

/* Reads and discards up to *share bytes, which it subtracts. False at the end. */
static bool read_and_discard(struct lingerer *one, size_t *share)
{
    static char dropped[64 * 1024]; /* never looked at, so all share it */

    while (*share > 0) {
        size_t max = *share < sizeof dropped ? *share : sizeof dropped;
        /* MSG_TRUNC: TCP does not even copy the bytes. */
        ssize_t size = recv(one->fd, dropped, max, MSG_DONTWAIT | MSG_TRUNC);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (size <= 0)
            return false;
        one->dropped += (size_t)size;
        *share -= (size_t)size;
    }
    return true;
}

static struct lingerer *first_of(struct lingering_close *all)
{
    pthread_mutex_lock(&all->lock);
    /* It stays valid: other threads only insert before it, and only this one removes any. */
    struct lingerer *first = LIST_FIRST(&all->list);
    pthread_mutex_unlock(&all->lock);
    return first;
}

/* All are read from in one round, so that what clients send does not set the pace of the loop. */
static void on_turn(void *ctx)
{
    struct lingering_close *all = ctx;
    struct mono now = loop_now(all->loop);
    unsigned senders = all->senders > 0 ? all->senders : 1;
    size_t left = TURN_BYTES, share = TURN_BYTES / senders;

    all->senders = 0;
    for (struct lingerer *one = first_of(all), *next; one; one = next) {
        next = LIST_NEXT(one, link);
        if (!one->begun)
            continue;
        size_t some = share < left ? share : left;
        if (some < LOOK_BYTES)
            some = LOOK_BYTES;
        size_t rest = some;
        bool more = read_and_discard(one, &rest);
        all->senders += rest < some;
        left -= some - rest < left ? some - rest : left;
        if (!more || one->dropped > BYTES_MAX / senders || !mono_before(now, one->deadline))
            end_linger(one);
    }
    if (lingering_close_count(all) > 0)
        loop_arm(all->loop, &all->turn, mono_add_ms(now, TURN_MS));
}

static void begin_linger(void *ctx)
{
    struct lingerer *one = ctx;
    struct lingering_close *all = one->all;
    struct mono now = loop_now(all->loop);

    one->begun = true;
    one->deadline = mono_add_ms(now, LINGER_MS);
    if (!loop_armed(&all->turn))
        loop_arm(all->loop, &all->turn, mono_add_ms(now, TURN_MS));
}

void lingering_close_take(struct lingering_close *all, int fd, const struct sockaddr *peer)
{
    struct lingerer *one = calloc(1, sizeof *one);

    if (one && peer_addr(peer, &one->client) && networks_contain(all->trusted, &one->client))
        one->client.type = 0;
    if (!one || !enter_list(all, one)) {
        free(one);
        close(fd);
        return;
    }
    one->all = all;
    one->fd = fd;
    one->begin = (struct loop_task){.run = begin_linger, .ctx = one};
    loop_post(all->loop, &one->begin);
}

/* ---- All of them */

struct lingering_close *lingering_close_new(struct loop *loop, const struct networks *trusted)
{
    struct lingering_close *all = calloc(1, sizeof *all);

    if (!all)
        return NULL;
    all->loop = loop;
    all->trusted = trusted;
    all->turn = (struct loop_timer){.fire = on_turn, .ctx = all};
    pthread_mutex_init(&all->lock, NULL);
    return all;
}

void lingering_close_free(struct lingering_close *all)
{
    struct lingerer *one, *next;

    if (!all)
        return;
    loop_disarm(all->loop, &all->turn);
    for (one = LIST_FIRST(&all->list); one; one = next) {
        next = LIST_NEXT(one, link);
        end_linger(one);
    }
    pthread_mutex_destroy(&all->lock);
    free(all);
}
