/* SPDX-License-Identifier: MIT */
/* A connection and its current request. Structs only: dispatch.c includes the handlers, and they include
 * this. Private to the HTTP side; all of it belongs to the worker's thread. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/budget.h"
#include "http/connections.h"
#include "http/fields.h"
#include "http/response_cache.h"
#include "http/target.h"
#include "http/worker.h"
#include "http/worker_tokens.h"
#include "lookup/lookup.h"
#include "net/client_header.h"
#include "net/networks.h"
#include "net/origins.h"
#include "net/server_names.h"
#include "tls/current.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <sys/queue.h>

/* What all requests share. */
struct http_service {
    const struct route_table *routes;
    struct lookup *lookup;
    struct readiness *readiness;
    struct status *status;
    const struct networks *trusted; /* proxies */
    bool proxy_protocol;            /* peers may be their clients */
    struct client_header client_header;
    atomic_uint client_hints; /* that have been logged; client_hint.c's */
    const struct origins *cors;
    const struct server_names *names;
    const char *version;
    unsigned idle_timeout;    /* seconds */
    unsigned library_timeout; /* of libmicrohttpd's own, see request_timeout.h */
    uint32_t max_batch;       /* hosts in one POST /hosts */
    uint32_t batch_window;    /* of those, looked up at the same time */
    size_t batch_bytes;       /* of its body */
    void (*linger)(void *ctx, int fd, const struct sockaddr *peer);
    void *linger_ctx;
    bool access_log;
    struct tls_current *certificate; /* NULL: no TLS */
    struct connections *connections;
    struct budget *batch_memory;
    atomic_bool shutting_down;           /* each answer closes its connection */
    atomic_bool closing_idle;            /* connections without a request are closed */
    _Atomic int64_t denials_logged_next; /* not before; denied.c's, as the next */
    atomic_uint denials_not_logged;
    atomic_uint leaving; /* tasks on their way to the lookups' loop, for clients that left */
};

enum stage {
    STAGE_NONE,    /* no request line has been read, or it is malformed */
    STAGE_HEAD,    /* the request line has been read */
    STAGE_BODY,    /* the header, too; a response may be queued once the body has been read */
    STAGE_WAITING, /* suspended */
    STAGE_DONE,
};

/* Whether a request may be answered; see access.h. */
enum access {
    ACCESS_GRANTED,
    ACCESS_NO_TOKEN,
    ACCESS_BAD_TOKEN, /* nobody's, or unclear which */
    ACCESS_BAD_ROLE,  /* it is valid, but may not do this */
};

struct request;

/* A request that is suspended. suspend.c's own. */
struct waiting {
    struct loop_task resume, leave;
    struct loop_fd watch;                                      /* its connection */
    struct loop_timer unwatched;                               /* not watched until then */
    void (*end_early)(struct request *request, bool for_good); /* NULL: not watched at all */
    atomic_int state;
    bool watched, half_closed, gone; /* gone: disconnected, not only half closed */
    bool for_good;                   /* for end_early(), while `leave` is on its way */
};

/* A request. Assigned as a whole when its request line has been read (dispatch.c), so that nothing is
 * left of the one before it on the connection. */
struct request {
    struct client *client;
    enum stage stage;
    struct target target;
    const struct p0f_addr *about; /* the address the request is about, or NULL */
    const char *method;           /* libmicrohttpd's, while the request lasts */
    const char *url;              /* likewise */
    const char *url_end;          /* of the whole target as received */
    const char *allow_origin;     /* for Access-Control-Allow-Origin, or NULL */
    struct fields fields;
    enum access access;
    enum token_role role; /* of its token, with ACCESS_BAD_ROLE */
    size_t body_bytes;    /* received so far */
    bool early;           /* answered before its body was read, which closes the connection */
    bool stuck; /* its bytes fill the library's memory, unless it still calls us for some */
    struct lookup_request lookup;
    void *state;                              /* the handler's own */
    void (*release)(struct request *request); /* releases what it holds, at its end; or NULL */
    enum MHD_Result (*resumed)(struct request *request); /* in STAGE_WAITING */
    struct waiting waiting;
};

/* A connection. */
struct client {
    struct http_service *service;
    struct http_worker *worker;
    struct response_cache *response_cache; /* the worker's */
    struct worker_tokens *tokens;          /* likewise */
    bool local; /* over a unix socket; known only where there are tokens */
    struct connection entry;
    struct MHD_Connection *connection;
    struct tls_session *tls;         /* NULL: no TLS */
    struct tls_handshake *handshake; /* while that is under way */
    const char *memory;              /* the lowest address known of the library's for it; or NULL */
    LIST_ENTRY(client) link;         /* clients.c's */
    bool request_begun;     /* something of a request has been read, perhaps not its whole line */
    bool timed_out;         /* that took too long: nothing more is read */
    struct request request; /* the current one, or the last */
};

#endif
