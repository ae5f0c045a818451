/* SPDX-License-Identifier: MIT */
#include "net/inherited_sockets.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIRST 300 /* of those that are passed */

static char error[INHERITED_SOCKETS_ERROR_SIZE];
static struct inherited_sockets sockets;

/* Listens on a port of the kernel's choice, at this descriptor; returns the port. */
static int listen_at(int fd, uint32_t address)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    socklen_t length = sizeof name;
    int made = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(made, (const struct sockaddr *)&name, sizeof name), 0);
    cr_assert_eq(listen(made, 1), 0);
    cr_assert_eq(getsockname(made, (struct sockaddr *)&name, &length), 0);
    cr_assert_eq(dup2(made, fd), fd);
    close(made);
    return ntohs(name.sin_port);
}

static void close_all(void)
{
    inherited_sockets_free(&sockets);
    for (int fd = FIRST; fd < FIRST + 3; fd++)
        close(fd);
}

Test(inherited_sockets, none, .fini = close_all)
{
    cr_assert(inherited_sockets_read(&sockets, FIRST, 0, NULL, error));
    cr_assert_eq(sockets.count, 0);
    cr_assert_eq(sockets.setting_count, 0);
}

Test(inherited_sockets, are_settings_by_their_names, .fini = close_all)
{
    char *names[] = {"http", "relay", "http"}, wanted[128];
    int first = listen_at(FIRST, INADDR_LOOPBACK), other = listen_at(FIRST + 1, INADDR_LOOPBACK);
    int last = listen_at(FIRST + 2, INADDR_LOOPBACK + 1);

    cr_assert(inherited_sockets_read(&sockets, FIRST, 3, names, error), "%s", error);
    cr_assert_eq(sockets.setting_count, 2);
    snprintf(wanted, sizeof wanted, "http.listen=127.0.0.1:%d, 127.0.0.2:%d", first, last);
    cr_assert_str_eq(sockets.settings[0], wanted);
    snprintf(wanted, sizeof wanted, "relay.listen=127.0.0.1:%d", other);
    cr_assert_str_eq(sockets.settings[1], wanted);
    cr_assert(fcntl(FIRST, F_GETFL) & O_NONBLOCK);
    cr_assert(fcntl(FIRST, F_GETFD) & FD_CLOEXEC);
}

Test(inherited_sockets, are_found_by_their_address, .fini = close_all)
{
    char *names[] = {"http"};
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    name.sin_port = htons((uint16_t)listen_at(FIRST, INADDR_LOOPBACK));
    cr_assert(inherited_sockets_read(&sockets, FIRST, 1, names, error), "%s", error);
    cr_assert_eq(inherited_sockets_find(&sockets, (const struct sockaddr *)&name), FIRST);
    name.sin_port ^= 1;
    cr_assert_eq(inherited_sockets_find(&sockets, (const struct sockaddr *)&name), -1);
}

Test(inherited_sockets, one_is_not_passed_twice, .fini = close_all)
{
    char *names[] = {"http", "relay"};

    listen_at(FIRST, INADDR_LOOPBACK);
    cr_assert_eq(dup2(FIRST, FIRST + 1), FIRST + 1);
    cr_assert_not(inherited_sockets_read(&sockets, FIRST, 2, names, error));
    cr_assert_eq(errno, EINVAL);
    cr_assert_not_null(strstr(error, "twice"), "%s", error);
    cr_assert_eq(sockets.count, 0);
}
