#include "oneshot.h"

#include "clock.h"
#include "render.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* We are not the process that was started, but one that only waits for what p0f owes. */
static volatile sig_atomic_t is_reader;

static struct timespec deadline_after(int64_t ms)
{
    struct mono at = mono_add_ms(clock_mono(), ms);

    return (struct timespec){.tv_sec = at.ns / 1000000000, .tv_nsec = at.ns % 1000000000};
}

static enum oneshot_result print_host(const struct p0f_addr *addr, const struct p0f_host *host)
{
    size_t length;
    char *text = render_host(addr, host, RENDER_PARSED, &length);

    if (!text || fwrite(text, 1, length, stdout) != length || fflush(stdout) != 0) {
        fprintf(stderr, "p0f-lookupd: cannot print: %s\n", strerror(errno));
        free(text);
        return ONESHOT_ERROR;
    }
    free(text);
    return ONESHOT_FOUND;
}

static enum oneshot_result ask_one(const struct config *config, const char *text)
{
    const struct timespec deadline = deadline_after(config->p0f.timeout);
    const enum p0f_dialect wanted = config->p0f.dialect;
    struct p0f_addr addr;
    struct p0f_host host;
    enum p0f_error error = p0f_addr_parse(text, strlen(text), &addr);

    if (error != P0F_OK) {
        fprintf(stderr, "p0f-lookupd: %.80s: %s\n", text, p0f_strerror(error));
        return ONESHOT_ERROR;
    }
    error = p0f_lookup(config->p0f.socket, &addr, &deadline, &host);
    if (error == P0F_OK && wanted != P0F_DIALECT_AUTO && host.dialect != wanted)
        error = P0F_WRONG_DIALECT;
    switch (error) {
    case P0F_OK:
        return print_host(&addr, &host);
    case P0F_NO_MATCH:
        fprintf(stderr, "p0f-lookupd: %s: %s\n", text, p0f_strerror(error));
        return ONESHOT_NO_MATCH;
    case P0F_UNREACHABLE:
    case P0F_SYSTEM:
        fprintf(stderr, "p0f-lookupd: %s: %s: %s: %s\n", text, config->p0f.socket,
                p0f_strerror(error), strerror(errno));
        return ONESHOT_ERROR;
    case P0F_WRONG_DIALECT:
        fprintf(stderr, "p0f-lookupd: %s: %s: p0f.dialect is %s, but p0f answers in %s\n", text,
                config->p0f.socket, p0f_dialect_name(wanted), p0f_dialect_name(host.dialect));
        return ONESHOT_ERROR;
    default:
        fprintf(stderr, "p0f-lookupd: %s: %s: %s\n", text, config->p0f.socket, p0f_strerror(error));
        return ONESHOT_ERROR;
    }
}

/* ---- Not to hang up on p0f */

static const int endings[] = {SIGHUP, SIGINT, SIGTERM};

/* The reader holds the connections when we exit, and goes when p0f has answered or hung up. It lets go
 * of the terminal and the pipes, so that nobody waits for it, and need not be told to end. */
static void become_reader(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    is_reader = true;
    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        signal(endings[i], SIG_IGN);
    setsid();
}

/* To end would be to close what p0f may owe an answer on. So a reader goes on from here; when there
 * can be none, we are it ourselves. */
static void on_ending(int number)
{
    int kept = errno;
    pid_t reader = _Fork();

    if (reader > 0) {
        signal(number, SIG_DFL);
        raise(number);
    } else {
        become_reader();
    }
    errno = kept;
}

/* What is ignored stays so: nohup(1) wants that. */
static void catch_endings(void)
{
    struct sigaction ours = {.sa_handler = on_ending, .sa_flags = SA_RESTART}, before;

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        sigaddset(&ours.sa_mask, endings[i]);
        sigaction(endings[i], NULL, &before);
        if (before.sa_handler != SIG_IGN)
            sigaction(endings[i], &ours, NULL);
    }
}

static void leave_a_reader(void)
{
    if (!is_reader && p0f_lookup_drain(&(struct timespec){0}) > 0 && fork() <= 0)
        become_reader();
    if (is_reader) {
        p0f_lookup_drain(NULL);
        _exit(ONESHOT_ERROR);
    }
}

enum oneshot_result oneshot(const struct config *config, char *const *addresses)
{
    enum oneshot_result worst = ONESHOT_FOUND;

    catch_endings();
    for (; *addresses && !is_reader; addresses++) {
        enum oneshot_result result = ask_one(config, *addresses);
        if (result > worst)
            worst = result;
    }
    leave_a_reader();
    return worst;
}
