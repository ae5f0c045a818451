/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include "core/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define NAME_SIZE 32

/* SIGXCPU comes some time before the kernel kills a process that uses too much of it. */
static const int shutting_down[] = {SIGTERM, SIGINT, SIGQUIT, SIGXCPU};

/* Faults, job control, what is ignored by default, and what main() ignores: writing to a closed pipe
 * would queue a SIGPIPE each time. */
static const int left_alone[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP,
                                 SIGABRT, SIGSYS,  SIGTSTP, SIGTTIN, SIGTTOU,
                                 SIGCONT, SIGCHLD, SIGURG,  SIGPIPE, SIGWINCH};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static sigset_t all_but(const int *signals, size_t count, sigset_t set)
{
    for (size_t i = 0; i < count; i++)
        sigdelset(&set, signals[i]);
    return set;
}

sigset_t signals_ending(void)
{
    sigset_t all;

    sigfillset(&all);
    return all_but(left_alone, COUNT(left_alone), all);
}

void signals_hold(void)
{
    const sigset_t held = all_but(shutting_down, COUNT(shutting_down), signals_ending());

    pthread_sigmask(SIG_BLOCK, &held, NULL);
}

static const char *name_of(int number, char name[NAME_SIZE])
{
    const char *abbreviation = sigabbrev_np(number);

    if (abbreviation)
        snprintf(name, NAME_SIZE, "SIG%s", abbreviation);
    else
        snprintf(name, NAME_SIZE, "SIGRTMIN+%d", number - SIGRTMIN);
    return name;
}

static void handle(struct signals *signals, int number)
{
    char name[NAME_SIZE];

    name_of(number, name);
    for (size_t i = 0; i < COUNT(shutting_down); i++) {
        if (number == shutting_down[i]) {
            signals->obey(signals->ctx, SIGNALS_SHUT_DOWN, name);
            return;
        }
    }
    if (number == SIGHUP)
        signals->obey(signals->ctx, SIGNALS_RELOAD, name);
    else
        log_warnx("%s ignored: SIGHUP reloads the settings, SIGTERM shuts down", name);
}

static void on_signals(void *ctx, uint32_t events)
{
    struct signals *signals = ctx;
    struct signalfd_siginfo info;

    (void)events;
    while (read(signals->fd.fd, &info, sizeof info) == (ssize_t)sizeof info)
        handle(signals, (int)info.ssi_signo);
}

bool signals_watch(struct signals *signals)
{
    const sigset_t set = signals_ending();

    signals->fd = (struct loop_fd){.fd = -1, .ready = on_signals, .ctx = signals};
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) == 0)
        signals->fd.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return signals->fd.fd >= 0 && loop_watch(signals->loop, &signals->fd, EPOLLIN) == 0;
}

void signals_close(struct signals *signals)
{
    if (signals->fd.ctx && signals->fd.fd >= 0)
        close(signals->fd.fd);
}
