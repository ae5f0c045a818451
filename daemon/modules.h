/* SPDX-License-Identifier: MIT */
/* The daemon's modules: built in their order, given their settings, and taken down. Everything that
 * answers requests, but no signals, listeners or notifications: server.c adds those. Tests build the
 * same daemon with a clock and a loop of their own. */
#ifndef MODULES_H
#define MODULES_H

#include "config/config.h"
#include "core/hash.h"
#include "core/loop.h"
#include "http/connections.h"
#include "http/lingering_close.h"
#include "http/server.h"
#include "lookup/lookup.h"
#include "lookup/recall.h"
#include "net/listener.h"
#include "net/networks.h"
#include "net/origins.h"
#include "net/proxy_gate.h"
#include "ops/descriptors.h"
#include "ops/readiness.h"
#include "ops/status.h"
#include "p0f/sensors.h"
#include "relay/relay.h"
#include "share/share.h"
#include "tls/current.h"

#include <stdbool.h>
#include <stdint.h>

struct modules_options {
    struct loop *loop;     /* borrowed until modules_tear_down() */
    boottime_fn *boottime; /* the loop has the monotonic clock */
    wall_fn *wall;
    struct hash_key key;
    int64_t started;     /* unix seconds, for display */
    const char *version; /* static */
    /* See struct sensors_options. May be NULL. */
    void (*p0f_told)(void *ctx, const char *fault);
    /* As in proxy_gate_new(), and with `ctx`. Needed only with http.proxy_protocol. */
    listener_accept_fn *passed, *tls_passed;
    void *ctx;
};

struct modules {
    struct recall *recall;
    struct sensors *sensors;
    struct share *share; /* NULL without share.server */
    struct lookup *lookup;
    struct readiness *readiness;
    struct status *status;
    struct client_header client_header; /* its name is that of the settings */
    struct networks *trusted;
    struct origins *cors;
    struct server_names *names;
    struct tokens *tokens; /* NULL without http.token_file */
    struct connections *connections;
    struct lingering_close *lingering;
    struct proxy_gate *gate, *tls_gate; /* NULL without http.proxy_protocol */
    struct tls_current *certificate;    /* NULL without http.tls_listen */
    struct descriptors descriptors;
    struct http_server *http;
    struct relay *relay; /* NULL: relay.listen is empty */
    const char *relay_listen;
};

#define MODULES_ERROR_SIZE 320

/* Builds all of them in *modules, which must not move, and borrows `config`, until modules_tear_down(), which
 * is needed even when this fails: false with the reason in `error`. Descriptors that are open now are taken
 * to stay open. Before the loop runs. */
bool modules_build(struct modules *modules, const struct config *config,
                   const struct modules_options *options, char error[MODULES_ERROR_SIZE])
    __attribute__((warn_unused_result));

/* Puts the settings of `config` in force that need no restart; where `fresh` has others that do, /status
 * shows that they wait for one. False when out of memory to show them: then they are in force, and
 * /status shows the old ones. In the loop's thread. */
bool modules_apply(struct modules *modules, const struct config *config, const struct config *fresh)
    __attribute__((warn_unused_result));

/* Puts other tokens in force; takes the reference over. NULL if there were none at the start, which they cannot
 * change. In the loop's thread. */
void modules_replace_tokens(struct modules *modules, struct tokens *tokens);

/* Gives another certificate to new connections; takes the reference over. No-op without http.tls_listen at the
 * start. In the loop's thread. */
void modules_replace_certificate(struct modules *modules, struct tls_certificate *certificate);

/* Connections that may wait for their PROXY header, with these settings. Pure. */
uint32_t modules_gated_max(const struct config *config);

/* Connections of the relay that are open; 0 without one. In the loop's thread. */
uint32_t modules_relay_connections(const struct modules *modules);

/* Stops the HTTP workers and frees everything but the loop, which must have ended. No-op on a zeroed
 * struct. To be kind to p0f, call sensors_retire() and wait for it first: this closes every connection. */
void modules_tear_down(struct modules *modules);

#endif
