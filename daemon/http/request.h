/* SPDX-License-Identifier: MIT */
/* Requests on their way through: what libmicrohttpd calls for each. Private to the HTTP side. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/budget.h"
#include "http/cache_directives.h"
#include "http/connections.h"
#include "http/head.h"
#include "http/response_cache.h"
#include "http/target.h"
#include "http/worker.h"
#include "lookup/lookup.h"
#include "net/networks.h"
#include "net/origins.h"

#include <microhttpd.h>
#include <stdatomic.h>

struct client;

/* What every request needs of the server. */
struct http_service {
    struct lookup *lookup;
    struct readiness *readiness;
    struct status *status;
    const struct networks *trusted; /* proxies */
    const struct origins *cors;
    const char *version;
    unsigned idle_timeout; /* seconds */
    uint32_t max_batch;    /* hosts in one POST /hosts */
    uint32_t batch_window; /* of those, looked up at once */
    size_t batch_bytes;    /* of its body */
    void (*linger)(void *ctx, int fd);
    void *linger_ctx;
    bool access_log;
    struct connections *connections;
    struct budget *batch_memory;
    atomic_bool shutting_down; /* each answer closes its connection */
    atomic_uint leaving;       /* requests that the lookups' loop is being told to end */
};

enum stage {
    STAGE_HEAD,    /* the request line is here */
    STAGE_BODY,    /* the header fields too; an answer may be queued once the body has been read */
    STAGE_WAITING, /* suspended, in other hands */
    STAGE_DONE,
};

/* A request that is suspended. http_suspend.c's own. */
struct waiting {
    struct loop_task resume, leave;
    struct loop_fd watch;                                    /* its connection */
    struct loop_timer unwatched;                             /* until then it is not looked after */
    void (*end_early)(struct client *client, bool for_good); /* NULL: nor at all */
    atomic_int state;
    bool watched, half_closed, gone; /* the last: for good */
    bool for_good;                   /* as `leave` has it */
};

/* One connection, and the request it is on. */
struct client {
    struct http_service *service;
    struct http_worker *worker;
    struct response_cache *response_cache; /* the worker's */
    struct connection entry;
    struct MHD_Connection *connection;
    struct client *older, *newer; /* of the same thread's, see http_replace.h */
    enum stage stage;
    struct target target;
    const struct p0f_addr *about; /* the address the request is about, or NULL */
    const char *method;           /* libmicrohttpd's, while the request lasts */
    const char *url;              /* likewise */
    const char *url_end;          /* of the whole target as it came */
    const char *content_type;
    const char *allow_origin; /* for Access-Control-Allow-Origin, or NULL */
    struct cache_directives directives;
    struct http_head head;
    size_t header_bytes;
    uint64_t content_length;            /* 0 for a chunked body too */
    size_t body_bytes;                  /* that have come */
    struct post *post;                  /* what http_batch.c has of it, or NULL */
    unsigned hosts, lengths, encodings; /* header fields of that name */
    bool chunked;
    bool hidden_length; /* a length or coding of the body that libmicrohttpd does not see */
    bool misnamed;      /* a header field whose name is none */
    bool bad_host;      /* a byte in Host that no host may have */
    bool conditional;   /* If-None-Match */
    bool early;         /* answered before its body was read, which closes the connection */
    bool encoded;       /* Content-Encoding: compressed, perhaps */
    bool preflight;     /* Access-Control-Request-Method: a browser asks what it may ask */
    struct lookup_request lookup;
    struct ops_request *operation; /* what http_operations.c waits with, or NULL */
    enum MHD_Result (*resumed)(struct client *client); /* in STAGE_WAITING, as is the next */
    void (*abandoned)(struct client *client);
    struct waiting waiting;
};

/* MHD_OPTION_URI_LOG_CALLBACK: the request line as it came, on a connection whose socket context is
 * its struct client. What is returned becomes the handler's *request. */
void *http_on_target(void *ctx, const char *text, struct MHD_Connection *connection);

/* The access handler: called when the header is complete, for each part of the body, at the end of
 * the request, and again after a resume. */
enum MHD_Result http_on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *body,
                                size_t *body_length, void **request);

/* MHD_OPTION_NOTIFY_COMPLETED. */
void http_on_completed(void *ctx, struct MHD_Connection *connection, void **request,
                       enum MHD_RequestTerminationCode why);

#endif
