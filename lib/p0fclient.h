/* SPDX-License-Identifier: MIT */
/* p0fclient.h - a client for the API socket of p0f v3.
 *
 * Three layers, each usable alone:
 *   address and wire   pure functions over the caller's buffers, no allocation;
 *   struct p0f_conn    one non-blocking, pipelined connection for an event loop;
 *   p0f_lookup()       one blocking question.
 *
 * The library never logs, never exits, reads neither the clock nor the environment, and needs only
 * the C library. p0f can be killed by a client that closes a connection while an answer is owed (it
 * treats a failed write as fatal and does not ignore SIGPIPE), so nothing here ever does that.
 *
 * Protocol facts come from p0f 3.09b: docs/README section 5 and api.h/api.c.
 *
 * Thread safety: pure functions may be called from anywhere; one p0f_conn belongs to one thread at
 * a time; p0f_lookup() may be called from any number of threads at once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef P0FCLIENT_H
#define P0FCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define P0F_API __attribute__((visibility("default")))
#define P0F_MUST_USE __attribute__((warn_unused_result))

/* Where Debian's and our own p0f.service put the socket; p0f itself has no default. */
#define P0F_DEFAULT_SOCKET "/run/p0f/p0f.sock"

enum p0f_error {
    P0F_OK = 0,

    /* What p0f said. */
    P0F_NO_MATCH,  /* p0f does not know the host */
    P0F_BAD_QUERY, /* p0f did not understand the query */

    /* What went wrong on the way. */
    P0F_MALFORMED,     /* bytes that are no answer: wrong magic, wrong status, or not asked for */
    P0F_OUT_OF_RANGE,  /* an answer whose bad_sw or os_match_q has a value p0f cannot mean */
    P0F_WRONG_DIALECT, /* answers of another size than the fixed dialect has */
    P0F_TIMEOUT,       /* no answer before the deadline */
    P0F_DISCONNECTED,  /* p0f closed the connection */
    P0F_LOST,          /* the answer to another query was malformed: where this one is is lost */
    P0F_UNREACHABLE,   /* the socket could not be connected; errno says why */
    P0F_FULL,          /* as many answers are owed as the pipeline holds */
    P0F_RETIRED,       /* the connection takes no more queries */
    P0F_SYSTEM,        /* out of memory or descriptors, or EINVAL; errno says which */

    /* Why a text is no address. */
    P0F_ADDR_EMPTY,
    P0F_ADDR_TOO_LONG,
    P0F_ADDR_ZONE,         /* fe80::1%eth0 */
    P0F_ADDR_CIDR,         /* 10.0.0.0/8 */
    P0F_ADDR_LEADING_ZERO, /* 010.0.0.1: octal to some, decimal to others */
    P0F_ADDR_BRACKETS,     /* unbalanced [ ] */
    P0F_ADDR_SYNTAX,
};

/* A sentence fragment in English for `error`, never NULL, static. */
P0F_API const char *p0f_strerror(enum p0f_error error);

/* ---- Addresses ------------------------------------------------------------------------------ */

/* An address as p0f's query holds it. Comparable and hashable as 17 plain bytes: there is no
 * padding, and an IPv4 address always has 12 zero bytes behind it. */
struct p0f_addr {
    uint8_t type;      /* 4 or 6, the wire's own values (P0F_ADDR_IPV4, P0F_ADDR_IPV6 in api.h) */
    uint8_t bytes[16]; /* network order, IPv4 in the first four */
};

#define P0F_ADDR_TEXT_SIZE 46 /* the longest text with its NUL */

/* Reads `length` bytes at `text` (no NUL needed, an embedded one is an error) as what inet_pton
 * takes, with or without [brackets]. ::ffff:a.b.c.d becomes the IPv4 address: p0f knows only that.
 * Returns P0F_OK, or a P0F_ADDR_* error and leaves *addr alone. */
P0F_API enum p0f_error p0f_addr_parse(const char *text, size_t length, struct p0f_addr *addr)
    P0F_MUST_USE;

/* Writes the canonical text (RFC 5952, always in hexadecimal groups) and returns its length. */
P0F_API size_t p0f_addr_format(const struct p0f_addr *addr, char text[P0F_ADDR_TEXT_SIZE]);

/* ---- Wire ----------------------------------------------------------------------------------- */

/* p0f's answer has no length field, and patched p0fs answer in other sizes. */
enum p0f_dialect {
    P0F_DIALECT_AUTO = 0, /* find out on the connection; never the dialect of an answer */
    P0F_DIALECT_P0F3,     /* stock p0f 3.x: 232 bytes */
    P0F_DIALECT_MTU,      /* p0f-mtu: 234, u16 link_mtu between http_flavor and link_type */
    P0F_DIALECT_MSS,      /* p0f-mss: 236, u16 mtu and u16 mss in that place */
    P0F_DIALECT_API2,     /* 243, u8 version, u16 last_mtu, double last_freq after status */
};

