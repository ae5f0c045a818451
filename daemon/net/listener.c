/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include "core/log.h"
#include "net/listen_address.h"
#include "net/listen_resolve.h"
#include "net/listen_socket.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/un.h>
#include <unistd.h>

#define ACCEPT_AT_ONCE 64   /* before the loop does other work */
#define ACCEPT_AT_LAST 4096 /* the longest queue, by default (net.core.somaxconn) */
#define PAUSE_MS 100        /* when out of descriptors, for some to be closed */
#define LOG_MS 60000        /* between two messages about that */

struct listener {
    STAILQ_ENTRY(listener) entry;
    struct listeners *all;
    struct loop_fd watch; /* fd -1: not open */
    bool watched;
    bool inherited;
    struct sockaddr_storage name;
    socklen_t length;
    char text[NI_MAXHOST + NI_MAXSERV + 4];
};

struct listeners {
    STAILQ_HEAD(, listener) list;
    struct listeners_options options;
    bool literals_only; /* names are not resolved, but left out */
    struct loop *loop;
    struct loop_timer pause;
    struct mono quiet_until; /* no pause is logged before */
    listener_accept_fn *accepted;
    void *ctx;
};

/* ---- Parsing and resolving */

static bool is_listed(const struct listeners *all, const struct sockaddr *name, socklen_t length)
{
    const struct listener *l;

    STAILQ_FOREACH(l, &all->list, entry)
        if (l->length == length && memcmp(&l->name, name, length) == 0)
            return true;
    return false;
}

/* Adds an address once, however often names and the setting repeat it. */
static bool add_listener(struct listeners *all, const struct sockaddr *name, socklen_t length,
                         const char *text)
{
    struct listener *listener;

    if (is_listed(all, name, length))
        return true;
    listener = calloc(1, sizeof *listener);
    if (!listener)
        return false;
    listener->all = all;
    listener->watch.fd = -1;
    memcpy(&listener->name, name, length);
    listener->length = length;
    snprintf(listener->text, sizeof listener->text, "%s", text);
    STAILQ_INSERT_TAIL(&all->list, listener, entry);
    return true;
}

static bool add_unix(struct listeners *all, const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char text[sizeof name.sun_path + sizeof "unix:"];

    /* listen_address_parse() has checked that it fits. */
    memcpy(name.sun_path, path, strnlen(path, sizeof name.sun_path - 1));
    snprintf(text, sizeof text, "unix:%.*s", (int)sizeof name.sun_path - 1, path);
    return add_listener(all, (const struct sockaddr *)&name, sizeof name, text);
}

static bool add_resolved(struct listeners *all, const char *text, const struct addrinfo *found,
                         char error[LISTENERS_ERROR_SIZE])
{
    for (; found; found = found->ai_next) {
        if (!all->options.beyond_loopback && !listen_resolve_is_loopback(found->ai_addr)) {
            snprintf(error, LISTENERS_ERROR_SIZE,
                     "%.80s is reachable from other hosts and there is no token; set "
                     "http.token_file, or http.allow_unauthenticated = yes, or listen on a "
                     "loopback address or a unix socket",
                     text);
            errno = EINVAL;
            return false;
        }
        if (!add_listener(all, found->ai_addr, found->ai_addrlen, text))
            return false;
    }
    return true;
}

static bool add_inet(struct listeners *all, const struct listen_address *address,
                     char error[LISTENERS_ERROR_SIZE])
{
    char text[LISTEN_RESOLVE_TEXT_SIZE];
    struct addrinfo *found;

    if (!listen_resolve(address, all->literals_only, &found, error, LISTENERS_ERROR_SIZE))
        return false;
    listen_resolve_text(address, text);
    bool good = add_resolved(all, text, found, error);
    if (found)
        freeaddrinfo(found);
    return good;
}

