/* SPDX-License-Identifier: MIT */
/* p0fclient.h - a client for the API socket of p0f v3.
 *
 * Three layers, each usable alone:
 *   addresses and wire   pure functions over the caller's buffers, without allocation;
 *   struct p0f_conn      one non-blocking, pipelined connection for an event loop;
 *   p0f_lookup()         one blocking query.
 *
 * The library depends on the C library only. It never logs or exits, and reads neither the clock nor the
 * environment. It never closes a connection while an answer is outstanding: p0f treats a failed write
 * as fatal and does not ignore SIGPIPE, so such a close can kill it. Only p0f_conn_detach() and
 * p0f_lookup_detach() fork.
 *
 * The protocol is that of p0f 3.09b: docs/README section 5, api.h and api.c.
 *
 * Thread safety: pure functions may be called from any thread, a p0f_conn from one thread at a time,
 * p0f_lookup() from any number of threads at once.
 *
 * Arguments: a function that returns an enum p0f_error checks them and returns P0F_INVALID for NULL and for
 * values that do not exist. To all others, p0f_conn_free() and p0f_conn_detach() aside, NULL must not be
 * passed. Any number is taken for an enum.
 *
 * Compatibility: later versions of the library with the same soname add functions, errors, dialects and,
 * for their fields, use up what struct p0f_host reserves. Treat an error that you do not know as a failure.
 */
#ifndef P0FCLIENT_H
#define P0FCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h> /* CLOCK_MONOTONIC, with _POSIX_C_SOURCE or -std=gnu* */

