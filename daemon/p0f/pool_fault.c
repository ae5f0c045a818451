/* SPDX-License-Identifier: MIT */
#include "p0f/pool_fault.h"

#include <stdio.h>
#include <string.h>

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
    default:
        snprintf(text, POOL_FAULT_SIZE, "%s", p0f_strerror(fault->error));
        break;
    }
}

/* Why p0f cannot be queried over this connection. */
static void explain(const struct pool_status *status, const struct link_status *link,
                    char reason[POOL_FAULT_SIZE])
{
    const struct link_fault *fault = &link->fault;

    if (link->silent)
        snprintf(reason, POOL_FAULT_SIZE,
                 "%s: p0f accepts connections but does not answer: its connection limit (-S) is "
                 "reached, or it is stopped",
                 status->socket);
    else if (fault->error == P0F_WRONG_DIALECT)
        snprintf(reason, POOL_FAULT_SIZE,
                 "%s: p0f.dialect is %s, but p0f's answers have %zu bytes (%s), not %zu",
                 status->socket, p0f_dialect_name(status->wanted), p0f_answer_size(fault->dialect),
                 p0f_dialect_name(fault->dialect), p0f_answer_size(status->wanted));
    else if (link->state == LINK_PROBING)
        snprintf(reason, POOL_FAULT_SIZE, "%s: connected, but p0f has not answered yet",
                 status->socket);
    else if (fault->error == P0F_UNREACHABLE || fault->error == P0F_SYSTEM)
        snprintf(reason, POOL_FAULT_SIZE, "%s: cannot connect to p0f: %s", status->socket,
                 strerrordesc_np(fault->cause));
    else
        snprintf(reason, POOL_FAULT_SIZE, "%s: connection to p0f lost: %s; reconnecting",
                 status->socket, p0f_strerror(fault->error));
}

/* The most informative fault is the one that is reported. */
static unsigned weight(const struct link_status *link)
{
    if (link->silent)
        return 4;
    if (link->fault.error == P0F_WRONG_DIALECT)
        return 3;
    if (link->state == LINK_PROBING)
        return 2;
    return 1;
}

bool pool_fault_find(const struct pool_status *status, char reason[POOL_FAULT_SIZE])
{
    const struct link_status *telling = NULL;

    reason[0] = '\0';
    for (uint32_t i = 0; i < status->connections; i++) {
        const struct link_status *link = &status->links[i];
        if (link->state == LINK_READY)
            return false;
        if (!telling || weight(link) > weight(telling))
            telling = link;
    }
    if (telling)
        explain(status, telling, reason);
    return true;
}