static bool parse_each(struct listeners *all, struct span list, char error[LISTENERS_ERROR_SIZE])
{
    struct listen_address address;
    char why[LISTEN_ADDRESS_ERROR_SIZE];
    struct span item;

    while (span_next_item(&list, &item)) {
        if (!listen_address_parse(item, &address, why)) {
            snprintf(error, LISTENERS_ERROR_SIZE, "expected " LISTEN_ADDRESS_EXPECTED " (%s)", why);
            errno = EINVAL;
            return false;
        }
        if (address.is_unix ? !add_unix(all, address.host) : !add_inet(all, &address, error))
            return false;
    }
    return true;
}

static struct listeners *parse_all(const struct listeners_options *options, bool literals_only,
                                   char error[LISTENERS_ERROR_SIZE])
{
    struct listeners *all = calloc(1, sizeof *all);

    snprintf(error, LISTENERS_ERROR_SIZE, "out of memory");
    if (!all)
        return NULL;
    all->options = *options;
    all->literals_only = literals_only;
    STAILQ_INIT(&all->list);
    if (parse_each(all, span_of(options->addresses), error))
        return all;
    int problem = errno;
    listeners_free(all);
    errno = problem;
    return NULL;
}

struct listeners *listeners_parse(const struct listeners_options *options,
                                  char error[LISTENERS_ERROR_SIZE])
{
    return parse_all(options, false, error);
}

bool listeners_check(const struct listeners_options *options, char error[LISTENERS_ERROR_SIZE])
{
    struct listeners *all = parse_all(options, true, error);

    listeners_free(all);
    return all != NULL;
}

/* ---- Opening */

/* With the port that the kernel chose, for port 0. */
static void log_listening(const struct listener *listener)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    char port[NI_MAXSERV];

    if (listener->name.ss_family == AF_UNIX ||
        getsockname(listener->watch.fd, (struct sockaddr *)&name, &length) != 0 ||
        getnameinfo((struct sockaddr *)&name, length, NULL, 0, port, sizeof port, NI_NUMERICSERV) !=
            0) {
        log_info("%slistening on %s%s", listener->all->options.server, listener->text,
                 listener->inherited ? " (socket unit)" : "");
        return;
    }
    log_info("%slistening on %.*s%s%s", listener->all->options.server,
             (int)(strrchr(listener->text, ':') - listener->text + 1), listener->text, port,
             listener->inherited ? " (socket unit)" : "");
}

/* Whether the same name has another address, which is open or still to be opened. */
static bool has_another(const struct listener *listener)
{
    bool behind = false;
    const struct listener *l;

    STAILQ_FOREACH(l, &listener->all->list, entry) {
        if (l == listener)
            behind = true;
        else if ((behind || l->watch.fd >= 0) && strcmp(l->text, listener->text) == 0)
            return true;
    }
    return false;
}

/* localhost often resolves to ::1 even where IPv6 is disabled. */
static bool can_do_without(const struct listener *listener, int problem)
{
    if ((problem != EADDRNOTAVAIL && problem != EAFNOSUPPORT) || !has_another(listener))
        return false;
    errno = problem;
    log_warn("%s: skipping one of the addresses of %s", listener->all->options.setting,
             listener->text);
    return true;
}

static int open_listener(struct listener *listener)
{
    const struct listeners_options *options = &listener->all->options;
    const struct sockaddr *name = (const struct sockaddr *)&listener->name;
    int fd = options->inherited ? inherited_sockets_find(options->inherited, name) : -1;

    listener->inherited = fd >= 0;
    return fd >= 0 ? fd : listen_socket_open(name, listener->length, options->access);
}

bool listeners_open(struct listeners *listeners, char error[LISTENERS_ERROR_SIZE])
{
    struct listener *l;

    STAILQ_FOREACH(l, &listeners->list, entry) {
        char reason[128];

        l->watch.fd = open_listener(l);
        if (l->watch.fd >= 0) {
            log_listening(l);
        } else if (!can_do_without(l, errno)) {
            bool lasting = listen_socket_explain((const struct sockaddr *)&l->name, errno, reason,
                                                 sizeof reason);
            snprintf(error, LISTENERS_ERROR_SIZE, "%.120s: %s", l->text, reason);
            listeners_stop(listeners);
            errno = lasting ? EINVAL : EAGAIN;
            return false;
        }
    }
    return true;
}

/* ---- Accepting */

