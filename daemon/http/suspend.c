/* SPDX-License-Identifier: MIT */
#include "http/suspend.h"

#include "http/respond.h"
#include "http/workarounds.h"

#include <sys/epoll.h>

#define CLIENT_GONE 499 /* nginx's word for it, in log and metrics */

/* A request is watched only after that time: most are answered sooner. */
#define UNWATCHED_MS 50

/* Who may touch a request that is watched. The lookups' loop hands it back (DONE), but not while a task
 * of its worker is on its way to that loop (LEAVING). */
enum { WAIT_WATCHED, WAIT_LEAVING, WAIT_DONE };

void http_suspend(struct request *request, enum MHD_Result (*resumed)(struct request *request))
{
    request->stage = STAGE_WAITING;
    request->resumed = resumed;
    suspend_connection(request);
}

enum MHD_Result http_go_on(struct request *request)
{
    connection_has_resumed(request);
    request->stage = STAGE_DONE;
    if (!request->waiting.gone)
        return request->resumed(request);
    respond_note(request, CLIENT_GONE);
    return MHD_NO;
}

/* ---- Watching */

static void on_client_left(void *ctx)
{
    struct request *request = ctx;
    struct waiting *waiting = &request->waiting;
    int state = WAIT_LEAVING;
    bool for_good = waiting->for_good;

    atomic_fetch_sub(&request->client->service->leaving, 1);
    if (atomic_compare_exchange_strong(&waiting->state, &state, WAIT_WATCHED))
        waiting->end_early(request, for_good); /* the request may be gone now */
    else
        loop_post(http_worker_loop(request->client->worker), &waiting->resume);
}

/* False when it is done, or a task is on its way already. */
static bool end_wait_early(struct request *request, bool for_good)
{
    struct waiting *waiting = &request->waiting;
    int state = WAIT_WATCHED;

    if (atomic_load(&waiting->state) != WAIT_WATCHED)
        return false;
    waiting->for_good = for_good; /* not read before the task is posted */
    atomic_fetch_add(&request->client->service->leaving, 1);
    if (atomic_compare_exchange_strong(&waiting->state, &state, WAIT_LEAVING)) {
        loop_post(lookup_loop(request->client->service->lookup), &waiting->leave);
        return true;
    }
    atomic_fetch_sub(&request->client->service->leaving, 1);
    return false;
}

static void on_hang_up(void *ctx, uint32_t events)
{
    struct request *request = ctx;
    struct waiting *waiting = &request->waiting;
    struct loop *loop = http_worker_loop(request->client->worker);

    loop_unwatch(loop, &waiting->watch);
    waiting->watched = false;
    waiting->half_closed = true;
    waiting->gone = events & (EPOLLHUP | EPOLLERR);
    if (!end_wait_early(request, waiting->gone) || !waiting->gone)
        loop_arm(loop, &waiting->unwatched, mono_add_ms(loop_now(loop), UNWATCHED_MS));
}

static void begin_to_watch(void *ctx)
{
    struct request *request = ctx;
    struct waiting *waiting = &request->waiting;
    struct loop *loop = http_worker_loop(request->client->worker);

    /* If that fails, the request just waits as long as it takes. */
    waiting->watched =
        loop_watch(loop, &waiting->watch, waiting->half_closed ? 0 : (uint32_t)EPOLLRDHUP) == 0;
}

void http_watch(struct request *request, void (*end_early)(struct request *request, bool for_good))
{
    struct waiting *waiting = &request->waiting;
    struct loop *loop = http_worker_loop(request->client->worker);

    waiting->end_early = end_early;
    atomic_store(&waiting->state, WAIT_WATCHED);
    waiting->leave = (struct loop_task){.run = on_client_left, .ctx = request};
    waiting->watch =
        (struct loop_fd){.fd = request->client->entry.fd, .ready = on_hang_up, .ctx = request};
    waiting->unwatched = (struct loop_timer){.fire = begin_to_watch, .ctx = request};
    loop_arm(loop, &waiting->unwatched, mono_add_ms(loop_now(loop), UNWATCHED_MS));
}

static void end_watch(struct request *request)
{
    struct waiting *waiting = &request->waiting;
    struct loop *loop = http_worker_loop(request->client->worker);

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
    struct request *request = ctx;

    end_watch(request);
    http_worker_resume(request->client->worker, request->client->connection);
}

void http_resume(struct request *request)
{
    struct waiting *waiting = &request->waiting;

    waiting->resume = (struct loop_task){.run = resume, .ctx = request};
    if (waiting->end_early && atomic_exchange(&waiting->state, WAIT_DONE) == WAIT_LEAVING)
        return; /* on_client_left() does it */
    loop_post(http_worker_loop(request->client->worker), &waiting->resume);
}
