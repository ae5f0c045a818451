/* SPDX-License-Identifier: MIT */
/* The end of a process closes its connections, even if an answer is outstanding. A child that has inherited
 * the descriptor prevents that. */
#include "conn_private.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* From the terminal and pipes, so that nobody waits for this process. */
static void leave_terminal(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
    setsid();
}

static void read_outstanding(struct p0f_conn *conn)
{
    p0f_conn_retire(conn);
    while (p0f_conn_outstanding(conn) > 0) {
        struct pollfd watched = {.fd = p0f_conn_fd(conn), .events = POLLIN};
        if (p0f_conn_wants_write(conn))
            watched.events |= POLLOUT;
        poll(&watched, 1, -1);
        p0f_conn_io(conn);
    }
}

bool p0f_conn_detach(struct p0f_conn *conn)
{
    if (p0f_conn_free(conn))
        return true;
    pid_t child = fork();
    if (child < 0)
        return false;
    if (child == 0) {
        leave_terminal();
        p0f_conn_silence(conn);
        read_outstanding(conn);
        _exit(0);
    }
    p0f_conn_drop(conn);
    return true;
}
