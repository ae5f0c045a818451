/* SPDX-License-Identifier: MIT */
#include "net/proxy_gate.h"

#include "core/log.h"
#include "core/metrics.h"
#include "net/peer.h"
#include "net/proxy_protocol.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <unistd.h>

#define WAIT_MS 100
#define LOG_MS 60000 /* between two messages with the same reason */

/* Why a connection is closed. */
enum fault {
    FAULT_NONE,
    FAULT_MISSING,
    FAULT_MALFORMED,
    FAULT_TOO_LONG,
    FAULT_LATE,
    FAULT_FULL,
    FAULTS
};

static const struct {
    enum metric metric;
    const char *text;
} faults[FAULTS] = {
    [FAULT_MISSING] = {METRIC_HTTP_PROXY_MISSING,
                       "it does not begin with a PROXY header; make the proxy send one (HAProxy: "
                       "send-proxy, check-send-proxy; nginx: proxy_protocol on), or set "
                       "http.proxy_protocol = no"},
    [FAULT_MALFORMED] = {METRIC_HTTP_PROXY_MALFORMED, "its PROXY header is malformed"},
    [FAULT_TOO_LONG] = {METRIC_HTTP_PROXY_TOO_LONG,
                        "its PROXY header has more than 536 bytes, or 107 in version 1; make the "
                        "proxy send fewer TLVs"},
    [FAULT_LATE] = {METRIC_HTTP_PROXY_LATE, "no complete PROXY header came within 100 ms"},
    [FAULT_FULL] = {METRIC_HTTP_PROXY_FULL,
                    "1000 others are waiting for their PROXY headers, or memory is short"},
};

/* A connection that waits for its header. */
struct gated {
    struct proxy_gate *gate;
    LIST_ENTRY(gated) link;
    struct loop_fd watch;
    struct loop_timer deadline;
    bool watched;                 /* and the deadline armed; not when its header is there at once */
    struct sockaddr_storage peer; /* the proxy */
    socklen_t length;
    size_t size; /* of what has come of the header */
    uint8_t header[PROXY_HEADER_MAX];
};

struct proxy_gate {
    struct loop *loop;
    const struct networks *trusted;
    listener_accept_fn *passed;
    void *ctx;
    LIST_HEAD(, gated) waiting;
    uint32_t count;
    struct mono quiet_until[FAULTS]; /* not logged again before */
};

/* ---- Refusing */

static void log_refused(struct proxy_gate *gate, enum fault fault, const struct sockaddr *peer)
{
    struct mono now = loop_now(gate->loop);
    char from[NETWORKS_TEXT_SIZE];
    struct p0f_addr addr;
    bool has_addr = peer_addr(peer, &addr);

    if (mono_before(now, gate->quiet_until[fault]))
        return;
    gate->quiet_until[fault] = mono_add_ms(now, LOG_MS);
    if (has_addr)
        networks_describe(gate->trusted, &addr, from);
    log_warnx("http.proxy_protocol: closing a connection from %s%s%s: %s",
              has_addr ? "a trusted proxy (" : "a unix socket", has_addr ? from : "",
              has_addr ? ")" : "", faults[fault].text);
}

/* FAULT_NONE: the proxy has closed it without a word, as one that only looks whether we listen. */
static void refuse_gated(struct proxy_gate *gate, int fd, enum fault fault,
                         const struct sockaddr *peer)
{
    close(fd);
    if (fault == FAULT_NONE)
        return;
    metrics_count(faults[fault].metric);
    log_refused(gate, fault, peer);
}

/* ---- Reading */

enum progress { INCOMPLETE, COMPLETE, FAILED };

static enum fault header_fault(int parsed)
{
    switch (parsed) {
    case PROXY_HEADER_MISSING:
        return FAULT_MISSING;
    case PROXY_HEADER_TOO_LONG:
        return FAULT_TOO_LONG;
    default:
        return FAULT_MALFORMED;
    }
}

/* Reads what is there of the header and not a byte more: looks at it first. An incomplete header is read,
 * too, as the loop would never sleep while it can be. *fault is set when it has failed. */
static enum progress read_gated(struct gated *gated, struct proxy_header *header, enum fault *fault)
{
    uint8_t *end = gated->header + gated->size;
    ssize_t seen = recv(gated->watch.fd, end, PROXY_HEADER_MAX - gated->size, MSG_PEEK);

    if (seen < 0 && (errno == EAGAIN || errno == EINTR))
        return INCOMPLETE;
    if (seen <= 0) {
        *fault = gated->size > 0 ? FAULT_MALFORMED : FAULT_NONE;
        return FAILED;
    }
    int parsed = proxy_header_parse(gated->header, gated->size + (size_t)seen, header);
    size_t ours = parsed > 0 ? (size_t)parsed - gated->size : (size_t)seen;
    if (parsed < 0 || recv(gated->watch.fd, end, ours, 0) != (ssize_t)ours) {
        *fault = header_fault(parsed);
        return FAILED;
    }
    gated->size += ours;
    return parsed > 0 ? COMPLETE : INCOMPLETE;
}

