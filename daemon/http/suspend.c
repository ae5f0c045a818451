/* SPDX-License-Identifier: MIT */
#include "http/suspend.h"

#include "http/respond.h"

#include <sys/epoll.h>

#define CLIENT_GONE 499 /* nginx's word for it, in log and metrics */

/* Who has waited so long is looked after: not each request, as most are answered sooner. */
#define UNWATCHED_MS 50

/* Who may touch a request that is watched: it is handed back (DONE) by the lookups' loop, but not as
 * long as a task of its worker's is on its way there (LEAVING). */
enum { WAIT_WATCHED, WAIT_LEAVING, WAIT_DONE };

/* A resumed connection whose timeout is its own is seen to before anything is read from it. Else
 * libmicrohttpd reads first, and if the client has closed its sending side, as one may that has asked
 * all it wants, drops the connection instead of asking us for the answer. */
static void set_timeout(struct client *client, unsigned seconds)
{
    MHD_set_connection_option(client->connection, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

void http_suspend(struct client *client, enum MHD_Result (*resumed)(struct client *client),
                  void (*abandoned)(struct client *client))
{
    client->stage = STAGE_WAITING;
    client->resumed = resumed;
    client->abandoned = abandoned;
    client->waiting.end_early = NULL;
    client->waiting.gone = false;
    MHD_suspend_connection(client->connection);
    set_timeout(client, client->service->idle_timeout + 1);
}

enum MHD_Result http_go_on(struct client *client)
{
    set_timeout(client, client->service->idle_timeout);
    client->stage = STAGE_DONE; /* what was waited for is resumed()'s, even if it fails */
    if (!client->waiting.gone)
        return client->resumed(client);
    respond_note(client, CLIENT_GONE);
    client->abandoned(client);
    return MHD_NO;
}

/* ---- Watching */

static void on_client_left(void *ctx)
{
    struct client *client = ctx;
    struct waiting *waiting = &client->waiting;
    int state = WAIT_LEAVING;
    bool for_good = waiting->for_good;

    atomic_fetch_sub(&client->service->leaving, 1);
    if (atomic_compare_exchange_strong(&waiting->state, &state, WAIT_WATCHED))
        waiting->end_early(client, for_good); /* perhaps not ours any more */
    else
        loop_post(http_worker_loop(client->worker), &waiting->resume);
}

/* False when it has been done, or is being told of something already. */
static bool end_wait_early(struct client *client, bool for_good)
{
    struct waiting *waiting = &client->waiting;
    int state = WAIT_WATCHED;

    if (atomic_load(&waiting->state) != WAIT_WATCHED)
        return false;
    waiting->for_good = for_good; /* which nobody reads before it is under way */
    atomic_fetch_add(&client->service->leaving, 1);
    if (atomic_compare_exchange_strong(&waiting->state, &state, WAIT_LEAVING)) {
        loop_post(lookup_loop(client->service->lookup), &waiting->leave);
        return true;
    }
    atomic_fetch_sub(&client->service->leaving, 1);
    return false;
}

static void on_hang_up(void *ctx, uint32_t events)
{
    struct client *client = ctx;
    struct waiting *waiting = &client->waiting;
    struct loop *loop = http_worker_loop(client->worker);

    loop_unwatch(loop, &waiting->watch);
    waiting->watched = false;
    waiting->half_closed = true;
    waiting->gone = events & (EPOLLHUP | EPOLLERR);
    if (!end_wait_early(client, waiting->gone) || !waiting->gone)
        loop_arm(loop, &waiting->unwatched, mono_add_ms(loop_now(loop), UNWATCHED_MS));
}

static void begin_to_watch(void *ctx)
{
    struct client *client = ctx;
    struct waiting *waiting = &client->waiting;
    struct loop *loop = http_worker_loop(client->worker);

    /* If that fails, the request just waits to its end. */
    waiting->watched =
        loop_watch(loop, &waiting->watch, waiting->half_closed ? 0 : (uint32_t)EPOLLRDHUP) == 0;
}

void http_watch(struct client *client, void (*end_early)(struct client *client, bool for_good))
{
    struct waiting *waiting = &client->waiting;
    struct loop *loop = http_worker_loop(client->worker);

    waiting->end_early = end_early;
    waiting->half_closed = waiting->watched = false;
    atomic_store(&waiting->state, WAIT_WATCHED);
    waiting->leave = (struct loop_task){.run = on_client_left, .ctx = client};
    waiting->watch = (struct loop_fd){.fd = client->entry.fd, .ready = on_hang_up, .ctx = client};
    waiting->unwatched = (struct loop_timer){.fire = begin_to_watch, .ctx = client};
    loop_arm(loop, &waiting->unwatched, mono_add_ms(loop_now(loop), UNWATCHED_MS));
}

static void end_watch(struct client *client)
{
    struct waiting *waiting = &client->waiting;
    struct loop *loop = http_worker_loop(client->worker);

    if (!waiting->end_early)
        return;
    loop_disarm(loop, &waiting->unwatched);
    if (waiting->watched)
        loop_unwatch(loop, &waiting->watch);
    waiting->end_early = NULL;
}

/* ---- Going on */

static void resume(void *ctx)
{
    struct client *client = ctx;

    end_watch(client);
    http_worker_resume(client->worker, client->connection);
}

void http_resume(struct client *client)
{
    struct waiting *waiting = &client->waiting;

    waiting->resume = (struct loop_task){.run = resume, .ctx = client};
    if (waiting->end_early && atomic_exchange(&waiting->state, WAIT_DONE) == WAIT_LEAVING)
        return; /* leave() does it */
    loop_post(http_worker_loop(client->worker), &waiting->resume);
}
