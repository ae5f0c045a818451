/* SPDX-License-Identifier: MIT */
#include "systemd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define PART_SIZE 640
#define MESSAGE_SIZE (3 * PART_SIZE)
#define RETRY_MS 100

static struct manager {
    struct loop *loop;
    int fd;
    struct sockaddr_un name;
    socklen_t length; /* of `name`; 0: it is not to be notified */
    struct loop_timer retry;

    /* Not sent yet. */
    bool ready, stopping, fed, status;
    int64_t reloading_usec; /* 0: not reloading */

    /* What STATUS= is made of; "" if not so. */
    char p0f_fault[PART_SIZE], reload_error[PART_SIZE], stopping_wait[PART_SIZE];
    bool stops;
} manager = {.fd = -1};

static void keep_part(char part[PART_SIZE], const char *text)
{
    snprintf(part, PART_SIZE, "%s", text ? text : "");
}

/* ---- The message */

__attribute__((format(printf, 2, 3))) static void append_line(char message[MESSAGE_SIZE],
                                                              const char *format, ...)
{
    size_t length = strlen(message);
    va_list args;

    va_start(args, format);
    vsnprintf(message + length, MESSAGE_SIZE - length, format, args);
    va_end(args);
}

static void append_status(char message[MESSAGE_SIZE])
{
    const char *p0f_fault = manager.p0f_fault, *reload_error = manager.reload_error;

    if (manager.stops)
        append_line(message, "STATUS=Shutting down%s%s\n", manager.stopping_wait[0] ? ": " : "",
                    manager.stopping_wait);
    else if (p0f_fault[0] && reload_error[0])
        append_line(message, "STATUS=%s; the old settings are in force: %s\n", p0f_fault,
                    reload_error);
    else if (p0f_fault[0])
        append_line(message, "STATUS=%s\n", p0f_fault);
    else if (reload_error[0])
        append_line(message, "STATUS=Answering lookups with the old settings: %s\n", reload_error);
    else
        append_line(message, "STATUS=Answering lookups\n");
}

/* One that has begun to reload and is ready says both in one message: it has reloaded. */
static void compose_message(char message[MESSAGE_SIZE])
{
    message[0] = '\0';
    if (manager.reloading_usec > 0)
        append_line(message, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n", manager.reloading_usec);
    if (manager.ready)
        append_line(message, "READY=1\n");
    if (manager.stopping)
        append_line(message, "STOPPING=1\n");
    if (manager.fed)
        append_line(message, "WATCHDOG=1\n");
    if (manager.status)
        append_status(message);
}

/* sd_notify() waits until systemd has room, and with it would the loop. */
static void send_message(void *ctx)
{
    char message[MESSAGE_SIZE];

    (void)ctx;
    if (manager.length == 0)
        return;
    compose_message(message);
    if (sendto(manager.fd, message, strlen(message), MSG_DONTWAIT | MSG_NOSIGNAL,
               (const struct sockaddr *)&manager.name, manager.length) < 0 &&
        (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)) {
        loop_arm(manager.loop, &manager.retry, mono_add_ms(loop_now(manager.loop), RETRY_MS));
        return;
    }
    loop_disarm(manager.loop, &manager.retry);
    manager.ready = manager.stopping = manager.fed = manager.status = false;
    manager.reloading_usec = 0;
}

/* ---- What happens */

void systemd_notify_ready(const char *error)
{
    keep_part(manager.reload_error, error);
    manager.ready = manager.status = true;
    send_message(NULL);
}

void systemd_notify_p0f(const char *fault)
{
    keep_part(manager.p0f_fault, fault);
    manager.status = true;
    send_message(NULL);
}

void systemd_notify_reloading(void)
{
    /* systemd orders the messages by this clock (Type=notify-reload). */
    manager.reloading_usec = clock_mono().ns / 1000;
    manager.ready = false;
    send_message(NULL);
}

void systemd_notify_stopping(const char *wait)
{
    keep_part(manager.stopping_wait, wait);
    manager.stops = manager.stopping = manager.status = true;
    send_message(NULL);
}

void systemd_feed_watchdog(void)
{
    manager.fed = true;
    send_message(NULL);
}

/* ---- Begin and end */

bool systemd_inherit(struct inherited_sockets *sockets, char error[INHERITED_SOCKETS_ERROR_SIZE])
{
    char **names = NULL;
    int count = sd_listen_fds_with_names(1, &names);
    size_t known = count > 0 ? (size_t)count : 0;
    bool good = inherited_sockets_read(sockets, SD_LISTEN_FDS_START, known, names, error);
    int cause = errno;

    if (good && count < 0) {
        snprintf(error, INHERITED_SOCKETS_ERROR_SIZE, "cannot read LISTEN_FDS: %s",
                 strerror(-count));
        cause = EINVAL;
        good = false;
    }
    for (size_t i = 0; names && i < known; i++)
        free(names[i]);
    free(names);
    errno = cause;
    return good;
}

bool systemd_listens(void)
{
    return manager.length > 0;
}

int64_t systemd_watchdog_ms(void)
{
    uint64_t usec = 0;

    if (!systemd_listens() || sd_watchdog_enabled(0, &usec) <= 0)
        return 0;
    return (int64_t)(usec / 1000);
}

/* A path or, after '@', an abstract name. */
static socklen_t read_name(const char *text, struct sockaddr_un *name)
{
    size_t length = strlen(text);

    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((text[0] != '/' && text[0] != '@') || length < 2 || length >= sizeof name->sun_path)
        return 0;
    memcpy(name->sun_path, text, length);
    if (text[0] == '@')
        name->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

void systemd_begin(struct loop *loop)
{
    const char *text = getenv("NOTIFY_SOCKET");

    manager = (struct manager){.loop = loop, .fd = -1};
    manager.retry = (struct loop_timer){.fire = send_message};
    if (text)
        manager.length = read_name(text, &manager.name);
    if (manager.length > 0)
        manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (manager.fd < 0)
        manager.length = 0;
}

void systemd_end(void)
{
    if (manager.loop)
        loop_disarm(manager.loop, &manager.retry);
    if (manager.fd >= 0)
        close(manager.fd);
    manager = (struct manager){.fd = -1};
}