/* ---- A connection on its way through the gate */

/* Frees it, and returns its descriptor. */
static int release_gated(struct gated *gated)
{
    struct proxy_gate *gate = gated->gate;
    int fd = gated->watch.fd;

    if (gated->watched)
        loop_unwatch(gate->loop, &gated->watch);
    loop_disarm(gate->loop, &gated->deadline);
    LIST_REMOVE(gated, link);
    gate->count--;
    free(gated);
    return fd;
}

static void pass_gated(struct gated *gated, const struct proxy_header *header)
{
    struct proxy_gate *gate = gated->gate;
    struct sockaddr_storage peer = gated->peer;
    socklen_t length = gated->length;

    if (header->client == PROXY_CLIENT_ADDR) {
        length = peer_name(&header->addr, &peer);
    } else if (header->client == PROXY_CLIENT_UNIX) {
        peer = (struct sockaddr_storage){.ss_family = AF_UNIX};
        length = sizeof(sa_family_t);
    }
    gate->passed(gate->ctx, release_gated(gated), (const struct sockaddr *)&peer, length);
}

static void fail_gated(struct gated *gated, enum fault fault)
{
    struct proxy_gate *gate = gated->gate;
    struct sockaddr_storage peer = gated->peer;

    refuse_gated(gate, release_gated(gated), fault, (const struct sockaddr *)&peer);
}

/* Reads on. An incomplete header fails with `unfinished`, unless that is FAULT_NONE. True while the
 * connection still waits. */
static bool advance_gated(struct gated *gated, enum fault unfinished)
{
    struct proxy_header header;
    enum fault fault = unfinished;
    enum progress progress = read_gated(gated, &header, &fault);

    if (progress == INCOMPLETE && unfinished == FAULT_NONE)
        return true;
    if (progress == COMPLETE)
        pass_gated(gated, &header);
    else
        fail_gated(gated, fault);
    return false;
}

static void on_gated(void *ctx, uint32_t events)
{
    (void)events;
    advance_gated(ctx, FAULT_NONE);
}

/* Whatever held the loop up, a header that is there by now is taken. */
static void on_deadline(void *ctx)
{
    advance_gated(ctx, FAULT_LATE);
}

static struct gated *enter_gate(struct proxy_gate *gate, int fd, const struct sockaddr *peer,
                                socklen_t length)
{
    struct gated *gated = calloc(1, sizeof *gated);

    if (!gated)
        return NULL;
    gated->gate = gate;
    gated->watch = (struct loop_fd){.fd = fd, .ready = on_gated, .ctx = gated};
    gated->deadline = (struct loop_timer){.fire = on_deadline, .ctx = gated};
    gated->length = length;
    memcpy(&gated->peer, peer, length);
    LIST_INSERT_HEAD(&gate->waiting, gated, link);
    gate->count++;
    return gated;
}

void proxy_gate_take(struct proxy_gate *gate, int fd, const struct sockaddr *peer, socklen_t length)
{
    bool full = gate->count >= PROXY_GATE_MAX;
    struct p0f_addr addr;

    if (peer_addr(peer, &addr) && !networks_contain(gate->trusted, &addr)) {
        gate->passed(gate->ctx, fd, peer, length);
        return;
    }
    struct gated *gated = enter_gate(gate, fd, peer, length);
    if (!gated) {
        refuse_gated(gate, fd, FAULT_FULL, peer);
        return;
    }
    if (!advance_gated(gated, full ? FAULT_FULL : FAULT_NONE))
        return;
    gated->watched = loop_watch(gate->loop, &gated->watch, EPOLLIN) == 0;
    if (gated->watched)
        loop_arm(gate->loop, &gated->deadline, mono_add_ms(loop_now(gate->loop), WAIT_MS));
    else
        fail_gated(gated, FAULT_FULL);
}

/* ---- All of them */

struct proxy_gate *proxy_gate_new(struct loop *loop, const struct networks *trusted,
                                  listener_accept_fn *passed, void *ctx)
{
    struct proxy_gate *gate = calloc(1, sizeof *gate);

    if (!gate)
        return NULL;
    gate->loop = loop;
    gate->trusted = trusted;
    gate->passed = passed;
    gate->ctx = ctx;
    LIST_INIT(&gate->waiting);
    return gate;
}

void proxy_gate_close(struct proxy_gate *gate)
{
    struct gated *gated, *next;

    for (gated = gate ? LIST_FIRST(&gate->waiting) : NULL; gated; gated = next) {
        next = LIST_NEXT(gated, link);
        close(release_gated(gated));
    }
}

void proxy_gate_free(struct proxy_gate *gate)
{
    proxy_gate_close(gate);
    free(gate);
}

uint32_t proxy_gate_count(const struct proxy_gate *gate)
{
    return gate ? gate->count : 0;
}
