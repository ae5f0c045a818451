/* SPDX-License-Identifier: MIT */
#include "http/request_timeout.h"

#include "http/clients.h"
#include "http/direct_answer.h"

#include <stdio.h>
#include <sys/socket.h>

/* Its time begins with its first byte: a connection may have been idle for long before. */
bool request_timeout_read(struct client *client)
{
    if (client->timed_out)
        return false;
    if (!client->request_begun && client->request.stage == STAGE_NONE) {
        client->request_begun = true;
        connections_await(client->service->connections, &client->entry);
    }
    return true;
}

/* The library closes the connection when it reads from it again, or after a second of silence. */
static void refuse_late_request(struct client *client)
{
    char detail[80];

    snprintf(detail, sizeof detail, "the rest of the request did not come within %u seconds",
             client->service->idle_timeout);
    direct_answer(&client->request, PROBLEM_REQUEST_TIMEOUT, detail);
    client->timed_out = true;
    MHD_set_connection_option(client->connection, MHD_CONNECTION_OPTION_TIMEOUT, 1);
}

/* Unless a request has come at the last moment. */
static void close_idle(struct client *client)
{
    char byte;

    if (recvfrom(client->entry.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT, NULL, NULL) <= 0)
        connections_end(client->service->connections, &client->entry);
}

void request_timeout_sweep(void)
{
    struct client *client = clients_first();
    uint32_t second = client ? connections_second(client->service->connections) : 0;

    for (; client; client = LIST_NEXT(client, link)) {
        bool late = connection_awaited_for(&client->entry, second) > client->service->idle_timeout;
        bool begun = client->request_begun || client->request.stage != STAGE_NONE;
        if (client->timed_out || client->handshake)
            continue;
        if (begun && late)
            refuse_late_request(client);
        else if (!begun && (late || client->service->closing_idle))
            close_idle(client);
    }
}
