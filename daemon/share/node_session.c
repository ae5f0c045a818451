/* SPDX-License-Identifier: MIT */
#include "share/node_session.h"

#include "share/login.h"
#include "share/redis_socket.h"
#include "share/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MS 1000 /* for each step: resolving, connecting, each command of the login */

struct sent_command {
    session_reply_fn *reply;
    void *ctx;
};

struct node_session {
    struct node_session_options options;
    struct loop_timer timer; /* of the current step; not armed when up */
    struct resolve *resolve; /* NULL: not resolving */
    struct resolve_addresses addresses;
    unsigned address;            /* index of the one that is tried */
    struct redis_socket *socket; /* or NULL */
    enum login_step step;        /* LOGIN_BEGIN: not connected yet; LOGIN_END: up */
    bool waiting;                /* the step is repeated when the timer fires */
    bool closed;
    unsigned busy;         /* calls on the stack that still use it */
    unsigned first, count; /* outstanding commands */
    struct sent_command commands[NODE_SESSION_COMMANDS_MAX];
};

static void arm_step(struct node_session *session)
{
    struct loop *loop = session->options.loop;

    loop_arm(loop, &session->timer, mono_add_ms(loop_now(loop), STEP_MS));
}

static void lose_session(struct node_session *session, const char *fault)
{
    loop_disarm(session->options.loop, &session->timer);
    session->options.lost(session->options.ctx, fault);
}

/* ---- Commands */

static struct sent_command pop_command(struct node_session *session)
{
    struct sent_command command = session->commands[session->first];

    session->first = (session->first + 1) % NODE_SESSION_COMMANDS_MAX;
    session->count--;
    return command;
}

bool node_session_send(struct node_session *session, int argc, const char **argv,
                       const size_t *lengths, session_reply_fn *reply, void *ctx)
{
    if (session->closed || session->count == NODE_SESSION_COMMANDS_MAX ||
        !redis_socket_send(session->socket, argc, argv, lengths))
        return false;
    session->commands[(session->first + session->count++) % NODE_SESSION_COMMANDS_MAX] =
        (struct sent_command){reply, ctx};
    return true;
}

unsigned node_session_outstanding(const struct node_session *session)
{
    return session->count;
}

static void on_session_reply(void *ctx, const redisReply *reply)
{
    struct node_session *session = ctx;
    char fault[SHARE_FAULT_SIZE];

    if (session->count > 0) {
        struct sent_command command = pop_command(session);
        if (command.reply)
            command.reply(command.ctx, reply);
        return;
    }
    if (reply->type != REDIS_REPLY_ERROR || login_reply(LOGIN_PING, reply, fault) == LOGIN_OK)
        snprintf(fault, sizeof fault, "a reply without a command");
    lose_session(session, fault);
}

/* ---- Logging in, one command after the other */

static void do_login_step(struct node_session *session);

static void on_login_reply(void *ctx, const redisReply *reply)
{
    struct node_session *session = ctx;
    char fault[SHARE_FAULT_SIZE];

    if (!reply)
        return;
    switch (login_reply(session->step, reply, fault)) {
    case LOGIN_OK:
        session->step = login_next(session->options.url, session->step);
        do_login_step(session);
        break;
    case LOGIN_WAIT:
        session->waiting = true; /* until the timer of the step fires */
        session->options.delayed(session->options.ctx, fault);
        break;
    case LOGIN_REFUSED:
        lose_session(session, fault);
        break;
    }
}

static void do_login_step(struct node_session *session)
{
    struct login_command command;

    session->waiting = false;
    if (session->step == LOGIN_END) {
        loop_disarm(session->options.loop, &session->timer);
        session->options.up(session->options.ctx);
        return;
    }
    login_command(session->options.url, session->step, &command);
    arm_step(session);
    if (!node_session_send(session, command.argc, command.argv, command.lengths, on_login_reply,
                           session))
        lose_session(session, "out of memory");
}

static void on_session_connected(void *ctx)
{
    struct node_session *session = ctx;

    session->step = login_next(session->options.url, LOGIN_BEGIN);
    do_login_step(session);
}

/* ---- Connecting to the addresses of a name, one after the other */

