/* SPDX-License-Identifier: MIT */
#include "http/tls_handshake.h"

#include "core/metrics.h"
#include "http/clients.h"
#include "http/direct_answer.h"
#include "net/discard.h"
#include "net/peer.h"
#include "tls/session.h"

#include <stdlib.h>
#include <sys/epoll.h>

#define HANDSHAKE_S 10

/* One that is under way. */
struct tls_handshake {
    struct client *client;
    struct turn turn;
    struct loop_fd watch;
    struct loop_timer deadline;
    unsigned flow; /* of its turns */
    bool queued;   /* for its turn; else it is watched */
    bool late;
};

static const enum metric failures[TLS_FAULTS] = {
    [TLS_FAULT_CLOSED] = METRIC_TLS_FAILED_CLOSED,
    [TLS_FAULT_PLAIN_HTTP] = METRIC_TLS_FAILED_PLAIN_HTTP,
    [TLS_FAULT_VERSION] = METRIC_TLS_FAILED_VERSION,
    [TLS_FAULT_CIPHER] = METRIC_TLS_FAILED_CIPHER,
    [TLS_FAULT_PROTOCOL] = METRIC_TLS_FAILED_PROTOCOL,
    [TLS_FAULT_ALERT] = METRIC_TLS_FAILED_ALERT,
    [TLS_FAULT_TIMEOUT] = METRIC_TLS_FAILED_TIMEOUT,
    [TLS_FAULT_MALFORMED] = METRIC_TLS_FAILED_MALFORMED,
};

static struct loop *loop_of(const struct tls_handshake *handshake)
{
    return http_worker_loop(handshake->client->worker);
}

static void unwatch_handshake(struct tls_handshake *handshake)
{
    if (!handshake->queued)
        loop_unwatch(loop_of(handshake), &handshake->watch);
}

/* ---- The end */

static void refuse_client(struct client *client)
{
    enum tls_fault fault = tls_session_fault(client->tls);

    metrics_count(failures[fault]);
    if (fault == TLS_FAULT_PLAIN_HTTP)
        direct_answer(&client->request, PROBLEM_BAD_REQUEST, "expected TLS; use https://");
    discard_and_shut(client->entry.fd);
}

static void leave_handshake(struct tls_handshake *handshake)
{
    struct client *client = handshake->client;

    loop_disarm(loop_of(handshake), &handshake->deadline);
    client->handshake = NULL;
    free(handshake);
    connections_await(client->service->connections, &client->entry);
    atomic_store_explicit(&client->entry.busy, false, memory_order_relaxed);
    http_worker_resume(client->worker, client->connection);
}

static void fail_handshake(struct tls_handshake *handshake, enum tls_fault fault)
{
    tls_session_fail(handshake->client->tls, fault);
    refuse_client(handshake->client);
    leave_handshake(handshake);
}

/* ---- Steps */

static void queue_step(struct tls_handshake *handshake)
{
    handshake->queued = true;
    turns_add(http_worker_turns(handshake->client->worker), &handshake->turn, handshake->flow);
}

static void on_handshake_ready(void *ctx, uint32_t events)
{
    struct tls_handshake *handshake = ctx;

    (void)events;
    unwatch_handshake(handshake);
    queue_step(handshake);
}

static void wait_for_client(struct tls_handshake *handshake, uint32_t events)
{
    handshake->queued = loop_watch(loop_of(handshake), &handshake->watch, events) != 0;
    if (handshake->queued) /* not watched: out of memory */
        fail_handshake(handshake, TLS_FAULT_CLOSED);
}

static bool do_step(void *ctx)
{
    struct tls_handshake *handshake = ctx;
    struct client *client = handshake->client;

    if (handshake->late) {
        fail_handshake(handshake, TLS_FAULT_TIMEOUT);
        return true;
    }
    switch (tls_session_step(client->tls)) {
    case TLS_STEP_READ:
        wait_for_client(handshake, EPOLLIN);
        break;
    case TLS_STEP_WRITE:
        wait_for_client(handshake, EPOLLOUT);
        break;
    case TLS_STEP_FAILED:
        refuse_client(client);
        leave_handshake(handshake);
        break;
    case TLS_STEP_DONE:
        metrics_count(tls_session_resumed(client->tls) ? METRIC_TLS_RESUMED : METRIC_TLS_FULL);
        leave_handshake(handshake);
        break;
    }
    return true;
}

static void on_handshake_late(void *ctx)
{
    struct tls_handshake *handshake = ctx;

    handshake->late = true;
    if (handshake->queued) /* its turn comes */
        return;
    unwatch_handshake(handshake);
    fail_handshake(handshake, TLS_FAULT_TIMEOUT);
}

/* ---- Begin */

static unsigned flow_of_client(const struct client *client)
{
    const struct sockaddr *peer = client_peer(client);
    struct p0f_addr addr;
    struct flow flow =
        lookup_flow(client->service->lookup, peer && peer_addr(peer, &addr) ? &addr : NULL);

    return flow.numbers[flow.widths - 1];
}

void tls_handshake_begin(struct client *client)
{
    struct tls_handshake *handshake = calloc(1, sizeof *handshake);
    unsigned seconds = client->service->idle_timeout;

    if (!handshake) {
        tls_session_fail(client->tls, TLS_FAULT_CLOSED);
        refuse_client(client);
        return;
    }
    http_worker_suspend(client->worker, client->connection);
    client->handshake = handshake;
    handshake->client = client;
    handshake->flow = flow_of_client(client);
    handshake->turn = (struct turn){.work = do_step, .ctx = handshake};
    handshake->watch =
        (struct loop_fd){.fd = client->entry.fd, .ready = on_handshake_ready, .ctx = handshake};
    handshake->deadline = (struct loop_timer){.fire = on_handshake_late, .ctx = handshake};
    atomic_store_explicit(&client->entry.busy, true, memory_order_relaxed);
    loop_arm(loop_of(handshake), &handshake->deadline,
             mono_add_ms(loop_now(loop_of(handshake)),
                         1000 * (int64_t)(seconds < HANDSHAKE_S ? seconds : HANDSHAKE_S)));
    queue_step(handshake);
}

void tls_handshake_end_all(void)
{
    struct client *client;

    for (client = clients_first(); client; client = LIST_NEXT(client, link)) {
        struct tls_handshake *handshake = client->handshake;
        if (!handshake || handshake->queued)
            continue;
        unwatch_handshake(handshake);
        fail_handshake(handshake, TLS_FAULT_CLOSED);
    }
}
