/* SPDX-License-Identifier: MIT */
/* The commands with which a connection to a server begins, one after the other, and what the replies to them
 * mean. Pure. */
#ifndef SHARE_LOGIN_H
#define SHARE_LOGIN_H

#include "net/redis_url.h"
#include "share/share_status.h"

#include <hiredis.h>

enum login_step { LOGIN_BEGIN, LOGIN_AUTH, LOGIN_SELECT, LOGIN_PING, LOGIN_END };

/* The step that follows this one: AUTH if there is a password, SELECT if the database is not 0, PING. */
enum login_step login_next(const struct redis_url *url, enum login_step step);

struct login_command {
    int argc;
    const char *argv[3]; /* they point into the URL, and into `number` */
    size_t lengths[3];
    char number[12];
};

void login_command(const struct redis_url *url, enum login_step step,
                   struct login_command *command);

enum login_result {
    LOGIN_OK,
    LOGIN_WAIT,    /* the server is not ready: ask again on the same connection */
    LOGIN_REFUSED, /* it will not be without something being done about it */
};

/* Unless it is LOGIN_OK, `fault` says what is wrong and what to do. It has no password in it, even if the
 * server repeats what it was sent. */
enum login_result login_reply(enum login_step step, const redisReply *reply,
                              char fault[SHARE_FAULT_SIZE]);

/* What a server has said, as it may be shown: printable ASCII, at most `size` bytes with the NUL. */
void login_quote(const char *text, size_t length, char *quoted, size_t size);

#endif
