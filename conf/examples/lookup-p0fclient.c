/* SPDX-License-Identifier: MIT */
/* Looks up hosts in p0f itself, without a daemon, one after another.
 *
 *     cc lookup-p0fclient.c $(pkg-config --cflags --libs p0fclient) -o lookup
 *     ./lookup 192.0.2.7 2001:db8::1
 *
 * The socket of p0f is P0F_SOCKET, by default /run/p0f/p0f.sock. Prints a line for each host.
 * Exit status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs only
 * libp0fclient. */
#include <errno.h>
#include <p0fclient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the exit status. */
static int lookup(const char *socket, const char *ip)
{
    struct p0f_host host;
    enum p0f_error error = p0f_lookup_text(socket, ip, 1000, &host);

    if (error == P0F_UNREACHABLE)
        printf("%s: %s: %s\n", ip, p0f_strerror(error), strerror(errno));
    else if (error != P0F_OK)
        printf("%s: %s\n", ip, p0f_strerror(error));
    else if (!host.os_name[0])
        printf("%s: unknown OS\n", ip);
    else
        printf("%s: %s%s%s\n", ip, host.os_name, host.os_flavor[0] ? " " : "", host.os_flavor);
    return error == P0F_OK ? 0 : error == P0F_NO_MATCH ? 1 : 2;
}

int main(int argc, char **argv)
{
    const char *socket = getenv("P0F_SOCKET");
    int worst = argc > 1 ? 0 : 2;

    for (int i = 1; i < argc; i++) {
        int status = lookup(socket ? socket : P0F_DEFAULT_SOCKET, argv[i]);
        worst = status > worst ? status : worst;
    }
    if (!p0f_lookup_detach()) /* leaves late answers to a child: p0f must not see the connection close */
        p0f_lookup_drain(NULL);
    return worst;
}
