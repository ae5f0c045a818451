/* SPDX-License-Identifier: MIT */
/* A window of addresses is asked on one pipelined connection, and printed from its front. */
#include "cmd_lookup.h"

#include "cmd_lookup_input.h"
#include "core/clock.h"
#include "http/lookup_problem.h"
#include "net/address_fault.h"
#include "p0f/socket_file.h"
#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define DETAIL_SIZE (160 + SOCKET_FILE_REASON_SIZE)

enum item_state { ITEM_WAITING, ITEM_ASKED, ITEM_SETTLED };

struct item {
    STAILQ_ENTRY(item) link;
    struct command *command;
    enum item_state state;
    bool repeated;  /* asked on a second connection */
    bool abandoned; /* its time is over; it is freed when its answer comes */
    struct mono deadline;
    struct p0f_addr addr;
    enum p0f_error error;
    struct p0f_host host;
    char detail[DETAIL_SIZE];
    char text[];
};

struct command {
    const struct config *config;
    enum cmd_lookup_format format;
    struct cmd_lookup_input input;
    STAILQ_HEAD(items, item) window; /* in the order of the addresses */
    unsigned count;                  /* of them */
    bool any;                        /* addresses at all */
    struct p0f_conn *conn;           /* or NULL */
    enum p0f_error unusable;         /* with this, what is at the socket is not asked any more */
    enum p0f_dialect spoken;         /* with P0F_WRONG_DIALECT */
    int signal_fd;
    bool stopped; /* by a signal, or because nothing more can be printed */
    enum cmd_lookup_result worst;
    char complaint[DETAIL_SIZE]; /* the last about p0f, which is not repeated for each address */
};

/* ---- Results */

static void describe_error(struct item *item, int cause)
{
    const struct command *command = item->command;
    const char *socket = command->config->p0f.socket;
    char reason[SOCKET_FILE_REASON_SIZE];

    switch (item->error) {
    case P0F_NO_MATCH:
        problem_of_lookup(LOOKUP_NO_MATCH, &item->addr, item->detail);
        break;
    case P0F_UNREACHABLE:
    case P0F_SYSTEM:
        socket_file_explain(socket, cause, reason);
        snprintf(item->detail, DETAIL_SIZE, "%s: %s: %s", socket, p0f_strerror(item->error),
                 reason);
        break;
    case P0F_WRONG_DIALECT:
        snprintf(item->detail, DETAIL_SIZE, "%s: p0f.dialect is %s, but p0f answers in %s", socket,
                 p0f_dialect_name(command->config->p0f.dialect), p0f_dialect_name(command->spoken));
        break;
    default:
        if (item->error >= P0F_ADDR_EMPTY)
            address_fault(item->text, strlen(item->text), item->detail);
        else
            snprintf(item->detail, DETAIL_SIZE, "%s: %s", socket, p0f_strerror(item->error));
    }
}

static void settle_item(struct item *item, enum p0f_error error)
{
    int cause = errno;

    item->state = ITEM_SETTLED;
    item->error = error;
    if (error != P0F_OK)
        describe_error(item, cause);
}

/* The failure of a connection says nothing about those whose answers are lost with it: they are asked
 * again, once. */
static void on_lookup_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct item *item = ctx;
    struct command *command = item->command;

    if (item->abandoned) {
        free(item);
        return;
    }
    if ((error == P0F_LOST || error == P0F_DISCONNECTED) && !item->repeated) {
        item->repeated = true;
        item->state = ITEM_WAITING;
        return;
    }
    if (error == P0F_OK) {
        item->host = *host;
        if (command->format != CMD_LOOKUP_RAW)
            error = p0f_host_check(host);
    }
    if (error == P0F_WRONG_DIALECT)
        command->spoken = p0f_conn_dialect(command->conn);
    settle_item(item, error);
}

/* ---- Asking */

static void take_address(struct command *command, const char *text)
{
    size_t size = strlen(text) + 1;
    struct item *item = calloc(1, sizeof *item + size);

    command->any = true;
    if (!item) {
        fprintf(stderr, "p0f-lookupd: out of memory\n");
        command->worst = CMD_LOOKUP_ERROR;
        command->stopped = true;
        return;
    }
    memcpy(item->text, text, size);
    item->command = command;
    item->deadline = mono_add_ms(clock_mono(), command->config->p0f.timeout);
    enum p0f_error error = p0f_addr_parse(text, size - 1, &item->addr);
    if (error != P0F_OK)
        settle_item(item, error);
    STAILQ_INSERT_TAIL(&command->window, item, link);
    command->count++;
}

