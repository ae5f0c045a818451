/* SPDX-License-Identifier: MIT */
#include "cmd_lookup.h"

#include "core/clock.h"
#include "json/render.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct timespec deadline_after(int64_t ms)
{
    struct mono at = mono_add_ms(clock_mono(), ms);

    return (struct timespec){.tv_sec = at.ns / 1000000000, .tv_nsec = at.ns % 1000000000};
}

static enum cmd_lookup_result print_host(const struct p0f_addr *addr, const struct p0f_host *host)
{
    size_t length;
    char *text = render_host(addr, host, RENDER_PARSED, &length);

    if (!text || fwrite(text, 1, length, stdout) != length || fflush(stdout) != 0) {
        fprintf(stderr, "p0f-lookupd: cannot print: %s\n", strerror(errno));
        free(text);
        return CMD_LOOKUP_ERROR;
    }
    free(text);
    return CMD_LOOKUP_FOUND;
}

static enum cmd_lookup_result ask_one(const struct config *config, const char *text)
{
    const struct timespec deadline = deadline_after(config->p0f.timeout);
    const enum p0f_dialect wanted = config->p0f.dialect;
    struct p0f_addr addr;
    struct p0f_host host;
    enum p0f_error error = p0f_addr_parse(text, strlen(text), &addr);

    if (error != P0F_OK) {
        fprintf(stderr, "p0f-lookupd: %.80s: %s\n", text, p0f_strerror(error));
        return CMD_LOOKUP_ERROR;
    }
    error = p0f_lookup(config->p0f.socket, &addr, &deadline, &host);
    if (error == P0F_OK && wanted != P0F_DIALECT_AUTO && host.dialect != wanted)
        error = P0F_WRONG_DIALECT;
    switch (error) {
    case P0F_OK:
        return print_host(&addr, &host);
    case P0F_NO_MATCH:
        fprintf(stderr, "p0f-lookupd: %s: %s\n", text, p0f_strerror(error));
        return CMD_LOOKUP_NO_MATCH;
    case P0F_UNREACHABLE:
    case P0F_SYSTEM:
        fprintf(stderr, "p0f-lookupd: %s: %s: %s: %s\n", text, config->p0f.socket,
                p0f_strerror(error), strerror(errno));
        return CMD_LOOKUP_ERROR;
    case P0F_WRONG_DIALECT:
        fprintf(stderr, "p0f-lookupd: %s: %s: p0f.dialect is %s, but p0f answers in %s\n", text,
                config->p0f.socket, p0f_dialect_name(wanted), p0f_dialect_name(host.dialect));
        return CMD_LOOKUP_ERROR;
    default:
        fprintf(stderr, "p0f-lookupd: %s: %s: %s\n", text, config->p0f.socket, p0f_strerror(error));
        return CMD_LOOKUP_ERROR;
    }
}

/* The signals that would terminate us: not those that are ignored, as with nohup(1). */
static void find_terminating(sigset_t *terminating)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
    struct sigaction action;

    sigemptyset(terminating);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(terminating, signals[i]);
}

static bool is_any_pending(const sigset_t *wanted)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigandset(&pending, &pending, wanted) == 0 &&
           !sigisemptyset(&pending);
}

enum cmd_lookup_result cmd_lookup(const struct config *config, char *const *addresses)
{
    enum cmd_lookup_result worst = CMD_LOOKUP_FOUND;
    sigset_t terminating, before;

    find_terminating(&terminating);
    sigprocmask(SIG_BLOCK, &terminating, &before);
    for (; *addresses && !is_any_pending(&terminating); addresses++) {
        enum cmd_lookup_result result = ask_one(config, *addresses);
        if (result > worst)
            worst = result;
    }
    /* p0f must be able to answer after we have exited. Without a child to read that, we wait. */
    if (!p0f_lookup_detach())
        p0f_lookup_drain(NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return worst;
}
