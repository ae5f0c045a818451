/* SPDX-License-Identifier: MIT */
/* Each sensor is queried about a window of addresses on one pipelined connection; results are printed in order. */
#include "cmd_lookup.h"

#include "cmd_lookup_input.h"
#include "cmd_lookup_item.h"
#include "cmd_lookup_sensor.h"
#include "config/config_sensors.h"
#include "core/clock.h"
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

struct command {
    const struct config *config;
    enum cmd_lookup_format format;
    struct cmd_lookup_input input;
    struct cmd_lookup_sensor *sensors;
    unsigned sensor_count;
    STAILQ_HEAD(items, cmd_lookup_item) window; /* in the order of the addresses */
    unsigned count;                             /* of them */
    bool any;                                   /* addresses at all */
    int signal_fd;
    bool stopped; /* by a signal, or because nothing more can be printed */
    enum cmd_lookup_result worst;
};

/* ---- Asking */

static void take_address(struct command *command, const char *text)
{
    struct cmd_lookup_item *item = cmd_lookup_item_new(
        text, command->sensors, command->sensor_count,
        mono_add_ms(clock_mono(), command->config->p0f.timeout), command->format == CMD_LOOKUP_RAW);

    command->any = true;
    if (!item) {
        fprintf(stderr, "p0f-lookupd: out of memory\n");
        command->worst = CMD_LOOKUP_ERROR;
        command->stopped = true;
        return;
    }
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

static void ask_window(struct command *command)
{
    struct cmd_lookup_item *item;

    STAILQ_FOREACH(item, &command->window, link)
        cmd_lookup_item_ask(item);
    for (unsigned i = 0; i < command->sensor_count; i++)
        cmd_lookup_sensor_flush(&command->sensors[i]);
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

/* Says once, not for each address, what is wrong with a sensor, unless the printed line says it. */
static void complain_of_sensors(const struct command *command, const struct cmd_lookup_item *item,
                                bool found)
{
    char detail[CMD_LOOKUP_DETAIL_SIZE];

    for (unsigned i = 0; i < item->count; i++) {
        const struct cmd_lookup_question *question = &item->questions[i];
        if (!cmd_lookup_question_failed(question) || (command->format == CMD_LOOKUP_TEXT && !found))
            continue;
        cmd_lookup_sensor_explain(question->sensor, question->error, question->cause, detail);
        if (strcmp(question->sensor->complaint, detail) == 0)
            continue;
        fprintf(stderr, "p0f-lookupd: %.80s: %s\n", item->text, detail);
        strcpy(question->sensor->complaint, detail);
    }
}

static void print_item(struct command *command, const struct cmd_lookup_item *item)
{
    char detail[CMD_LOOKUP_DETAIL_SIZE];
    struct cmd_lookup_finding finding;

    cmd_lookup_item_find(item, &finding, detail);
    enum cmd_lookup_result result = finding.error == P0F_OK         ? CMD_LOOKUP_FOUND
                                    : finding.error == P0F_NO_MATCH ? CMD_LOOKUP_NO_MATCH
                                                                    : CMD_LOOKUP_ERROR;
    size_t length = 0;
    char *line = cmd_lookup_line(&finding, command->format, &length);

    if (item->error != P0F_OK && command->format != CMD_LOOKUP_TEXT)
        fprintf(stderr, "p0f-lookupd: %.80s: %s\n", item->text, detail);
    complain_of_sensors(command, item, result == CMD_LOOKUP_FOUND);
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
    struct cmd_lookup_item *item = STAILQ_FIRST(&command->window);

    STAILQ_REMOVE_HEAD(&command->window, link);
    command->count--;
    cmd_lookup_item_drop(item);
}

/* Prints the items at the front that are settled or have timed out. Returns whether there were any. */
static bool print_front(struct command *command)
{
    struct cmd_lookup_item *item;
    bool any = false;

    while (!command->stopped && (item = STAILQ_FIRST(&command->window))) {
        if (!cmd_lookup_item_settled(item)) {
            if (mono_before(clock_mono(), item->deadline))
                break;
            cmd_lookup_item_expire(item);
        }
        print_item(command, item);
        drop_first(command);
        any = true;
    }
    return any;
}

/* ---- The command */

static void watch_sensor(const struct cmd_lookup_sensor *sensor, struct pollfd *watched)
{
    *watched = (struct pollfd){.fd = -1};
    if (!sensor->conn)
        return;
    watched->fd = p0f_conn_fd(sensor->conn);
    watched->events = (short)(POLLIN | (p0f_conn_wants_write(sensor->conn) ? POLLOUT : 0));
}

/* Until a p0f answers, an address or a signal arrives, or the first item times out. */
static void wait_for_any(struct command *command)
{
    const struct cmd_lookup_item *first = STAILQ_FIRST(&command->window);
    bool room = command->count < command->config->p0f.pipeline;
    struct pollfd watched[2 + SENSOR_SOCKETS_MAX] = {
        {.fd = command->signal_fd, .events = POLLIN},
        {.fd = room && cmd_lookup_input_wants_read(&command->input) ? STDIN_FILENO : -1,
         .events = POLLIN},
    };
    int64_t left = first ? mono_ms_between(clock_mono(), first->deadline) : 0;
    int timeout = !first ? -1 : left < 0 ? 0 : (int)left + 1; /* p0f.timeout is a day at most */

    for (unsigned i = 0; i < command->sensor_count; i++)
        watch_sensor(&command->sensors[i], &watched[2 + i]);
    if (poll(watched, 2 + command->sensor_count, timeout) < 0)
        return;
    if (watched[0].revents != 0)
        command->stopped = true;
    if (watched[1].revents != 0 && !cmd_lookup_input_read(&command->input)) {
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
        for (unsigned i = 0; i < command->sensor_count; i++)
            cmd_lookup_sensor_receive(&command->sensors[i]);
    }
    while (command->count > 0)
        drop_first(command);
    for (unsigned i = 0; i < command->sensor_count; i++)
        cmd_lookup_sensor_leave(&command->sensors[i]);
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

static enum cmd_lookup_result run_lookup(struct command *command, char *const *addresses)
{
    sigset_t terminating, before;

    find_terminating(&terminating);
    command->signal_fd = signalfd(-1, &terminating, SFD_CLOEXEC | SFD_NONBLOCK);
    if (command->signal_fd < 0) {
        fprintf(stderr, "p0f-lookupd: signalfd: %s\n", strerror(errno));
        return CMD_LOOKUP_ERROR;
    }
    sigprocmask(SIG_BLOCK, &terminating, &before);
    cmd_lookup_input_init(&command->input, addresses);
    if (*addresses || !isatty(STDIN_FILENO))
        look_up_all(command);
    close(command->signal_fd);
    sigprocmask(SIG_SETMASK, &before, NULL); /* a signal that has come ends us here */
    if (!command->any && command->worst == CMD_LOOKUP_FOUND) {
        fprintf(stderr, "p0f-lookupd: lookup: expected an address\n");
        return CMD_LOOKUP_ERROR;
    }
    return command->worst;
}

enum cmd_lookup_result cmd_lookup(const struct config *config, char *const *addresses,
                                  enum cmd_lookup_format format)
{
    struct command command = {
        .config = config, .format = format, .window = STAILQ_HEAD_INITIALIZER(command.window)};
    struct cmd_lookup_sensor sensors[SENSOR_SOCKETS_MAX] = {0};
    struct config_sensors list;
    char error[CONFIG_ERROR_SIZE];

    if (!config_sensors(config, &list, error)) {
        fprintf(stderr, "p0f-lookupd: %s\n", error);
        return CMD_LOOKUP_ERROR;
    }
    for (unsigned i = 0; i < list.count; i++)
        sensors[i] = (struct cmd_lookup_sensor){
            .name = list.list[i].name,
            .socket = list.list[i].path,
            .dialect = config->p0f.dialect,
            .pipeline = config->p0f.pipeline,
        };
    command.sensors = sensors;
    command.sensor_count = list.count;
    return run_lookup(&command, addresses);
}
