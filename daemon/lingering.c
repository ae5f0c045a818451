#include "lingering.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MOST 64 /* at once; any more are closed as they are */
#define LINGER_MS 10000 /* for one client, however fast or slow */
#define BYTES_MOST (64 * 1024 * 1024)
#define AT_ONCE (64 * 1024) /* before others have their turn */

struct lingerer {
    struct lingering *all;
    struct lingerer *prev, *next;
    struct loop_task begin;
    struct loop_fd watch;
    struct loop_timer deadline;
    size_t dropped;
};

struct lingering {
    struct loop *loop;
    pthread_mutex_t lock; /* of the list: entered from any thread, left in the loop's */
    struct lingerer *first;
    unsigned count;
};

static bool enter(struct lingering *all, struct lingerer *client)
{
    bool room;

    pthread_mutex_lock(&all->lock);
    room = all->count < CLIENTS_MOST;
    if (room) {
        client->next = all->first;
        if (client->next)
            client->next->prev = client;
        all->first = client;
        all->count++;
    }
    pthread_mutex_unlock(&all->lock);
    return room;
}

static void leave(struct lingerer *client)
{
    struct lingering *all = client->all;

    pthread_mutex_lock(&all->lock);
    if (client->prev)
        client->prev->next = client->next;
    else
        all->first = client->next;
    if (client->next)
        client->next->prev = client->prev;
    all->count--;
    pthread_mutex_unlock(&all->lock);
}

static void end(void *ctx)
{
    struct lingerer *client = ctx;

    loop_disarm(client->all->loop, &client->deadline);
    loop_unwatch(client->all->loop, &client->watch);
    close(client->watch.fd);
    leave(client);
    free(client);
}

static void on_bytes(void *ctx, uint32_t events)
{
    static char dropped[AT_ONCE]; /* nobody looks at it: one will do for all */
    struct lingerer *client = ctx;
    ssize_t size = recv(client->watch.fd, dropped, sizeof dropped, MSG_DONTWAIT);

    (void)events;
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size > 0)
        client->dropped += (size_t)size;
    if (size <= 0 || client->dropped > BYTES_MOST)
        end(client);
}

static void begin(void *ctx)
{
    struct lingerer *client = ctx;
    struct loop *loop = client->all->loop;

    client->deadline = (struct loop_timer){.fire = end, .ctx = client};
    loop_arm(loop, &client->deadline, mono_add_ms(loop_now(loop), LINGER_MS));
    if (loop_watch(loop, &client->watch, EPOLLIN) != 0)
        end(client);
}

void lingering_take(struct lingering *all, int fd)
{
    struct lingerer *client = calloc(1, sizeof *client);

    if (!client || !enter(all, client)) {
        free(client);
        close(fd);
        return;
    }
    client->all = all;
    client->watch = (struct loop_fd){.fd = fd, .ready = on_bytes, .ctx = client};
    client->begin = (struct loop_task){.run = begin, .ctx = client};
    loop_post(all->loop, &client->begin);
}

struct lingering *lingering_new(struct loop *loop)
{
    struct lingering *all = calloc(1, sizeof *all);

    if (!all)
        return NULL;
    all->loop = loop;
    pthread_mutex_init(&all->lock, NULL);
    return all;
}

void lingering_free(struct lingering *all)
{
    if (!all)
        return;
    for (struct lingerer *client = all->first, *next; client; client = next) {
        next = client->next;
        end(client);
    }
    pthread_mutex_destroy(&all->lock);
    free(all);
}
