/* SPDX-License-Identifier: MIT */
/*
 * static_mhd PORT POOL_BYTES ANSWER_FILE [listen|accept]
 *
 * The floor that p0f-lookupd's cache hits are measured against: libmicrohttpd set up as the daemon
 * sets it up, with one response, built beforehand, for whatever is asked. What the daemon costs
 * more than this is its own doing.
 *
 * ANSWER_FILE holds header lines, an empty line, and the body. With `accept` the program accepts by
 * itself and hands connections over in turn, as the daemon does. With `listen` (the default) the
 * library's threads share the listening socket; then one thread often gets most connections.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 65536, CONNECTION_LIMIT = 10000, IDLE_TIMEOUT_S = 60 };

static void die(const char *what)
{
    fprintf(stderr, "static_mhd: %s: %s\n", what, errno ? strerror(errno) : "failed");
    exit(1);
}

static size_t read_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        die(path);
    size_t length = fread(text, 1, size - 1, file);
    if (ferror(file) || !feof(file))
        die(path);
    fclose(file);
    text[length] = '\0';
    return length;
}

/* Takes the header lines off the front of `text`, into `response`. */
static void add_headers(struct MHD_Response *response, char *text)
{
    char *end;
    for (char *line = text; *line != '\n' && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        char *value = strstr(line, ": ");
        if (!value)
            die("a header line has no ': '");
        *value = '\0';
        if (MHD_add_response_header(response, line, value + 2) != MHD_YES)
            die(line);
    }
}

static struct MHD_Response *load_answer(const char *path)
{
    static char text[ANSWER_MAX];
    size_t length = read_file(path, text, sizeof text);
    char *gap = strstr(text, "\n\n");
    if (!gap)
        die("no empty line between headers and body");
    char *body = gap + 2;
    struct MHD_Response *response = MHD_create_response_from_buffer(length - (size_t)(body - text),
                                                                    body, MHD_RESPMEM_PERSISTENT);
    if (!response)
        die("MHD_create_response_from_buffer");
    add_headers(response, text);
    return response;
}

/* The first call for a request must not answer: the library would close the connection. */
static enum MHD_Result answer(void *response, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    static int seen;
    (void)url, (void)method, (void)version, (void)upload, (void)upload_size;
    if (!*state) {
        *state = &seen;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

static int listen_on(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1024) < 0)
        die("listen");
    return fd;
}

static void accept_forever(int listener, struct MHD_Daemon *daemon)
{
    for (;;) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        int fd = accept(listener, (struct sockaddr *)&peer, &length);
        if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
            die("accept");
        if (fd < 0)
            continue;
        if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
            MHD_add_connection(daemon, fd, (struct sockaddr *)&peer, length) != MHD_YES)
            die("MHD_add_connection");
    }
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: static_mhd PORT POOL_BYTES ANSWER_FILE [listen|accept]\n");
        return 2;
    }
    int accepts = argc == 5 && strcmp(argv[4], "accept") == 0;
    size_t pool_bytes = strtoul(argv[2], NULL, 10);
    struct MHD_Response *response = load_answer(argv[3]);
    int listener = listen_on((unsigned)strtoul(argv[1], NULL, 10));
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem source[] = {
        {accepts ? MHD_OPTION_END : MHD_OPTION_LISTEN_SOCKET, listener, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    signal(SIGPIPE, SIG_IGN);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags | (accepts ? MHD_USE_NO_LISTEN_SOCKET : 0), 0, NULL, NULL, answer, response,
        MHD_OPTION_ARRAY, source, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)sysconf(_SC_NPROCESSORS_ONLN), MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTION_LIMIT, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes, MHD_OPTION_END);
    if (!daemon)
        die("MHD_start_daemon");
    if (accepts)
        accept_forever(listener, daemon);
    for (;;)
        pause(); /* until a signal ends the process */
}