/* "auto", "p0f3", "mtu", "mss", "api2". */
P0F_API const char *p0f_dialect_name(enum p0f_dialect dialect);

/* Bytes of one answer; 0 for P0F_DIALECT_AUTO. */
P0F_API size_t p0f_answer_size(enum p0f_dialect dialect);

#define P0F_QUERY_SIZE 21
#define P0F_ANSWER_MAX 243

#define P0F_QUERY_MAGIC 0x50304601u
#define P0F_ANSWER_MAGIC 0x50304602u

#define P0F_STATUS_BADQUERY 0x00u
#define P0F_STATUS_OK 0x10u
#define P0F_STATUS_NOMATCH 0x20u

#define P0F_TEXT_SIZE 33 /* 32 bytes on the wire, which p0f fills without a NUL when it has 32 */

/* What p0f knows of a host, in wire order. Times are unix seconds. */
struct p0f_host {
    enum p0f_dialect dialect; /* whose extra fields hold something */
    uint8_t version;          /* api2: 2 when the status is OK */
    uint16_t last_mtu;        /* api2 */
    double last_freq;         /* api2 */
    uint32_t first_seen;
    uint32_t last_seen;
    uint32_t total_conn;
    uint32_t uptime_min; /* minutes; 0 = unknown */
    uint32_t up_mod_days;
    uint32_t last_nat;           /* 0 = never */
    uint32_t last_chg;           /* 0 = never */
    int16_t distance;            /* hops; -1 = unknown */
    uint8_t bad_sw;              /* 0 honest or no data, 1 OS differs, 2 outright mismatch */
    uint8_t os_match_q;          /* bit 0 fuzzy, bit 1 generic */
    char os_name[P0F_TEXT_SIZE]; /* texts are any bytes but NUL; "" = unknown */
    char os_flavor[P0F_TEXT_SIZE];
    char http_name[P0F_TEXT_SIZE];
    char http_flavor[P0F_TEXT_SIZE];
    uint16_t link_mtu; /* p0f-mtu */
    uint16_t mtu;      /* p0f-mss */
    uint16_t mss;      /* p0f-mss */
    char link_type[P0F_TEXT_SIZE];
    char language[P0F_TEXT_SIZE];
};

struct p0f_answer {
    uint32_t status; /* P0F_STATUS_* */
    struct p0f_host host;
};

/* Query, 21 bytes: u32 magic (host byte order), u8 type, u8 addr[16]. */
P0F_API void p0f_query_pack(const struct p0f_addr *addr, uint8_t out[P0F_QUERY_SIZE]);
P0F_API bool p0f_query_unpack(const uint8_t in[P0F_QUERY_SIZE], struct p0f_addr *addr);

/* Writes p0f_answer_size(dialect) bytes; returns how many. For fakes and tests. */
P0F_API size_t p0f_answer_pack(const struct p0f_answer *answer, enum p0f_dialect dialect,
                               uint8_t out[P0F_ANSWER_MAX]);

/* Reads one answer from the first `length` bytes at `in`. Returns the bytes consumed; 0 when more
 * are needed; -1 when this cannot become an answer (magic or status), however much follows.
 * Ranges of the fields are not looked at: p0f_host_check does that. */
P0F_API int p0f_answer_unpack(const uint8_t *in, size_t length, enum p0f_dialect dialect,
                              struct p0f_answer *answer) P0F_MUST_USE;

/* Tells the dialect from the first `length` bytes of a stream that begins with two answers: the
 * second magic stands where the first answer ends. Returns 1 and sets *dialect, 0 when more bytes
 * are needed, -1 when the stream fits none. 247 bytes are always enough. */
P0F_API int p0f_dialect_detect(const uint8_t *in, size_t length, enum p0f_dialect *dialect)
    P0F_MUST_USE;

/* P0F_OK, or P0F_OUT_OF_RANGE when bad_sw is not 0..2 or os_match_q not 0..3. */
P0F_API enum p0f_error p0f_host_check(const struct p0f_host *host) P0F_MUST_USE;

/* ---- One non-blocking connection ------------------------------------------------------------- */

struct p0f_conn;

/* Called exactly once for each query taken, in the order they were asked:
 *   P0F_OK         host holds the answer, for the time of the call;
 *   P0F_NO_MATCH, P0F_BAD_QUERY   p0f said so; host is NULL;
 *   P0F_LOST       the connection has failed on the answer to another query; host is NULL;
 *   another error  the connection has failed with it; host is NULL.
 * Only the query whose own answer is P0F_MALFORMED is told so, and after those behind it, which are
 * told P0F_LOST: who asks again elsewhere, in that order, puts it where it harms no other.
 * May ask more on the same connection; must not free it. */
