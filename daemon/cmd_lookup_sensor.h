/* SPDX-License-Identifier: MIT */
/* A p0f that the lookup command asks, on one pipelined connection, which is opened again when it breaks. */
#ifndef CMD_LOOKUP_SENSOR_H
#define CMD_LOOKUP_SENSOR_H

#include "p0f/socket_file.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>

#define CMD_LOOKUP_DETAIL_SIZE (288 + SOCKET_FILE_REASON_SIZE)

struct cmd_lookup_sensor {
    const char *name; /* "" if it has none */
    const char *socket;
    enum p0f_dialect dialect;
    uint32_t pipeline;
    bool overdue; /* somebody's time was over, and nothing has been answered since. The caller's */
    char complaint[CMD_LOOKUP_DETAIL_SIZE]; /* the last one, which is not repeated. The caller's */

    /* Its own. */
    struct p0f_conn *conn;   /* or NULL */
    enum p0f_error unusable; /* with this, what is at the socket is not asked any more */
    enum p0f_dialect spoken; /* with P0F_WRONG_DIALECT */
};

/* As p0f_conn_ask(); connects first if need be. */
enum p0f_error cmd_lookup_sensor_ask(struct cmd_lookup_sensor *sensor, const struct p0f_addr *addr,
                                     p0f_answer_fn *answer, void *ctx);

void cmd_lookup_sensor_flush(struct cmd_lookup_sensor *sensor);
void cmd_lookup_sensor_receive(struct cmd_lookup_sensor *sensor);

/* Does not wait for outstanding answers, unless there can be no child to read them. */
void cmd_lookup_sensor_leave(struct cmd_lookup_sensor *sensor);

/* Why it has not answered, with its name; `cause` is the errno of that moment. */
void cmd_lookup_sensor_explain(const struct cmd_lookup_sensor *sensor, enum p0f_error error,
                               int cause, char detail[CMD_LOOKUP_DETAIL_SIZE]);

#endif
