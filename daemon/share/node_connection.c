/* SPDX-License-Identifier: MIT */
#include "share/node_connection.h"

#include "share/breaker.h"
#include "share/login.h"
#include "share/node_log.h"
#include "share/node_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEALTHY_MS 1000 /* after a session that was up this long, the backoff starts again */
#define SILENT_PROBES 3 /* without a reply in a row, after which it reconnects */

struct node_connection {
    struct loop *loop;
    struct redis_url url;
    char server[SHARE_SERVER_SIZE];
    int64_t timeout_ms;
    uint64_t random; /* state of the jitter */
    struct share_counts *counts;
    struct node_connection_events events;

    enum share_node_state state;
    char fault[SHARE_FAULT_SIZE];
    struct loop_timer
        timer; /* DOWN: the next attempt to connect; OPEN: the next probe, or its deadline */
    struct backoff backoff;       /* between attempts to connect */
    struct node_session *session; /* or NULL */
    struct mono up;               /* when the session came up; 0: it has not */
    uint64_t connects;            /* successful ones, since the start */
    struct breaker breaker;
    unsigned probes; /* outstanding */
    unsigned silent; /* probes without a reply in a row */
    struct node_log log;
    unsigned busy; /* calls on the stack that still use it */
    bool freed;
};

/* SplitMix64. */
static uint64_t next_jitter(struct node_connection *node)
{
    uint64_t z = node->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void arm_in(struct node_connection *node, int64_t ms)
{
    loop_arm(node->loop, &node->timer, mono_add_ms(loop_now(node->loop), ms));
}

/* ---- The state */

static void plan_reconnect(struct node_connection *node)
{
    if (node->up.ns && mono_ms_between(node->up, loop_now(node->loop)) >= HEALTHY_MS)
        node->backoff = (struct backoff){0};
    node->up = (struct mono){0};
    arm_in(node, backoff_next(&node->backoff, next_jitter(node)));
}

static void start_session(struct node_connection *node)
{
    node->connects++;
    node->counts->connects_ok++;
    node->up = loop_now(node->loop);
    node->breaker = (struct breaker){.state = BREAKER_CLOSED};
    node->probes = node->silent = 0;
}

/* The only place that changes the state. `fault` says why it is not up; NULL: unchanged. May free the node: do not
 * use it afterwards. */
static void enter_state(struct node_connection *node, enum share_node_state state,
                        const char *fault)
{
    enum share_node_state before = node->state;

    node->busy++;
    node->state = state;
    loop_disarm(node->loop, &node->timer);
    if (fault || state == SHARE_NODE_UP) {
        snprintf(node->fault, sizeof node->fault, "%s", fault ? fault : "");
        node_log_event(&node->log, fault);
    }
    if (state == SHARE_NODE_OPEN)
        loop_arm(node->loop, &node->timer, node->breaker.retry);
    if (state == SHARE_NODE_UP && before == SHARE_NODE_CONNECTING)
        start_session(node);
    if (state == SHARE_NODE_DOWN) {
        node->counts->connects_failed += node->up.ns == 0;
        plan_reconnect(node);
        node_session_close(node->session);
        node->session = NULL;
    }
    if (!node->freed && state == SHARE_NODE_UP && node->events.up)
        node->events.up(node->events.ctx);
    else if (!node->freed && before == SHARE_NODE_UP && node->events.down)
        node->events.down(node->events.ctx, node->fault);
    if (--node->busy == 0 && node->freed)
        free(node);
}

/* ---- Sessions */

static void on_node_up(void *ctx)
{
    enter_state(ctx, SHARE_NODE_UP, NULL);
}

static void on_node_delayed(void *ctx, const char *fault)
{
    enter_state(ctx, SHARE_NODE_CONNECTING, fault);
}

static void on_node_lost(void *ctx, const char *fault)
{
    enter_state(ctx, SHARE_NODE_DOWN, fault);
}

static void connect_node(struct node_connection *node)
{
    char fault[SHARE_FAULT_SIZE];
    const struct node_session_options options = {.loop = node->loop,
                                                 .url = &node->url,
                                                 .up = on_node_up,
                                                 .delayed = on_node_delayed,
                                                 .lost = on_node_lost,
                                                 .ctx = node};

    node->session = node_session_open(&options, fault);
    if (node->session)
        enter_state(node, SHARE_NODE_CONNECTING, NULL);
    else
        enter_state(node, SHARE_NODE_DOWN, fault);
}

/* ---- The breaker */

static void on_probe_reply(void *ctx, const redisReply *reply)
{
    struct node_connection *node = ctx;

    if (!reply)
        return;
    node->silent = 0;
    /* This may be the late reply to an earlier probe. */
    if (--node->probes > 0 || node->breaker.state != BREAKER_PROBING)
        return;
    if (reply->type == REDIS_REPLY_STATUS) {
        breaker_succeeded(&node->breaker);
        enter_state(node, SHARE_NODE_UP, NULL);
        return;
    }
    breaker_failed(&node->breaker, loop_now(node->loop), next_jitter(node));
    loop_arm(node->loop, &node->timer, node->breaker.retry);
}

static void probe_node(struct node_connection *node)
{
    const char *argv[] = {"PING"};
    const size_t lengths[] = {4};

    breaker_probe(&node->breaker);
    node->probes++;
    arm_in(node, node->timeout_ms);
    if (!node_session_send(node->session, 1, argv, lengths, on_probe_reply, node))
        enter_state(node, SHARE_NODE_DOWN, "out of memory");
}

static void fail_probe(struct node_connection *node)
{
    if (++node->silent >= SILENT_PROBES) {
        enter_state(node, SHARE_NODE_DOWN, "still no reply; reconnecting");
        return;
    }
    breaker_failed(&node->breaker, loop_now(node->loop), next_jitter(node));
    loop_arm(node->loop, &node->timer, node->breaker.retry);
}

void node_connection_failed(struct node_connection *node, const char *why)
{
    char fault[SHARE_FAULT_SIZE], shown[SHARE_FAULT_SIZE / 2];

    if (node->state != SHARE_NODE_UP ||
        !breaker_failed(&node->breaker, loop_now(node->loop), next_jitter(node)))
        return;
    node->counts->breaker_opened++;
    login_quote(why, strlen(why), shown, sizeof shown);
    snprintf(fault, sizeof fault, "breaker open after %d failures in a row: %s", BREAKER_FAILURES,
             shown);
    enter_state(node, SHARE_NODE_OPEN, fault);
}

void node_connection_succeeded(struct node_connection *node)
{
    if (node->state == SHARE_NODE_UP)
        breaker_succeeded(&node->breaker);
}

static void on_node_timer(void *ctx)
{
    struct node_connection *node = ctx;

    if (node->state == SHARE_NODE_DOWN)
        connect_node(node);
    else if (node->breaker.state == BREAKER_PROBING)
        fail_probe(node);
    else
        probe_node(node);
}

/* ---- For the owner */

struct node_connection *node_connection_new(const struct node_connection_options *options)
{
    struct node_connection *node = calloc(1, sizeof *node);

    if (!node)
        return NULL;
    *node = (struct node_connection){.loop = options->loop,
                                     .url = options->url,
                                     .timeout_ms = options->timeout_ms,
                                     .random = options->seed,
                                     .counts = options->counts,
                                     .events = options->events,
                                     .state = SHARE_NODE_DOWN};
    node->timer = (struct loop_timer){.fire = on_node_timer, .ctx = node};
    redis_url_server(&node->url, node->server);
    node_log_start(&node->log, node->loop, node->server);
    arm_in(node, 0);
    return node;
}

void node_connection_free(struct node_connection *node)
{
    if (!node)
        return;
    node->freed = true;
    node->state = SHARE_NODE_DOWN;
    loop_disarm(node->loop, &node->timer);
    node_log_stop(&node->log);
    node->busy++;
    node_session_close(node->session);
    explicit_bzero(node->url.password, sizeof node->url.password);
    if (--node->busy == 0)
        free(node);
}

void node_connection_set_timeout(struct node_connection *node, int64_t timeout_ms)
{
    node->timeout_ms = timeout_ms;
}

bool node_connection_ready(const struct node_connection *node)
{
    return node->state == SHARE_NODE_UP &&
           node_session_outstanding(node->session) < NODE_CONNECTION_COMMANDS_MAX;
}

bool node_connection_send(struct node_connection *node, int argc, const char **argv,
                          const size_t *lengths, bool asking, node_reply_fn *reply, void *ctx)
{
    const char *asking_argv[] = {"ASKING"};
    const size_t asking_lengths[] = {6};

    if (!node_connection_ready(node))
        return false;
    if (asking && !node_session_send(node->session, 1, asking_argv, asking_lengths, NULL, NULL))
        return false;
    return node_session_send(node->session, argc, argv, lengths, reply, ctx);
}

bool node_connection_is_open(const struct node_connection *node)
{
    return node->session != NULL;
}

void node_connection_status(const struct node_connection *node, struct share_node_status *status)
{
    *status = (struct share_node_status){.state = node->state};
    snprintf(status->server, sizeof status->server, "%s", node->server);
    snprintf(status->fault, sizeof status->fault, "%s",
             node->fault[0] || node->state == SHARE_NODE_UP ? node->fault : "not connected yet");
    status->outstanding = node->session ? node_session_outstanding(node->session) : 0;
    status->reconnects = node->connects > 0 ? node->connects - 1 : 0;
}