typedef void p0f_answer_fn(void *ctx, enum p0f_error error, const struct p0f_host *host);

/* Connects to the unix socket at `path` without blocking and asks for 0.0.0.0 twice, which tells
 * the dialect. `pipeline` is how many queries of the caller may be owed an answer at once (1..1024).
 * On P0F_OK the caller owns *conn; on P0F_UNREACHABLE or P0F_SYSTEM errno is set. */
P0F_API enum p0f_error p0f_conn_open(const char *path, enum p0f_dialect dialect, unsigned pipeline,
                                     struct p0f_conn **conn) P0F_MUST_USE;

/* The descriptor to watch: always for reading, and for writing while p0f_conn_wants_write(). */
P0F_API int p0f_conn_fd(const struct p0f_conn *conn);
P0F_API bool p0f_conn_wants_write(const struct p0f_conn *conn);

/* Takes a query; it is sent at the next p0f_conn_io(). `answer` is called for it if and only if
 * P0F_OK is returned; else P0F_FULL, P0F_RETIRED, or the error that ended the connection. */
P0F_API enum p0f_error p0f_conn_ask(struct p0f_conn *conn, const struct p0f_addr *addr,
                                    p0f_answer_fn *answer, void *ctx) P0F_MUST_USE;

/* Sends and receives what is possible without blocking and calls back. An error ends the
 * connection for good (each query owed is told), and is returned by every later call too.
 * Receives some 16 KiB at a call (70 answers), so that a p0f that writes without end holds up nobody
 * else of yours. What is left keeps the descriptor readable: watch it level-triggered, or call again
 * until poll() says that there is nothing more. */
P0F_API enum p0f_error p0f_conn_io(struct p0f_conn *conn);

/* Only sends what was asked and not yet sent; what p0f_conn_io does, less the receiving. */
P0F_API enum p0f_error p0f_conn_flush(struct p0f_conn *conn);

/* Answers still to come to what was sent, probes included; 0 once p0f has hung up. After
 * P0F_MALFORMED it counts down as answers, good or bad, arrive and are thrown away. */
P0F_API unsigned p0f_conn_outstanding(const struct p0f_conn *conn);

/* True once p0f has closed its end: there is nothing more to watch the descriptor for. */
P0F_API bool p0f_conn_hung_up(const struct p0f_conn *conn);

/* Queries that were asked, sent or not, and whose callback is still to come. */
P0F_API unsigned p0f_conn_pending(const struct p0f_conn *conn);

/* The dialect spoken, or P0F_DIALECT_AUTO until p0f has answered for the first time. A connection
 * over p0f's cap (-S) connects and is never answered, so this also tells one that is served. */
P0F_API enum p0f_dialect p0f_conn_dialect(const struct p0f_conn *conn);

/* Takes no more queries from now on; those taken are still answered. Keep calling p0f_conn_io
 * until p0f_conn_outstanding() and p0f_conn_pending() are 0, then free. */
P0F_API void p0f_conn_retire(struct p0f_conn *conn);

/* Closes and frees, unless p0f still owes an answer or this is a callback: then nothing happens and
 * it returns false. Queries that were never sent are told P0F_DISCONNECTED. NULL is freed gladly. */
P0F_API bool p0f_conn_free(struct p0f_conn *conn) P0F_MUST_USE;

/* ---- One blocking question -------------------------------------------------------------------- */

/* Asks the p0f at `path` about `addr` and waits until `deadline` (CLOCK_MONOTONIC, absolute; NULL =
 * for ever). Fills *host and returns P0F_OK, else what went wrong: P0F_NO_MATCH, P0F_BAD_QUERY,
 * P0F_TIMEOUT, P0F_DISCONNECTED, P0F_UNREACHABLE, P0F_MALFORMED, P0F_OUT_OF_RANGE (*host is filled
 * then too), P0F_FULL, P0F_SYSTEM, or P0F_LOST, when it was the late answer to an earlier call that
 * was malformed.
 *
 * After P0F_TIMEOUT the connection cannot be closed (see above). The library keeps it, and a later
 * call for the same path reads the late answers first; so a stalled p0f costs each calling thread
 * one connection, not one a call, and P0F_FULL is returned once 16 answers are owed on it. */
P0F_API enum p0f_error p0f_lookup(const char *path, const struct p0f_addr *addr,
                                  const struct timespec *deadline, struct p0f_host *host)
    P0F_MUST_USE;

/* Tries to close what timed-out calls of p0f_lookup() left behind, waiting until `deadline` for the
 * answers owed. Returns how many connections are still owed one. */
P0F_API unsigned p0f_lookup_drain(const struct timespec *deadline);

#ifdef __cplusplus
}
#endif

#endif
