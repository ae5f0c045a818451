/* SPDX-License-Identifier: MIT */
/* The login to a server: its commands, one after the other, and the meaning of the replies. Pure. */
#ifndef SHARE_LOGIN_H
#define SHARE_LOGIN_H

#include "net/redis_url.h"
#include "share/share_status.h"

#include <hiredis.h>

enum login_step { LOGIN_BEGIN, LOGIN_AUTH, LOGIN_SELECT, LOGIN_PING, LOGIN_END };

/* The next step: AUTH if there is a password, SELECT if the database is not 0, PING. */
enum login_step login_next(const struct redis_url *url, enum login_step step);

struct login_command {
    int argc;
    const char *argv[3]; /* point into the URL and into `number` */
    size_t lengths[3];
    char number[12];
};

void login_command(const struct redis_url *url, enum login_step step,
                   struct login_command *command);

enum login_result {
    LOGIN_OK,
    LOGIN_WAIT,    /* the server is not ready: repeat the step on the same connection */
    LOGIN_REFUSED, /* somebody has to change something first */
};

/* Unless the result is LOGIN_OK, `fault` says what is wrong and what to do, never with the password, even if
 * the server echoes it. */
enum login_result login_reply(enum login_step step, const redisReply *reply,
                              char fault[SHARE_FAULT_SIZE]);

/* Copies a server's text for a message: printable ASCII only, at most `size` bytes with the NUL. */
void login_quote(const char *text, size_t length, char *quoted, size_t size);

#endif
