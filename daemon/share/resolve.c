/* SPDX-License-Identifier: MIT */
#include "share/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Freed by the loop, after the thread has ended, or by the thread, if it was cancelled before. The thread signals
 * an eventfd instead of posting a task to the loop, since a task cannot be withdrawn. */
struct resolve {
    struct loop *loop;
    struct loop_fd ended; /* an eventfd */
    resolved_fn *done;
    void *ctx;
    char *host;
    int error;              /* of getaddrinfo() */
    struct addrinfo *found; /* this and `error` belong to the thread until it is over */
    pthread_mutex_t lock;
    bool is_over, cancelled; /* under the lock */
};

bool resolve_is_numeric(const char *host)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;

    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    freeaddrinfo(found);
    return true;
}

static void free_resolve(struct resolve *resolve)
{
    if (resolve->found)
        freeaddrinfo(resolve->found);
    if (resolve->ended.fd >= 0)
        close(resolve->ended.fd);
    pthread_mutex_destroy(&resolve->lock);
    free(resolve->host);
    free(resolve);
}

static void *run_resolve(void *of)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const uint64_t once = 1;
    struct resolve *resolve = of;

    resolve->error = getaddrinfo(resolve->host, NULL, &hints, &resolve->found);
    pthread_mutex_lock(&resolve->lock);
    bool cancelled = resolve->cancelled;
    resolve->is_over = true;
    ssize_t written = cancelled ? 0 : write(resolve->ended.fd, &once, sizeof once);
    pthread_mutex_unlock(&resolve->lock);
    (void)written; /* cannot fail */
    if (cancelled)
        free_resolve(resolve);
    return NULL;
}

static void collect(const struct addrinfo *found, struct resolve_addresses *addresses)
{
    for (; found && addresses->count < RESOLVE_MAX; found = found->ai_next) {
        char *text = addresses->text[addresses->count];
        if (getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof addresses->text[0], NULL, 0,
                        NI_NUMERICHOST) == 0)
            addresses->count++;
    }
}

static void on_ended(void *ctx, uint32_t events)
{
    struct resolve *resolve = ctx;
    struct resolve_addresses addresses = {0};
    resolved_fn *done = resolve->done;
    void *done_ctx = resolve->ctx;

    (void)events;
    pthread_mutex_lock(&resolve->lock); /* the thread holds it until it is done */
    int error = resolve->error;
    pthread_mutex_unlock(&resolve->lock);
    if (error == 0)
        collect(resolve->found, &addresses);
    resolve_cancel(resolve);
    if (addresses.count > 0)
        done(done_ctx, &addresses, NULL);
    else
        done(done_ctx, NULL, gai_strerror(error ? error : EAI_NONAME));
}

static bool start_thread(struct resolve *resolve)
{
    sigset_t all, before;
    pthread_attr_t detached;
    pthread_t thread;

    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &detached, run_resolve, resolve);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
    return error == 0;
}

struct resolve *resolve_start(struct loop *loop, const char *host, resolved_fn *done, void *ctx)
{
    struct resolve *resolve = calloc(1, sizeof *resolve);

    if (!resolve)
        return NULL;
    *resolve = (struct resolve){.loop = loop, .done = done, .ctx = ctx, .host = strdup(host)};
    resolve->ended = (struct loop_fd){
        .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = on_ended, .ctx = resolve};
    pthread_mutex_init(&resolve->lock, NULL);
    if (resolve->host && resolve->ended.fd >= 0 &&
        loop_watch(loop, &resolve->ended, EPOLLIN) == 0) {
        if (start_thread(resolve))
            return resolve;
        loop_unwatch(loop, &resolve->ended);
    }
    free_resolve(resolve);
    return NULL;
}

void resolve_cancel(struct resolve *resolve)
{
    if (!resolve)
        return;
    loop_unwatch(resolve->loop, &resolve->ended);
    pthread_mutex_lock(&resolve->lock);
    bool is_over = resolve->is_over;
    resolve->cancelled = true;
    pthread_mutex_unlock(&resolve->lock);
    if (is_over)
        free_resolve(resolve);
}