static void watch_all(struct listeners *all, bool on)
{
    struct listener *l;

    STAILQ_FOREACH(l, &all->list, entry) {
        if (l->watched == on || l->watch.fd < 0)
            continue;
        if (!on)
            loop_unwatch(all->loop, &l->watch);
        else if (loop_watch(all->loop, &l->watch, EPOLLIN) != 0)
            continue;
        l->watched = on;
    }
}

static void on_accept_again(void *ctx)
{
    watch_all(ctx, true);
}

/* Idle clients of the relay may keep all descriptors for ever, so not every pause is logged. Expects errno. */
static void pause_accepting(struct listeners *all)
{
    struct mono now = loop_now(all->loop);

    if (!mono_before(now, all->quiet_until)) {
        log_warn("cannot accept connections; trying again in %d ms", PAUSE_MS);
        all->quiet_until = mono_add_ms(now, LOG_MS);
    }
    watch_all(all, false);
    loop_arm(all->loop, &all->pause, mono_add_ms(now, PAUSE_MS));
}

static void accept_up_to(struct listener *listener, int count)
{
    struct listeners *all = listener->all;

    for (int i = 0; i < count; i++) {
        struct sockaddr_storage peer;
        socklen_t length = sizeof peer;
        int fd = accept4(listener->watch.fd, (struct sockaddr *)&peer, &length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            all->accepted(all->ctx, fd, (const struct sockaddr *)&peer, length);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(all);
            return;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } /* else the client has gone: try the next */
    }
}

static void accept_some(void *ctx, uint32_t events)
{
    (void)events;
    accept_up_to(ctx, ACCEPT_AT_ONCE);
}

bool listeners_start(struct listeners *listeners, struct loop *loop, listener_accept_fn *accepted,
                     void *ctx)
{
    struct listener *l;

    listeners->loop = loop;
    listeners->accepted = accepted;
    listeners->ctx = ctx;
    listeners->pause = (struct loop_timer){.fire = on_accept_again, .ctx = listeners};
    STAILQ_FOREACH(l, &listeners->list, entry) {
        l->watch.ready = accept_some;
        l->watch.ctx = l;
    }
    watch_all(listeners, true);
    STAILQ_FOREACH(l, &listeners->list, entry)
        if (!l->watched && l->watch.fd >= 0)
            return false;
    return true;
}

/* ---- Closing */

/* Of an inherited socket, the next daemon gets what waits there, and the node at its path. */
static void close_listener(struct listener *listener, int accepted_before)
{
    if (listener->watch.fd < 0)
        return;
    if (!listener->inherited) {
        if (listener->name.ss_family == AF_UNIX)
            unlink(((const struct sockaddr_un *)&listener->name)->sun_path);
        listen_socket_seal(listener->watch.fd);
        accept_up_to(listener, accepted_before);
    }
    if (listener->watched)
        loop_unwatch(listener->all->loop, &listener->watch);
    listener->watched = false;
    close(listener->watch.fd);
    listener->watch.fd = -1;
}

void listeners_seal(struct listeners *listeners)
{
    struct listener *l;

    STAILQ_FOREACH(l, &listeners->list, entry) {
        if (l->name.ss_family == AF_UNIX || l->inherited)
            close_listener(l, ACCEPT_AT_LAST);
        else if (l->watch.fd >= 0)
            listen_socket_seal(l->watch.fd);
    }
}

static void close_each(struct listeners *listeners, int accepted_before)
{
    struct listener *l;

    STAILQ_FOREACH(l, &listeners->list, entry)
        close_listener(l, accepted_before);
    if (listeners->loop)
        loop_disarm(listeners->loop, &listeners->pause);
}

void listeners_stop(struct listeners *listeners)
{
    close_each(listeners, listeners->loop ? ACCEPT_AT_LAST : 0);
}

void listeners_free(struct listeners *listeners)
{
    struct listener *l;

    if (!listeners)
        return;
    close_each(listeners, 0);
    while ((l = STAILQ_FIRST(&listeners->list))) {
        STAILQ_REMOVE_HEAD(&listeners->list, entry);
        free(l);
    }
    free(listeners);
}
