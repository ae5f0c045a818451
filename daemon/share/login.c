/* SPDX-License-Identifier: MIT */
#include "share/login.h"

#include "core/span.h"

#include <stdio.h>
#include <string.h>

#define QUOTE_SIZE 96

static const char *const step_names[] = {
    [LOGIN_AUTH] = "AUTH", [LOGIN_SELECT] = "SELECT", [LOGIN_PING] = "PING"};

enum login_step login_next(const struct redis_url *url, enum login_step step)
{
    do
        step++;
    while ((step == LOGIN_AUTH && !url->password[0]) || (step == LOGIN_SELECT && !url->database));
    return step;
}

static void add_argument(struct login_command *command, const char *text)
{
    command->argv[command->argc] = text;
    command->lengths[command->argc++] = strlen(text);
}

void login_command(const struct redis_url *url, enum login_step step, struct login_command *command)
{
    *command = (struct login_command){0};
    add_argument(command, step_names[step]);
    if (step == LOGIN_AUTH && url->user[0])
        add_argument(command, url->user);
    if (step == LOGIN_AUTH)
        add_argument(command, url->password);
    snprintf(command->number, sizeof command->number, "%u", url->database);
    if (step == LOGIN_SELECT)
        add_argument(command, command->number);
}

void login_quote(const char *text, size_t length, char *quoted, size_t size)
{
    size_t count = length < size ? length : size - 1;

    memcpy(quoted, text, count);
    for (size_t i = 0; i < count; i++)
        if (quoted[i] < ' ' || quoted[i] > '~')
            quoted[i] = '?';
    quoted[count] = '\0';
}

/* Whether the error has this code: the word in capitals with which it begins. */
static bool has_code(struct span text, const char *code)
{
    return span_skip(&text, code) && (text.length == 0 || text.at[0] == ' ');
}

static enum login_result not_ready(struct span text, char fault[SHARE_FAULT_SIZE])
{
    if (has_code(text, "LOADING"))
        snprintf(fault, SHARE_FAULT_SIZE, "loading its data");
    else if (has_code(text, "MASTERDOWN"))
        snprintf(fault, SHARE_FAULT_SIZE,
                 "a replica that has lost its master and refuses reads (MASTERDOWN)");
    else if (has_code(text, "BUSY"))
        snprintf(fault, SHARE_FAULT_SIZE, "busy running a script (BUSY)");
    else if (has_code(text, "CLUSTERDOWN"))
        snprintf(fault, SHARE_FAULT_SIZE, "its cluster is down (CLUSTERDOWN)");
    else
        return LOGIN_REFUSED;
    return LOGIN_WAIT;
}

/* Never the server's own text: a server that does not know AUTH echoes its arguments. */
static void say_auth_refused(struct span text, char fault[SHARE_FAULT_SIZE])
{
    if (has_code(text, "WRONGPASS"))
        snprintf(fault, SHARE_FAULT_SIZE, "wrong user or password (WRONGPASS): check share.server");
    else
        snprintf(fault, SHARE_FAULT_SIZE,
                 "AUTH refused: check user and password in share.server and on the server");
}

static void say_refused(enum login_step step, struct span text, char fault[SHARE_FAULT_SIZE])
{
    const char *name = step_names[step];
    char quoted[QUOTE_SIZE];

    login_quote(text.at, text.length, quoted, sizeof quoted);
    if (has_code(text, "NOAUTH"))
        snprintf(fault, SHARE_FAULT_SIZE,
                 "a password is required (NOAUTH): set it in share.server");
    else if (has_code(text, "NOPERM"))
        snprintf(fault, SHARE_FAULT_SIZE,
                 "the user of share.server may not run %s (NOPERM): change its ACL", name);
    else if (has_code(text, "DENIED"))
        snprintf(fault, SHARE_FAULT_SIZE,
                 "protected mode refuses other hosts (DENIED): set a password on the server");
    else if (span_skip(&text, "ERR max number of clients"))
        snprintf(fault, SHARE_FAULT_SIZE, "too many clients; raise maxclients on the server");
    else if (step == LOGIN_AUTH)
        say_auth_refused(text, fault);
    else if (step == LOGIN_SELECT)
        snprintf(fault, SHARE_FAULT_SIZE, "cannot select the database of share.server: %s", quoted);
    else
        snprintf(fault, SHARE_FAULT_SIZE, "%s refused: %s", name, quoted);
}

enum login_result login_reply(enum login_step step, const redisReply *reply,
                              char fault[SHARE_FAULT_SIZE])
{
    if (reply->type == REDIS_REPLY_STATUS)
        return LOGIN_OK;
    if (reply->type != REDIS_REPLY_ERROR) {
        snprintf(fault, SHARE_FAULT_SIZE, "not a Valkey or Redis server: unexpected reply to %s",
                 step_names[step]);
        return LOGIN_REFUSED;
    }
    struct span text = {reply->str, reply->len};
    enum login_result result = not_ready(text, fault);
    if (result == LOGIN_REFUSED)
        say_refused(step, text, fault);
    return result;
}
