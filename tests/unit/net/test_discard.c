/* SPDX-License-Identifier: MIT */
#include "net/discard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SENT (40 * 1024) /* all of it arrives at once */

static int client, server;

static void begin(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof name;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(listener, (struct sockaddr *)&name, length), 0);
    cr_assert_eq(listen(listener, 1), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&name, &length), 0);
    client = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(client, (struct sockaddr *)&name, length), 0);
    server = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    cr_assert_geq(server, 0);
    close(listener);
}

static void end(void)
{
    close(client);
}

/* Else close() would reset the connection. */
Test(discard, nothing_is_left_to_be_read, .init = begin, .fini = end)
{
    static const char bytes[SENT];
    char answer[8];
    int left;

    cr_assert_eq(send(client, bytes, sizeof bytes, 0), SENT);
    cr_assert_eq(send(server, "400", 3, 0), 3);
    discard_and_shut(server);
    cr_assert_eq(ioctl(server, FIONREAD, &left), 0);
    cr_assert_eq(left, 0);
    close(server);
    cr_assert_eq(recv(client, answer, sizeof answer, MSG_WAITALL), 3);
    cr_assert_eq(recv(client, answer, sizeof answer, 0), 0, "%s", strerror(errno));
}

Test(discard, both_ways_are_shut, .init = begin, .fini = end)
{
    char byte;

    discard_and_shut(server);
    cr_assert_eq(recv(server, &byte, 1, 0), 0);
    cr_assert_eq(send(server, "x", 1, MSG_NOSIGNAL), -1);
    cr_assert_eq(recv(client, &byte, 1, 0), 0);
    close(server);
}
