/* SPDX-License-Identifier: MIT */
#include "cmd_lookup_sensor.h"

#include <poll.h>
#include <stdio.h>

enum p0f_error cmd_lookup_sensor_ask(struct cmd_lookup_sensor *sensor, const struct p0f_addr *addr,
                                     p0f_answer_fn *answer, void *ctx)
{
    enum p0f_error error = sensor->unusable;

    if (error == P0F_OK && !sensor->conn)
        error = p0f_conn_open(sensor->socket, sensor->dialect, sensor->pipeline, &sensor->conn);
    return error == P0F_OK ? p0f_conn_ask(sensor->conn, addr, answer, ctx) : error;
}

void cmd_lookup_sensor_flush(struct cmd_lookup_sensor *sensor)
{
    if (sensor->conn)
        p0f_conn_flush(sensor->conn);
}

void cmd_lookup_sensor_leave(struct cmd_lookup_sensor *sensor)
{
    while (!p0f_conn_detach(sensor->conn)) {
        struct pollfd watched = {.fd = p0f_conn_fd(sensor->conn), .events = POLLIN};
        poll(&watched, 1, -1);
        p0f_conn_io(sensor->conn);
    }
    sensor->conn = NULL;
}

void cmd_lookup_sensor_receive(struct cmd_lookup_sensor *sensor)
{
    enum p0f_error error = sensor->conn ? p0f_conn_io(sensor->conn) : P0F_OK;

    if (error == P0F_OK)
        return;
    sensor->spoken = p0f_conn_dialect(sensor->conn);
    if (error == P0F_WRONG_DIALECT ||
        (error == P0F_MALFORMED && sensor->spoken == P0F_DIALECT_AUTO))
        sensor->unusable = error;
    cmd_lookup_sensor_leave(sensor);
}

void cmd_lookup_sensor_explain(const struct cmd_lookup_sensor *sensor, enum p0f_error error,
                               int cause, char detail[CMD_LOOKUP_DETAIL_SIZE])
{
    char reason[SOCKET_FILE_REASON_SIZE];
    int length = snprintf(detail, CMD_LOOKUP_DETAIL_SIZE, "%s%s%s: ", sensor->name,
                          sensor->name[0] ? ": " : "", sensor->socket);
    char *rest = detail + length;
    size_t room = CMD_LOOKUP_DETAIL_SIZE - (size_t)length;

    switch (error) {
    case P0F_UNREACHABLE:
    case P0F_SYSTEM:
        socket_file_explain(sensor->socket, cause, reason);
        snprintf(rest, room, "%s: %s", p0f_strerror(error), reason);
        break;
    case P0F_WRONG_DIALECT:
        snprintf(rest, room, "p0f.dialect is %s, but p0f answers in %s",
                 p0f_dialect_name(sensor->dialect), p0f_dialect_name(sensor->spoken));
        break;
    default:
        snprintf(rest, room, "%s", p0f_strerror(error));
    }
}
