/* SPDX-License-Identifier: MIT */
#include "p0f/pool_fault.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define P0F2_MAGIC 0x0defacedu
#define SIZES_SIZE 64
#define BEGIN_SIZE 48

/* ---- One connection's fault */

/* Of all dialects: "232, 234, 236, 243". */
static void list_sizes(char text[SIZES_SIZE])
{
    size_t length = 0;

    for (enum p0f_dialect d = P0F_DIALECT_P0F3; p0f_answer_size(d) > 0 && length < SIZES_SIZE; d++)
        length += (size_t)snprintf(text + length, SIZES_SIZE - length, "%s%zu",
                                   length > 0 ? ", " : "", p0f_answer_size(d));
}

/* How the answer begins: as text if it is text, else as the number that p0f would send there. */
static void quote_begin(const struct link_fault *fault, uint32_t magic, char text[BEGIN_SIZE])
{
    int printable = 0;

    while (printable < fault->rejected_length && isprint(fault->rejected[printable]))
        printable++;
    if (printable >= (int)sizeof magic)
        snprintf(text, BEGIN_SIZE, "\"%.*s\"", printable, (const char *)fault->rejected);
    else
        snprintf(text, BEGIN_SIZE, "0x%08x", magic);
}

static void describe_malformed(const struct link_fault *fault, char text[POOL_FAULT_SIZE])
{
    bool known = fault->dialect != P0F_DIALECT_AUTO;
    char begin[BEGIN_SIZE], sizes[SIZES_SIZE];
    uint32_t magic;

    memcpy(&magic, fault->rejected, sizeof magic);
    if (fault->rejected_length < sizeof magic) {
        snprintf(text, POOL_FAULT_SIZE, "%s", p0f_strerror(P0F_MALFORMED));
    } else if (magic != P0F_ANSWER_MAGIC) {
        quote_begin(fault, magic, begin);
        snprintf(text, POOL_FAULT_SIZE, "%s (answer begins %s)%s",
                 known ? p0f_strerror(P0F_MALFORMED) : "not p0f v3's API", begin,
                 magic == P0F2_MAGIC ? "; p0f 2?" : "");
    } else if (known) {
        snprintf(text, POOL_FAULT_SIZE, "%s (a wrong status, or an answer without a query)",
                 p0f_strerror(P0F_MALFORMED));
    } else {
        list_sizes(sizes);
        snprintf(text, POOL_FAULT_SIZE,
                 "an answer of none of %s bytes: a p0f build that is not supported", sizes);
    }
}

void pool_fault_describe(const struct link_fault *fault, char text[POOL_FAULT_SIZE])
{
    text[0] = '\0';
    switch (fault->error) {
    case P0F_OK:
        break;
    case P0F_UNREACHABLE:
    case P0F_SYSTEM:
        snprintf(text, POOL_FAULT_SIZE, "cannot connect: %s", strerrordesc_np(fault->cause));
        break;
    case P0F_WRONG_DIALECT:
        snprintf(text, POOL_FAULT_SIZE, "p0f's answers have %zu bytes (%s)",
                 p0f_answer_size(fault->dialect), p0f_dialect_name(fault->dialect));
        break;
    case P0F_MALFORMED:
        describe_malformed(fault, text);
        break;
    default:
        if (link_fault_is_foreign(fault))
            snprintf(text, POOL_FAULT_SIZE,
                     "connection closed without an answer: p0f has ended, or it is not p0f that "
                     "listens there");
        else
            snprintf(text, POOL_FAULT_SIZE, "%s", p0f_strerror(fault->error));
        break;
    }
}

/* ---- All connections */

static enum pool_fault fault_of(const struct link_status *link)
{
    if (link->silent)
        return POOL_FAULT_UNANSWERED;
    if (link_fault_is_foreign(&link->fault))
        return POOL_FAULT_FOREIGN;
    if (link->state == LINK_PROBING || link->fault.error == P0F_OK)
        return POOL_FAULT_CONNECTING;
    if (link->fault.error == P0F_UNREACHABLE || link->fault.error == P0F_SYSTEM)
        return POOL_FAULT_UNREACHABLE;
    return POOL_FAULT_LOST;
}

