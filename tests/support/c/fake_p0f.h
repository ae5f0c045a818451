/* SPDX-License-Identifier: MIT */
/* p0f's end of the API socket, for all C tests and programs that need one: connections, queries, answers
 * and malformed answers. It does nothing by itself: the caller decides when it accepts, reads, answers
 * and writes, and what. So a test controls every step, and nothing depends on timing. No call blocks.
 *
 * Not thread-safe: one thread at a time. */
#ifndef FAKE_P0F_H
#define FAKE_P0F_H

#include "p0fclient.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FAKE_P0F_SLOTS_MAX 100   /* p0f's limit, too */
#define FAKE_P0F_QUERIES_MAX 128 /* read ahead on one connection; p0f reads one */
#define FAKE_P0F_ANSWERS_MAX 64  /* not yet written, on one connection */
#define FAKE_P0F_PROBES 2u       /* queries with which libp0fclient begins a connection */

/* ---- The socket */

struct fake_p0f_socket {
    char dir[32]; /* our own; "" when the caller named the path */
    char path[108];
    int listener; /* -1: does not listen */
};

/* Sets the path; NULL makes a directory for it. Does not listen yet. False: see errno. */
bool fake_p0f_socket_open(struct fake_p0f_socket *socket, const char *path);

/* False: see errno. */
bool fake_p0f_socket_listen(struct fake_p0f_socket *socket);

/* Closes the listener and removes the socket, as when p0f ends. No-op when it does not listen. */
void fake_p0f_socket_unlisten(struct fake_p0f_socket *socket);

/* The same, and removes our directory. */
void fake_p0f_socket_close(struct fake_p0f_socket *socket);

/* ---- Connections */

struct fake_p0f_client {
    int fd;            /* -1: a free slot */
    unsigned count;    /* queries read and not yet answered, in `outstanding` */
    unsigned answered; /* answers ever put into `out`, those to probes included */
    size_t length;     /* bytes of a query that has come in part */
    size_t out_length, out_sent;
    uint8_t query[P0F_QUERY_SIZE];
    struct p0f_addr outstanding[FAKE_P0F_QUERIES_MAX]; /* type 0: p0f does not understand it */
    uint8_t out[FAKE_P0F_ANSWERS_MAX * P0F_ANSWER_MAX];
};

struct fake_p0f {
    struct fake_p0f_socket socket;
    unsigned slots;
    struct fake_p0f_client clients[FAKE_P0F_SLOTS_MAX];
};

/* Opens the socket as above, with `slots` free slots. Does not listen yet. False: see errno. */
bool fake_p0f_open(struct fake_p0f *p0f, const char *path, unsigned slots);

/* Hangs up on all clients, and does not listen any more: p0f has ended. */
void fake_p0f_stop(struct fake_p0f *p0f);

/* The same, and removes the directory. */
void fake_p0f_close(struct fake_p0f *p0f);

/* How many clients are connected. */
unsigned fake_p0f_served(const struct fake_p0f *p0f);

/* Accepts one client into the first free slot, unless `cap` clients are served already: then it stays in
 * the backlog, as with p0f's -S. NULL: there is none, or (errno is not EAGAIN) accept() failed. */
struct fake_p0f_client *fake_p0f_accept(struct fake_p0f *p0f, unsigned cap);

enum fake_p0f_read {
    FAKE_P0F_IDLE,   /* there was nothing to read, or `ahead` queries are outstanding */
    FAKE_P0F_GOT,    /* some bytes, perhaps whole queries */
    FAKE_P0F_CLOSED, /* the client has closed, or half-closed */
    FAKE_P0F_FAILED, /* errno says why; it kills p0f */
};

/* Reads until `ahead` queries (1..FAKE_P0F_QUERIES_MAX) are outstanding, with one recv(). */
enum fake_p0f_read fake_p0f_read(struct fake_p0f_client *client, unsigned ahead);

/* Takes the first outstanding query off and puts an answer to it behind what is to be written. Returns the
 * answer's bytes there, which fake_p0f_spoil() may change. There must be room. */
uint8_t *fake_p0f_answer(struct fake_p0f_client *client, const struct p0f_answer *answer,
                         enum p0f_dialect dialect);

/* Writes up to `max` bytes of what there is, with one send(), and returns what that does. */
ssize_t fake_p0f_write(struct fake_p0f_client *client, size_t max);

/* Whether a query has been read whose answer has not been written as a whole. */
bool fake_p0f_has_outstanding(const struct fake_p0f_client *client);

/* Closes the connection and frees the slot. */
void fake_p0f_hang_up(struct fake_p0f_client *client);

/* Fills in what to poll: the listener, then each slot, for writing while there is something to write. Free
 * slots have -1. `watched` has room for 1 + slots, which is returned. */
nfds_t fake_p0f_watch(const struct fake_p0f *p0f, struct pollfd *watched);

/* ---- Answers */

/* In 10.0.0.0/8, which are the hosts that fakes know. */
bool fake_p0f_knows(const struct p0f_addr *addr);

/* "No match", or "bad query" for one of type 0. */
struct p0f_answer fake_p0f_no_match(const struct p0f_addr *addr);

enum fake_p0f_fault { FAKE_P0F_BAD_MAGIC, FAKE_P0F_BAD_STATUS, FAKE_P0F_BAD_QUERY };

/* Makes the answer a malformed one; BAD_QUERY makes it a refusal. */
void fake_p0f_spoil(uint8_t *answer, enum fake_p0f_fault fault);

#endif