static void fill_window(struct command *command)
{
    const char *text;

    while (command->count < command->config->p0f.pipeline && !command->stopped &&
           (text = cmd_lookup_input_next(&command->input)))
        take_address(command, text);
}

static enum p0f_error ask_item(struct command *command, struct item *item)
{
    const struct config *config = command->config;
    enum p0f_error error = command->unusable;

    if (error == P0F_OK && !command->conn)
        error = p0f_conn_open(config->p0f.socket, config->p0f.dialect, config->p0f.pipeline,
                              &command->conn);
    if (error == P0F_OK)
        error = p0f_conn_ask(command->conn, &item->addr, on_lookup_answer, item);
    return error;
}

/* While p0f stalls, those whose time is over still fill the pipeline, and the next have to wait. */
static void ask_window(struct command *command)
{
    struct item *item;

    STAILQ_FOREACH(item, &command->window, link) {
        if (item->state != ITEM_WAITING)
            continue;
        enum p0f_error error = ask_item(command, item);
        if (error == P0F_FULL)
            break;
        if (error == P0F_OK)
            item->state = ITEM_ASKED;
        else
            settle_item(item, error);
    }
    if (command->conn)
        p0f_conn_flush(command->conn);
}

/* Does not wait for outstanding answers, unless there can be no child to read them. */
static void leave_connection(struct command *command)
{
    while (!p0f_conn_detach(command->conn)) {
        struct pollfd watched = {.fd = p0f_conn_fd(command->conn), .events = POLLIN};
        poll(&watched, 1, -1);
        p0f_conn_io(command->conn);
    }
    command->conn = NULL;
}

static void receive_answers(struct command *command)
{
    enum p0f_error error = command->conn ? p0f_conn_io(command->conn) : P0F_OK;

    if (error == P0F_OK)
        return;
    bool understood = p0f_conn_dialect(command->conn) != P0F_DIALECT_AUTO;
    if (error == P0F_WRONG_DIALECT || (error == P0F_MALFORMED && !understood))
        command->unusable = error;
    leave_connection(command);
}

/* ---- Printing */

/* Waits until the line can be written without blocking, or a signal comes: with a pager that does not read,
 * Ctrl-C has to work. */
static bool can_print(struct command *command)
{
    struct pollfd watched[2] = {
        {.fd = STDOUT_FILENO, .events = POLLOUT},
        {.fd = command->signal_fd, .events = POLLIN},
    };

    while (poll(watched, 2, -1) < 0 && errno == EINTR)
        ;
    if (watched[1].revents != 0)
        command->stopped = true;
    return !command->stopped;
}

