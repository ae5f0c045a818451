/* SPDX-License-Identifier: MIT */
/* A p0f that the lookup command queries, on one pipelined connection, which is reopened when it breaks. */
#ifndef CMD_LOOKUP_SENSOR_H
#define CMD_LOOKUP_SENSOR_H

#include "p0f/socket_file.h"
#include "p0fclient.h"

#include <stdbool.h>
#include <stdint.h>

#define CMD_LOOKUP_DETAIL_SIZE (288 + SOCKET_FILE_REASON_SIZE)

struct cmd_lookup_sensor {
    const char *name; /* "" for none */
    const char *socket;
    enum p0f_dialect dialect;
    uint32_t pipeline;
    bool overdue; /* a query has timed out, and nothing was answered since. The caller's */
    char complaint[CMD_LOOKUP_DETAIL_SIZE]; /* the last one printed. The caller's */

    /* Its own. */
    struct p0f_conn *conn;   /* or NULL */
    enum p0f_error unusable; /* P0F_OK, or why the socket is not used any more */
    enum p0f_dialect spoken; /* with P0F_WRONG_DIALECT: that of p0f */
};

/* See p0f_conn_ask(). Connects first if necessary. */
enum p0f_error cmd_lookup_sensor_ask(struct cmd_lookup_sensor *sensor, const struct p0f_addr *addr,
                                     p0f_answer_fn *answer, void *ctx);

void cmd_lookup_sensor_flush(struct cmd_lookup_sensor *sensor);
void cmd_lookup_sensor_receive(struct cmd_lookup_sensor *sensor);

/* Closes the connection. Waits for outstanding answers only if no child process can be started to read them. */
void cmd_lookup_sensor_leave(struct cmd_lookup_sensor *sensor);

/* Says why it has not answered, with its name; `cause` is the errno of the failure. */
void cmd_lookup_sensor_explain(const struct cmd_lookup_sensor *sensor, enum p0f_error error,
                               int cause, char detail[CMD_LOOKUP_DETAIL_SIZE]);

#endif
