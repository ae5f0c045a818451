/* SPDX-License-Identifier: MIT */
/* The server's end of a connection to Valkey or Redis, for C tests: connections, commands, replies. It has no
 * data and does nothing by itself: the caller decides when it accepts, reads, replies and writes, and what, be
 * it nonsense. So a test controls every step, and nothing depends on timing. No call blocks.
 *
 *     while (fake_store_accept(&store))
 *         ;
 *     for (each client with fd >= 0) {
 *         fake_store_read(client);
 *         while (fake_store_next(client, &command))
 *             if (!fake_store_greet(client, &command))
 *                 fake_store_put(client, ":%d\r\n", 1);
 *         fake_store_write(client, SIZE_MAX);
 *     }
 *
 * Not thread-safe: one thread at a time. */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FAKE_STORE_CLIENTS 16
#define FAKE_STORE_ARGS 16

struct fake_store_client {
    int fd;            /* -1: a free slot */
    unsigned commands; /* read on this connection, ever */
    char *in, *out;    /* bytes received and not yet taken, and put and not yet written */
    size_t in_length, in_size, out_length, out_size;
    size_t taken; /* of `in`, by the last fake_store_next() */
};

struct fake_store {
    char dir[32];  /* our own */
    char path[64]; /* of the unix socket */
    uint16_t port; /* on 127.0.0.1 */
    int unix_listener, tcp_listener;
    unsigned accepted; /* ever */
    struct fake_store_client clients[FAKE_STORE_CLIENTS];
};

/* A command, valid until something else is done with the client. */
struct fake_store_command {
    unsigned argc;
    struct fake_store_arg {
        const char *at;
        size_t length;
    } args[FAKE_STORE_ARGS];
};

/* ---- The server */

/* Makes a directory for the unix socket, chooses a port, and listens on both. False: see errno. */
bool fake_store_open(struct fake_store *store);

/* Hangs up on all clients, and does not listen any more. The path and the port stay its own. */
void fake_store_stop(struct fake_store *store);

/* Listens again. False: see errno. */
bool fake_store_start(struct fake_store *store);

/* Stops, and removes the directory. */
void fake_store_close(struct fake_store *store);

/* ---- Connections */

/* Accepts one client, on either socket, into the first free slot. NULL: there is none. */
struct fake_store_client *fake_store_accept(struct fake_store *store);

enum fake_store_read { FAKE_STORE_IDLE, FAKE_STORE_GOT, FAKE_STORE_CLOSED };

/* Reads what there is. CLOSED: the client has closed; hang up. */
enum fake_store_read fake_store_read(struct fake_store_client *client);

/* Takes the next whole command off what was read. A command that is none, or has more than FAKE_STORE_ARGS
 * arguments, aborts. */
bool fake_store_next(struct fake_store_client *client, struct fake_store_command *command);

/* Closes the connection and frees the slot. */
void fake_store_hang_up(struct fake_store_client *client);

/* ---- Commands */

/* Whether the argument is that, whatever its case. False when there is none. */
bool fake_store_is(const struct fake_store_command *command, unsigned index, const char *text);

/* ---- Replies: put behind what is to be written, and sent by fake_store_write(). */

/* Bytes as they are. */
void fake_store_put_bytes(struct fake_store_client *client, const void *bytes, size_t length);

/* Text as it is: "+OK\r\n". */
void fake_store_put(struct fake_store_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A bulk string. An array of n of them is fake_store_put(client, "*%u\r\n", n) and then each. */
void fake_store_put_bulk(struct fake_store_client *client, const void *bytes, size_t length);

/* Replies to AUTH, SELECT, ASKING and PING as a server that is well, and returns true; false for others. */
bool fake_store_greet(struct fake_store_client *client, const struct fake_store_command *command);

/* Writes up to `max` bytes of what there is, with one send(), and returns how many. */
size_t fake_store_write(struct fake_store_client *client, size_t max);

#endif