static bool print_line(struct command *command, const char *line, size_t length)
{
    while (length > 0 && can_print(command)) {
        ssize_t put = write(STDOUT_FILENO, line, length);
        if (put < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (put < 0)
            return false;
        line += put;
        length -= (size_t)put;
    }
    return true;
}

static void complain(struct command *command, const struct item *item)
{
    bool about_p0f = item->error < P0F_ADDR_EMPTY;

    if (command->format == CMD_LOOKUP_TEXT ||
        (about_p0f && strcmp(command->complaint, item->detail) == 0))
        return;
    fprintf(stderr, "p0f-lookupd: %.80s: %s\n", item->text, item->detail);
    if (about_p0f)
        strcpy(command->complaint, item->detail);
}

static void print_item(struct command *command, const struct item *item)
{
    const struct cmd_lookup_finding finding = {
        .query = item->text,
        .addr = item->addr,
        .error = item->error,
        .detail = item->detail,
        .host = item->error == P0F_OK ? &item->host : NULL,
    };
    enum cmd_lookup_result result = item->error == P0F_OK         ? CMD_LOOKUP_FOUND
                                    : item->error == P0F_NO_MATCH ? CMD_LOOKUP_NO_MATCH
                                                                  : CMD_LOOKUP_ERROR;
    size_t length = 0;
    char *line = cmd_lookup_line(&finding, command->format, &length);

    if (result == CMD_LOOKUP_ERROR)
        complain(command, item);
    if (!line || !print_line(command, line, length)) {
        fprintf(stderr, "p0f-lookupd: cannot print: %s\n", strerror(errno));
        command->stopped = true;
        result = CMD_LOOKUP_ERROR;
    }
    free(line);
    if (result > command->worst)
        command->worst = result;
}

/* Takes the first address off the window. */
static void drop_first(struct command *command)
{
    struct item *item = STAILQ_FIRST(&command->window);

    STAILQ_REMOVE_HEAD(&command->window, link);
    command->count--;
    if (item->state == ITEM_ASKED || item->abandoned)
        item->abandoned = true;
    else
        free(item);
}

/* Those at the front that are settled, or whose time is over. Returns whether there were any. */
static bool print_front(struct command *command)
{
    struct item *item;
    bool any = false;

    while (!command->stopped && (item = STAILQ_FIRST(&command->window))) {
        if (item->state != ITEM_SETTLED) {
            if (mono_before(clock_mono(), item->deadline))
                break;
            item->abandoned = item->state == ITEM_ASKED;
            settle_item(item, P0F_TIMEOUT);
        }
        print_item(command, item);
        drop_first(command);
        any = true;
    }
    return any;
}

/* ---- The command */

/* Until p0f answers, an address comes, a signal comes, or the time of the first is over. */
static void wait_for_any(struct command *command)
{
    const struct item *first = STAILQ_FIRST(&command->window);
    bool room = command->count < command->config->p0f.pipeline;
    struct pollfd watched[3] = {
        {.fd = command->signal_fd, .events = POLLIN},
        {.fd = command->conn ? p0f_conn_fd(command->conn) : -1, .events = POLLIN},
        {.fd = room && cmd_lookup_input_wants_read(&command->input) ? STDIN_FILENO : -1,
         .events = POLLIN},
    };
    int64_t left = first ? mono_ms_between(clock_mono(), first->deadline) : 0;
    int timeout = !first ? -1 : left < 0 ? 0 : (int)left + 1; /* p0f.timeout is a day at most */

    if (command->conn && p0f_conn_wants_write(command->conn))
        watched[1].events |= POLLOUT;
    if (poll(watched, 3, timeout) < 0)
        return;
    if (watched[0].revents != 0)
        command->stopped = true;
    if (watched[2].revents != 0 && !cmd_lookup_input_read(&command->input)) {
        fprintf(stderr, "p0f-lookupd: cannot read standard input: %s\n", strerror(errno));
        command->worst = CMD_LOOKUP_ERROR;
        command->stopped = true;
    }
}

static void look_up_all(struct command *command)
{
    while (!command->stopped) {
        fill_window(command);
        ask_window(command);
        if (print_front(command))
            continue;
        if (command->count == 0 && !cmd_lookup_input_wants_read(&command->input))
            break;
        wait_for_any(command);
        receive_answers(command);
    }
    while (command->count > 0)
        drop_first(command);
    leave_connection(command);
}

/* The signals that would terminate us: not those that are ignored, as with nohup(1). */
static void find_terminating(sigset_t *terminating)
{
    const sigset_t ending = signals_ending();
    struct sigaction action;

    sigemptyset(terminating);
    for (int number = 1; number < NSIG; number++)
        if (sigismember(&ending, number) == 1 && sigaction(number, NULL, &action) == 0 &&
            action.sa_handler != SIG_IGN)
            sigaddset(terminating, number);
}

enum cmd_lookup_result cmd_lookup(const struct config *config, char *const *addresses,
                                  enum cmd_lookup_format format)
{
    struct command command = {
        .config = config, .format = format, .window = STAILQ_HEAD_INITIALIZER(command.window)};
    sigset_t terminating, before;

    find_terminating(&terminating);
    command.signal_fd = signalfd(-1, &terminating, SFD_CLOEXEC | SFD_NONBLOCK);
    if (command.signal_fd < 0) {
        fprintf(stderr, "p0f-lookupd: signalfd: %s\n", strerror(errno));
        return CMD_LOOKUP_ERROR;
    }
    sigprocmask(SIG_BLOCK, &terminating, &before);
    cmd_lookup_input_init(&command.input, addresses);
    if (*addresses || !isatty(STDIN_FILENO))
        look_up_all(&command);
    close(command.signal_fd);
    sigprocmask(SIG_SETMASK, &before, NULL); /* a signal that has come ends us here */
    if (!command.any && command.worst == CMD_LOOKUP_FOUND) {
        fprintf(stderr, "p0f-lookupd: lookup: expected an address\n");
        return CMD_LOOKUP_ERROR;
    }
    return command.worst;
}
