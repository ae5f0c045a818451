/* SPDX-License-Identifier: MIT */
/* What the programs share that load a server on loopback: flood, hold and http_load. Errors that are not
 * the server's end the program. One thread. */
#ifndef LOAD_H
#define LOAD_H

#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { LOAD_EVENTS = 256, LOAD_STATUSES = 600 };

/* SIGTERM came. */
extern volatile sig_atomic_t load_over;

_Noreturn void load_die(const char *what);

/* What follows is counted: prints "begun", and sees SIGTERM. */
void load_begin(void);

/* "127.0.0.1:PORT", and the address of -s, with any port. */
struct sockaddr_in load_server(const char *port);
struct sockaddr_in load_source(const char *address);

/* Connects from one to the other, both `length` bytes; family 0 lets the kernel choose `from`. `receive`
 * limits the receive buffer, in bytes; 0 leaves it. Returns a non-blocking descriptor, or -1 when the
 * server refused, or, over TCP, has not answered for a while. */
int load_connect(const void *from, const void *to, socklen_t length, int receive);

/* Watches it for `event`, which is copied. */
void load_watch(int epoll, int fd, struct epoll_event event);

/* Waits for up to `ns` nanoseconds, -1: as long as it takes. Returns how many events there are; none
 * after a signal. */
int load_wait(int epoll, struct epoll_event events[LOAD_EVENTS], int64_t ns);

int64_t load_now_ns(void);

/* Prints `"statuses": {"200": 5, ...}`, of those that there were. */
void load_print_statuses(const unsigned long counts[LOAD_STATUSES]);

#endif