#ifdef __cplusplus
extern "C" {
#endif

struct timespec; /* which -std=c99 leaves out of <time.h> */

/* Of this header. Those of the library in use: p0f_client_version(). */
#define P0FCLIENT_VERSION "0.2.0"
#define P0FCLIENT_VERSION_NUMBER 0x000200 /* a byte each for major, minor and patch version */

#define P0F_API __attribute__((visibility("default")))
#define P0F_NONNULL __attribute__((nonnull))
#define P0F_MUST_USE __attribute__((warn_unused_result))

/* Where Debian's and our own p0f.service put the socket; p0f itself has no default. */
#define P0F_DEFAULT_SOCKET "/run/p0f/p0f.sock"

/* The version of the library, such as "0.2.0". */
P0F_API const char *p0f_client_version(void);

/* The numbers leave room for more of each kind. */
enum p0f_error {
    P0F_OK = 0,

    /* Answers of p0f. */
    P0F_NO_MATCH = 1,  /* p0f does not know the host */
    P0F_BAD_QUERY = 2, /* p0f did not understand the query */

    /* Failures. */
    P0F_MALFORMED = 16, /* an answer with a wrong magic or status, or one without a query */
    P0F_OUT_OF_RANGE,   /* an answer whose bad_sw or os_match_q is out of range */
    P0F_WRONG_DIALECT,  /* answers of another size than the requested dialect's */
    P0F_TIMEOUT,        /* no answer before the deadline */
    P0F_DISCONNECTED,   /* p0f closed the connection */
    P0F_LOST,        /* the answer to another query was malformed, so this one's cannot be found */
    P0F_UNREACHABLE, /* cannot connect to the socket; errno says why */
    P0F_FULL,        /* the pipeline is full */
    P0F_RETIRED,     /* the connection accepts no more queries */
    P0F_SYSTEM,      /* out of memory or descriptors; errno says which */
    P0F_INVALID,     /* an argument is NULL or out of range */

    /* Invalid addresses. */
    P0F_ADDR_EMPTY = 64,
    P0F_ADDR_TOO_LONG,
    P0F_ADDR_ZONE,         /* fe80::1%eth0 */
    P0F_ADDR_CIDR,         /* 10.0.0.0/8 */
    P0F_ADDR_LEADING_ZERO, /* 010.0.0.1: octal to some, decimal to others */
    P0F_ADDR_BRACKETS,     /* unbalanced [ ] */
    P0F_ADDR_SYNTAX
};

/* Describes an error in English, without a full stop; "unknown error" if there is no such error. Static,
 * never NULL. */
P0F_API const char *p0f_strerror(enum p0f_error error);

/* ---- Addresses ------------------------------------------------------------------------------ */

/* An address as in p0f's query. Can be compared and hashed as 17 bytes: there is no padding, and the
 * unused bytes of an IPv4 address are zero. */
struct p0f_addr {
    uint8_t type;      /* 4 or 6, as on the wire (P0F_ADDR_IPV4, P0F_ADDR_IPV6 in api.h) */
    uint8_t bytes[16]; /* network order, IPv4 in the first four */
};

#define P0F_ADDR_TEXT_SIZE 46 /* of the longest text, with its NUL */

/* Parses the `length` bytes at `text`, which need no NUL, in the syntax of inet_pton(), with or without
 * [brackets]. ::ffff:a.b.c.d becomes an IPv4 address, as which p0f knows it. Returns P0F_OK; or a
 * P0F_ADDR_* error, and does not change *addr. */
P0F_API enum p0f_error p0f_addr_parse(const char *text, size_t length, struct p0f_addr *addr)
    P0F_MUST_USE;

/* Writes the canonical text (RFC 5952, always in hexadecimal groups) and returns its length. An address of
 * neither type is written as IPv6. */
P0F_API size_t p0f_addr_format(const struct p0f_addr *addr,
                               char text[P0F_ADDR_TEXT_SIZE]) P0F_NONNULL;

/* ---- Wire ----------------------------------------------------------------------------------- */

/* p0f's answer has no length field, and patched versions of p0f send answers of other sizes. */
enum p0f_dialect {
    P0F_DIALECT_AUTO = 0, /* detected on the connection; never the dialect of an answer */
    P0F_DIALECT_P0F3,     /* stock p0f 3.x: 232 bytes */
    P0F_DIALECT_MTU,      /* p0f-mtu: 234, with u16 link_mtu between http_flavor and link_type */
    P0F_DIALECT_MSS,      /* p0f-mss: 236, with u16 mtu and u16 mss between the same */
    P0F_DIALECT_API2,     /* 243, with u8 version, u16 last_mtu, double last_freq after status */
    P0F_DIALECT_SIG       /* 744, with u64 actual_sig[64] at the end, which is skipped */
};

/* "auto", "p0f3", "mtu", "mss", "api2", "sig"; "unknown" if there is no such dialect. */
P0F_API const char *p0f_dialect_name(enum p0f_dialect dialect);

/* The size of an answer in bytes; 0 for P0F_DIALECT_AUTO and if there is no such dialect. */
P0F_API size_t p0f_answer_size(enum p0f_dialect dialect);

#define P0F_QUERY_SIZE 21
#define P0F_ANSWER_MAX 1024 /* with room for longer answers than those of today's dialects */

#define P0F_QUERY_MAGIC 0x50304601u
#define P0F_ANSWER_MAGIC 0x50304602u

#define P0F_STATUS_BADQUERY 0x00u
#define P0F_STATUS_OK 0x10u
#define P0F_STATUS_NOMATCH 0x20u

#define P0F_DISTANCE_UNKNOWN 255 /* p0f stores -1 in an unsigned byte, and sends that */
#define P0F_TEXT_SIZE 33         /* 32 bytes on the wire, where p0f omits the NUL of a text of 32 */

/* What p0f knows about a host, in the order of the wire. Times are in Unix seconds. */
struct p0f_host {
    enum p0f_dialect dialect; /* whose extra fields are set */
    uint8_t version;          /* api2: 2 when the status is OK */
    uint16_t last_mtu;        /* api2 */
    double last_freq;         /* api2 */
    uint32_t first_seen;
    uint32_t last_seen;
    uint32_t total_conn;
    uint32_t uptime_min; /* in minutes; 0: unknown */
    uint32_t up_mod_days;
    uint32_t last_nat;           /* 0: never */
    uint32_t last_chg;           /* 0: never */
    int16_t distance;            /* in hops, or P0F_DISTANCE_UNKNOWN */
    uint8_t bad_sw;              /* 0: consistent or no data, 1: OS differs, 2: mismatch */
    uint8_t os_match_q;          /* bit 0: fuzzy, bit 1: generic */
    char os_name[P0F_TEXT_SIZE]; /* texts hold any bytes but NUL; "": unknown */
    char os_flavor[P0F_TEXT_SIZE];
    char http_name[P0F_TEXT_SIZE];
    char http_flavor[P0F_TEXT_SIZE];
    uint16_t link_mtu; /* p0f-mtu */
    uint16_t mtu;      /* p0f-mss */
    uint16_t mss;      /* p0f-mss */
    char link_type[P0F_TEXT_SIZE];
    char language[P0F_TEXT_SIZE];
    uint64_t reserved[8]; /* 0; for the fields of later dialects, so that the size stays */
};

struct p0f_answer {
    uint32_t status; /* P0F_STATUS_* */
    struct p0f_host host;
};

/* A query has 21 bytes: u32 magic (host byte order), u8 type, u8 addr[16]. p0f_query_unpack() returns
 * false if magic or type is wrong. */
P0F_API void p0f_query_pack(const struct p0f_addr *addr, uint8_t out[P0F_QUERY_SIZE]) P0F_NONNULL;
P0F_API bool p0f_query_unpack(const uint8_t in[P0F_QUERY_SIZE], struct p0f_addr *addr) P0F_NONNULL;

/* Writes an answer and returns its size, p0f_answer_size(dialect): nothing and 0 for P0F_DIALECT_AUTO
 * and if there is no such dialect. For a fake p0f in tests. */
P0F_API size_t p0f_answer_pack(const struct p0f_answer *answer, enum p0f_dialect dialect,
                               uint8_t out[P0F_ANSWER_MAX]) P0F_NONNULL;

/* Reads one answer from the first `length` bytes at `in`. Returns the number of bytes consumed; 0 if
 * more are needed; -1 if magic or status is wrong, whatever follows, and if there is no such dialect.
 * The fields may be out of range: see p0f_host_check(). */
P0F_API int p0f_answer_unpack(const uint8_t *in, size_t length, enum p0f_dialect dialect,
                              struct p0f_answer *answer) P0F_MUST_USE P0F_NONNULL;

/* Detects the dialect from the first `length` bytes of a stream that begins with two answers, by the
 * position of the second magic. Returns 1 and sets *dialect; 0 if more bytes are needed; -1 if no dialect
 * fits. P0F_ANSWER_MAX bytes are always enough. */
P0F_API int p0f_dialect_detect(const uint8_t *in, size_t length, enum p0f_dialect *dialect)
    P0F_MUST_USE P0F_NONNULL;

/* Returns P0F_OUT_OF_RANGE if bad_sw is not 0..2 or os_match_q not 0..3, else P0F_OK. */
P0F_API enum p0f_error p0f_host_check(const struct p0f_host *host) P0F_MUST_USE;

/* ---- One non-blocking connection ------------------------------------------------------------- */

struct p0f_conn;

/* Called exactly once for each accepted query, in the order of the queries, with:
 *   P0F_OK         *host is p0f's answer, valid during the call;
 *   P0F_NO_MATCH, P0F_BAD_QUERY   p0f said so; host is NULL;
 *   P0F_LOST       the answer to another query was malformed; host is NULL;
 *   another error  the connection failed with it; host is NULL.
 * When an answer is malformed, its own query is told P0F_MALFORMED, after all later ones, which are told
 * P0F_LOST. If they are all asked again in this order on another connection, the query that may have
 * caused it comes last and cannot affect the others.
 * The callback may call p0f_conn_ask() on the same connection. p0f_conn_io() returns P0F_INVALID there, and
 * p0f_conn_free() false. */
typedef void p0f_answer_fn(void *ctx, enum p0f_error error, const struct p0f_host *host);

/* Connects to the Unix socket at `path` without blocking, and queues two probes, for 0.0.0.0, which
 * detect the dialect. `pipeline` is the maximum number of pending queries (1..1024). On P0F_OK the caller
 * owns *conn. Else P0F_INVALID; or P0F_UNREACHABLE or P0F_SYSTEM, with errno. */
P0F_API enum p0f_error p0f_conn_open(const char *path, enum p0f_dialect dialect, unsigned pipeline,
                                     struct p0f_conn **conn) P0F_MUST_USE;

/* The descriptor to watch: always for reading, and for writing while p0f_conn_wants_write(). It stays
 * the connection's. */
P0F_API int p0f_conn_fd(const struct p0f_conn *conn) P0F_NONNULL;
P0F_API bool p0f_conn_wants_write(const struct p0f_conn *conn) P0F_NONNULL;

/* Queues a query, to be sent by the next p0f_conn_io() or p0f_conn_flush(). On P0F_OK, `answer` will be
 * called once. Else it is not called: P0F_FULL, P0F_RETIRED, P0F_INVALID, or the error that the connection
 * failed with. */
P0F_API enum p0f_error p0f_conn_ask(struct p0f_conn *conn, const struct p0f_addr *addr,
                                    p0f_answer_fn *answer, void *ctx) P0F_MUST_USE;

/* Sends and receives as much as possible without blocking, and calls the callbacks. An error is final:
 * the callbacks of all pending queries are called with it, and every later call returns it.
 * Receives about 16 KiB (70 answers) per call, so that a p0f that never stops sending does not block the
 * caller. What is left keeps the descriptor readable: watch it level-triggered, or call again until
 * poll() reports nothing. */
P0F_API enum p0f_error p0f_conn_io(struct p0f_conn *conn);

/* Sends queued queries, without receiving. Errors as for p0f_conn_io(). */
P0F_API enum p0f_error p0f_conn_flush(struct p0f_conn *conn);

/* The number of outstanding answers, those to probes included; 0 once p0f has hung up. After an error it
 * counts down as answers, valid or not, arrive and are discarded. */
P0F_API unsigned p0f_conn_outstanding(const struct p0f_conn *conn) P0F_NONNULL;

/* True once p0f has closed its end: the descriptor need not be watched any more. */
P0F_API bool p0f_conn_hung_up(const struct p0f_conn *conn) P0F_NONNULL;

/* The number of queries, sent or not, whose callback has not been called yet. */
P0F_API unsigned p0f_conn_pending(const struct p0f_conn *conn) P0F_NONNULL;

/* The dialect detected; P0F_DIALECT_AUTO until p0f has answered. Above its connection limit (-S), p0f
 * accepts a connection but does not answer, so this also tells whether the connection is served. */
P0F_API enum p0f_dialect p0f_conn_dialect(const struct p0f_conn *conn) P0F_NONNULL;

/* After P0F_MALFORMED: how the rejected answer begins, *length (up to P0F_REJECTED_MAX) bytes of the
 * connection's, for a message. What speaks there may not be p0f at all. */
#define P0F_REJECTED_MAX 8
P0F_API const uint8_t *p0f_conn_rejected(const struct p0f_conn *conn, size_t *length) P0F_NONNULL;

/* Accepts no more queries from now on; pending ones are still answered. Call p0f_conn_io() until
 * p0f_conn_outstanding() and p0f_conn_pending() are 0, then p0f_conn_free(). */
P0F_API void p0f_conn_retire(struct p0f_conn *conn) P0F_NONNULL;

/* Stops waiting: pending queries are told P0F_DISCONNECTED, those that are not sent yet never will be, and no
 * more are accepted. The connection stays open: call p0f_conn_io(), which discards what arrives, until
 * p0f_conn_outstanding() is 0, then p0f_conn_free(). No-op in a callback. */
P0F_API void p0f_conn_cancel(struct p0f_conn *conn) P0F_NONNULL;

/* Closes and frees the connection and returns true. Queries that were never sent are told
 * P0F_DISCONNECTED. No-op that returns false while an answer is outstanding and in a callback. No-op on
 * NULL. */
P0F_API bool p0f_conn_free(struct p0f_conn *conn) P0F_MUST_USE;

/* The same for a program that is about to exit, which would close the connection, too: if an answer is
 * outstanding, a child process reads it and then exits. Pending queries are told P0F_DISCONNECTED. Returns
 * at once: true, or false if fork() fails (errno is set) and in a callback; nothing is done then. The child
 * has /dev/null as its standard streams and a session of its own, and keeps other descriptors open. */
P0F_API bool p0f_conn_detach(struct p0f_conn *conn) P0F_MUST_USE;

/* ---- One blocking query ----------------------------------------------------------------------- */

/* Queries the p0f at `path` about `addr` and waits until `deadline`, an absolute time of
 * CLOCK_MONOTONIC; NULL waits for ever. On P0F_OK *host is filled. Else P0F_NO_MATCH, P0F_BAD_QUERY,
 * P0F_TIMEOUT, P0F_DISCONNECTED, P0F_UNREACHABLE, P0F_MALFORMED, P0F_OUT_OF_RANGE (with *host filled),
 * P0F_FULL, P0F_SYSTEM, P0F_INVALID; or P0F_LOST, when the late answer to an earlier call was malformed.
 *
 * After P0F_TIMEOUT the connection cannot be closed yet. The library keeps it, and a later call for the
 * same path reads the late answer first. So a stalled p0f costs one connection per calling thread, not
 * one per call, and P0F_FULL is returned once 16 answers are outstanding on it. */
P0F_API enum p0f_error p0f_lookup(const char *path, const struct p0f_addr *addr,
                                  const struct timespec *deadline, struct p0f_host *host)
    P0F_MUST_USE;

/* The same about the host whose address `text` is, as p0f_addr_parse() reads it, for at most `timeout_ms`
 * milliseconds. Errors as above, and P0F_ADDR_*. */
P0F_API enum p0f_error p0f_lookup_text(const char *path, const char *text, unsigned timeout_ms,
                                       struct p0f_host *host) P0F_MUST_USE;

/* Closes the connections that timed-out calls have left, waiting until `deadline` for their answers, as
 * above; NULL waits for ever. Returns how many had to stay open. They must not be closed by the end of the
 * process either: see p0f_lookup_detach(). */
P0F_API unsigned p0f_lookup_drain(const struct timespec *deadline);

/* p0f_conn_detach() for these connections. False if fork() fails: answers are still outstanding then. No
 * other thread may be in a lookup. */
P0F_API bool p0f_lookup_detach(void);

#ifdef __cplusplus
}
#endif

#endif