static void on_socket_lost(void *ctx, const char *why);

/* From session->address on. False if none is left; `fault` then has the reason of the last one, if it was
 * tried here. */
static bool try_addresses(struct node_session *session, char fault[SHARE_FAULT_SIZE])
{
    const struct redis_url *url = session->options.url;
    struct redis_socket_options options = {.loop = session->options.loop,
                                           .port = url->port,
                                           .is_unix = url->is_unix,
                                           .tls_name = url->tls ? url->host : NULL,
                                           .connected = on_session_connected,
                                           .reply = on_session_reply,
                                           .lost = on_socket_lost,
                                           .ctx = session};

    redis_socket_close(session->socket);
    session->socket = NULL;
    for (; session->address < session->addresses.count; session->address++) {
        options.host = url->is_unix ? url->host : session->addresses.text[session->address];
        session->socket = redis_socket_open(&options, fault);
        if (session->socket) {
            arm_step(session);
            return true;
        }
    }
    return false;
}

static void on_socket_lost(void *ctx, const char *why)
{
    struct node_session *session = ctx;
    char fault[SHARE_FAULT_SIZE];

    snprintf(fault, sizeof fault, "%s", why);
    if (session->step == LOGIN_BEGIN) {
        session->address++;
        if (try_addresses(session, fault))
            return;
    }
    lose_session(session, fault);
}

static void on_addresses(void *ctx, const struct resolve_addresses *addresses, const char *why)
{
    struct node_session *session = ctx;
    char fault[SHARE_FAULT_SIZE];

    session->resolve = NULL;
    if (addresses) {
        session->addresses = *addresses;
        if (try_addresses(session, fault))
            return;
    } else {
        snprintf(fault, sizeof fault, "cannot resolve the name: %s", why);
    }
    lose_session(session, fault);
}

/* ---- Time */

static void on_step_over(void *ctx)
{
    struct node_session *session = ctx;

    if (session->waiting)
        do_login_step(session);
    else if (session
                 ->resolve) /* whose thread cannot be stopped: another one would only be one more */
        session->options.delayed(session->options.ctx,
                                 "cannot resolve the name: no answer from the name servers yet");
    else if (session->step == LOGIN_BEGIN)
        on_socket_lost(session, "cannot connect: no answer within 1 s");
    else
        lose_session(session, "connected, but no reply within 1 s");
}

/* ---- The whole */

static bool begin_session(struct node_session *session, char fault[SHARE_FAULT_SIZE])
{
    const char *host = session->options.url->host;

    if (session->options.url->is_unix || resolve_is_numeric(host)) {
        session->addresses.count = 1;
        if (!session->options.url->is_unix)
            snprintf(session->addresses.text[0], sizeof session->addresses.text[0], "%.*s",
                     (int)sizeof session->addresses.text[0] - 1, host);
        return try_addresses(session, fault);
    }
    session->resolve = resolve_start(session->options.loop, host, on_addresses, session);
    if (session->resolve) {
        arm_step(session);
        return true;
    }
    snprintf(fault, SHARE_FAULT_SIZE, "cannot resolve the name: no thread can be started");
    return false;
}

struct node_session *node_session_open(const struct node_session_options *options,
                                       char fault[SHARE_FAULT_SIZE])
{
    struct node_session *session = calloc(1, sizeof *session);

    if (!session) {
        snprintf(fault, SHARE_FAULT_SIZE, "out of memory");
        return NULL;
    }
    session->options = *options;
    session->timer = (struct loop_timer){.fire = on_step_over, .ctx = session};
    if (begin_session(session, fault))
        return session;
    node_session_close(session);
    return NULL;
}

void node_session_close(struct node_session *session)
{
    if (!session)
        return;
    if (!session->closed) {
        session->closed = true;
        loop_disarm(session->options.loop, &session->timer);
        resolve_cancel(session->resolve);
        redis_socket_close(session->socket);
    }
    session->busy++;
    while (session->count > 0) {
        struct sent_command command = pop_command(session);
        if (command.reply)
            command.reply(command.ctx, NULL);
    }
    if (--session->busy == 0)
        free(session);
}