static void explain_foreign(const struct pool_status *status, const struct link_fault *fault,
                            char reason[POOL_FAULT_SIZE])
{
    char text[POOL_FAULT_SIZE];

    if (fault->error == P0F_WRONG_DIALECT) {
        snprintf(reason, POOL_FAULT_SIZE,
                 "%s: p0f.dialect is %s, but p0f's answers have %zu bytes (%s), not %zu",
                 status->socket, p0f_dialect_name(status->wanted), p0f_answer_size(fault->dialect),
                 p0f_dialect_name(fault->dialect), p0f_answer_size(status->wanted));
        return;
    }
    pool_fault_describe(fault, text);
    snprintf(reason, POOL_FAULT_SIZE, "%s: %.480s", status->socket, text);
}

/* Why p0f cannot be queried over this connection, nor over the others. */
static void explain(const struct pool_status *status, const struct link_status *link,
                    char reason[POOL_FAULT_SIZE])
{
    char text[POOL_FAULT_SIZE];

    switch (fault_of(link)) {
    case POOL_FAULT_UNREACHABLE:
        snprintf(reason, POOL_FAULT_SIZE, "%s: cannot connect to p0f: %s", status->socket,
                 status->unreachable);
        break;
    case POOL_FAULT_CONNECTING:
        snprintf(reason, POOL_FAULT_SIZE, "%s: connected, but p0f has not answered yet",
                 status->socket);
        break;
    case POOL_FAULT_UNANSWERED:
        snprintf(reason, POOL_FAULT_SIZE,
                 "%s: queries are never answered: another query format (p0f-ng, 3.03b), p0f "
                 "stopped, or its connection limit (-S) reached",
                 status->socket);
        break;
    case POOL_FAULT_FOREIGN:
        explain_foreign(status, &link->fault, reason);
        break;
    default:
        pool_fault_describe(&link->fault, text);
        snprintf(reason, POOL_FAULT_SIZE, "%s: connection to p0f lost: %.400s; reconnecting",
                 status->socket, text);
        break;
    }
}

enum pool_fault pool_fault_find(const struct pool_status *status, char reason[POOL_FAULT_SIZE])
{
    const struct link_status *telling = NULL;

    reason[0] = '\0';
    if (status->up)
        return POOL_FAULT_NONE;
    for (uint32_t i = 0; i < status->connections; i++) {
        const struct link_status *link = &status->links[i];
        if (link->state == LINK_READY) {
            snprintf(
                reason, POOL_FAULT_SIZE,
                "%s: p0f has not answered for %lld s, with %u %s outstanding: it is stopped, or "
                "too busy",
                status->socket, (long long)(status->overdue / 1000), status->outstanding,
                status->outstanding == 1 ? "query" : "queries");
            return POOL_FAULT_HUNG;
        }
        if (!telling || fault_of(link) > fault_of(telling))
            telling = link;
    }
    if (!telling)
        return POOL_FAULT_CONNECTING;
    explain(status, telling, reason);
    return fault_of(telling);
}

void pool_fault_dropped(const struct pool_status *status, const struct link_fault *fault,
                        char reason[POOL_FAULT_SIZE])
{
    char text[POOL_FAULT_SIZE];

    pool_fault_describe(fault, text);
    snprintf(reason, POOL_FAULT_SIZE, "%s: %.400s; dropping the connection", status->socket, text);
}

void pool_fault_unserved(const struct pool_status *status, char reason[POOL_FAULT_SIZE])
{
    unsigned ready = 0;

    for (uint32_t i = 0; i < status->connections; i++)
        ready += status->links[i].state == LINK_READY;
    snprintf(reason, POOL_FAULT_SIZE,
             "%s: p0f answers on %u of %u connections only: its connection limit (-S) is reached",
             status->socket, ready, status->connections);
}
