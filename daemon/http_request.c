#include "http_request.h"

#include "http_reply.h"
#include "log.h"
#include "problem.h"

#include <netdb.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEADERS_MOST (8 * 1024) /* bytes of header fields */
#define BODY_MOST (1024 * 1024) /* bytes read and dropped before a client is cut off */

/* ---- Answering. Each returns what the handler returns: MHD_NO closes the connection. */

static void log_access(const struct client *client, unsigned status)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(client->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char peer[NI_MAXHOST] = "unix";

    if (info && info->client_addr && info->client_addr->sa_family == AF_INET)
        getnameinfo(info->client_addr, sizeof(struct sockaddr_in), peer, sizeof peer, NULL, 0,
                    NI_NUMERICHOST);
    else if (info && info->client_addr && info->client_addr->sa_family == AF_INET6)
        getnameinfo(info->client_addr, sizeof(struct sockaddr_in6), peer, sizeof peer, NULL, 0,
                    NI_NUMERICHOST);
    log_info("%s \"%.16s %.200s\" %u", peer, client->method, client->url, status);
}

/* Takes the response over; NULL, for want of memory, closes the connection. */
static enum MHD_Result queue(struct client *client, unsigned status, struct MHD_Response *response)
{
    if (!response)
        return MHD_NO;
    client->stage = STAGE_DONE;
    if (atomic_load_explicit(&client->service->winding_down, memory_order_relaxed))
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (client->service->access_log)
        log_access(client, status);
    enum MHD_Result result = MHD_queue_response(client->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* A problem document. The freshness goes with "no match" only, which is an answer of p0f's. */
__attribute__((format(printf, 4, 5))) static enum MHD_Result
queue_problem(struct client *client, enum problem problem, const struct freshness *freshness,
              const char *format, ...)
{
    char detail[256];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    return queue(client, problem_kind(problem)->status,
                 reply_problem(problem, target_addr(&client->target), detail, freshness));
}

static unsigned status_for(const struct client *client, const char *etag)
{
    bool same = client->if_none_match && conditions_names_etag(client->if_none_match, etag);

    return same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK;
}

/* The same again, if it was just built for somebody else. Takes the reference over. */
static enum MHD_Result queue_hit(struct client *client, struct answer *answer,
                                 const struct answer_body *body)
{
    struct http_recent *recent = client->service->recent;
    const struct freshness *freshness = &client->lookup.freshness;
    const struct http_recent_key key = http_recent_key(answer, client->target.format, freshness);
    struct MHD_Response *response = http_recent_take(recent, &key);
    unsigned status = status_for(client, body->etag);

    if (response)
        answer_unref(answer); /* the response has a reference of its own */
    else
        response = reply_host(answer, body, freshness);
    if (!response)
        return MHD_NO;
    client->stage = STAGE_DONE;
    if (client->service->access_log)
        log_access(client, status);
    enum MHD_Result result = MHD_queue_response(client->connection, status, response);
    http_recent_put(recent, &key, response);
    return result;
}

/* Takes the request's reference to the answer over. */
static enum MHD_Result queue_host(struct client *client)
{
    struct answer *answer = client->lookup.answer;
    const struct freshness *freshness = &client->lookup.freshness;
    enum render_format format = client->target.format;

    if (format == RENDER_PARSED && !answer_valid(answer)) {
        answer_unref(answer);
        return queue_problem(client, PROBLEM_BAD_RESPONSE, NULL,
                             "p0f's answer has bad_sw or os_match_q out of range; format=raw shows "
                             "it as it is");
    }
    const struct answer_body *body = answer_body(answer, format);
    if (!body) {
        answer_unref(answer);
        return MHD_NO;
    }
    if (freshness->source == FRESHNESS_HIT && freshness->age_ms < freshness->ttl_ms &&
        !atomic_load_explicit(&client->service->winding_down, memory_order_relaxed))
        return queue_hit(client, answer, body);
    unsigned status = status_for(client, body->etag);
    return queue(client, status, reply_host(answer, body, freshness));
}

static enum MHD_Result queue_lookup(struct client *client)
{
    char ip[P0F_ADDR_TEXT_SIZE];

    if (client->lookup.outcome == LOOKUP_FOUND)
        return queue_host(client);
    p0f_addr_format(&client->target.addr, ip);
    switch (client->lookup.outcome) {
    case LOOKUP_FOUND:
        break;
    case LOOKUP_NO_MATCH:
        return queue_problem(client, PROBLEM_NO_MATCH, &client->lookup.freshness,
                             "p0f does not know %s", ip);
    case LOOKUP_BAD_RESPONSE:
        return queue_problem(client, PROBLEM_BAD_RESPONSE, NULL,
                             "what p0f sent about %s is no answer", ip);
    case LOOKUP_UNAVAILABLE:
        return queue_problem(client, PROBLEM_UNAVAILABLE, NULL,
                             "there is no connection to p0f, and nothing usable is cached");
    case LOOKUP_OVERLOADED:
        return queue_problem(client, PROBLEM_OVERLOADED, NULL,
                             "as many lookups are waiting as p0f.max_pending allows");
    case LOOKUP_TIMEOUT:
        return queue_problem(client, PROBLEM_TIMEOUT, NULL, "p0f did not answer in time");
    case LOOKUP_NOT_CACHED:
        return queue_problem(client, PROBLEM_TIMEOUT, NULL,
                             "%s is not cached, and the request wants nothing else", ip);
    }
    return MHD_NO;
}

/* In the loop's thread. After the resume the client may be gone at any moment. */
static void on_lookup_done(struct lookup_request *request)
{
    struct client *client = (struct client *)((char *)request - offsetof(struct client, lookup));

    MHD_resume_connection(client->connection);
}

static enum MHD_Result look_up(struct client *client)
{
    struct lookup_request *request = &client->lookup;

    request->addr = client->target.addr;
    request->wait_ms = client->target.wait_ms;
    request->max_age_ms = client->conditions.max_age_ms;
    request->only_if_cached = client->conditions.only_if_cached;
    request->done = on_lookup_done;
    if (lookup_try(client->service->lookup, request))
        return queue_lookup(client);
    client->stage = STAGE_WAITING;
    MHD_suspend_connection(client->connection);
    lookup_submit(client->service->lookup, request);
    return MHD_YES;
}

/* ---- Requests */

/* Called for each header field; only looks. */
static enum MHD_Result see_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                  size_t name_length, const char *value, size_t value_length)
{
    struct client *client = ctx;

    (void)kind;
    client->header_bytes += name_length + value_length + 4;
    switch (name_length) { /* most fields are none of these: their lengths tell */
    case 4:
        client->hosts += strcasecmp(name, "Host") == 0;
        break;
    case 13:
        if (strcasecmp(name, "If-None-Match") == 0)
            client->if_none_match = value;
        else if (strcasecmp(name, "Cache-Control") == 0)
            conditions_cache_control(value, &client->conditions);
        break;
    case 14:
        client->lengths += strcasecmp(name, "Content-Length") == 0;
        break;
    case 17:
        if (strcasecmp(name, "Transfer-Encoding") == 0) {
            client->encodings++;
            client->chunked = strcasecmp(value, "chunked") == 0;
        }
        break;
    default:
        break;
    }
    return MHD_YES;
}

/* Lengths that two servers could read differently are how requests are smuggled past a proxy. */
static bool is_ambiguous(const struct client *client)
{
    return client->lengths > 1 || client->encodings > 1 ||
           (client->encodings == 1 && (client->lengths > 0 || !client->chunked));
}

static enum MHD_Result on_head(struct client *client, const char *url, const char *method,
                               const char *version)
{
    client->stage = STAGE_BODY;
    client->method = method;
    client->url = url;
    client->if_none_match = NULL;
    client->conditions = (struct conditions){.max_age_ms = LOOKUP_MAX_AGE_UNSET};
    client->header_bytes = client->body_bytes = 0;
    client->hosts = client->lengths = client->encodings = 0;
    MHD_get_connection_values_n(client->connection, MHD_HEADER_KIND, see_header, client);
    /* Answered before the body is read, which makes libmicrohttpd close the connection: right here,
     * as nobody can tell where the next request would begin. */
    if (is_ambiguous(client))
        return queue_problem(client, PROBLEM_BAD_REQUEST, NULL,
                             "Content-Length and Transfer-Encoding leave the body's length open");
    if (client->hosts != 1 && (client->hosts > 1 || strcmp(version, "HTTP/1.1") == 0))
        return queue_problem(client, PROBLEM_BAD_REQUEST, NULL, "expected one Host field, got %u",
                             client->hosts);
    return MHD_YES;
}

static enum MHD_Result answer_get(struct client *client)
{
    const struct target *target = &client->target;

    switch (target->route) {
    case TARGET_INDEX:
        return queue(client, MHD_HTTP_OK, reply_index(client->service->version));
    case TARGET_LIVEZ:
        return queue(client, MHD_HTTP_OK, reply_alive());
    case TARGET_HOST:
        if (target->error == TARGET_BAD_ADDRESS)
            return queue_problem(client, PROBLEM_BAD_ADDRESS, NULL, "%s",
                                 p0f_strerror(target->address));
        if (target->error == TARGET_BAD_PARAMETER)
            return queue_problem(client, PROBLEM_BAD_PARAMETER, NULL, "%s", target->detail);
        return look_up(client);
    case TARGET_SERVER:
    case TARGET_NONE:
        break;
    }
    return queue_problem(client, PROBLEM_NOT_FOUND, NULL, "there is nothing here; / lists what is");
}

static enum MHD_Result answer(struct client *client)
{
    const char *method = client->method;

    if (client->target.error == TARGET_TOO_LONG)
        return queue_problem(client, PROBLEM_URI_TOO_LONG, NULL,
                             "expected a target of at most %d bytes", TARGET_MOST);
    if (client->header_bytes > HEADERS_MOST)
        return queue_problem(client, PROBLEM_HEADERS_TOO_LARGE, NULL,
                             "expected at most %d bytes of header fields", HEADERS_MOST);
    if (client->target.route == TARGET_NONE)
        return answer_get(client);
    if (strcmp(method, "OPTIONS") == 0)
        return queue(client, MHD_HTTP_NO_CONTENT, reply_options());
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return queue_problem(client, PROBLEM_METHOD_NOT_ALLOWED, NULL, "%.32s is not one of %s",
                             method, REPLY_ALLOWED);
    return answer_get(client);
}

enum MHD_Result http_on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *body,
                                size_t *body_length, void **request)
{
    struct client *client = *request;

    (void)ctx, (void)connection, (void)body;
    if (!client)
        return MHD_NO; /* there was no memory for it */
    switch (client->stage) {
    case STAGE_HEAD:
        return on_head(client, url, method, version);
    case STAGE_BODY:
        if (*body_length == 0)
            return answer(client);
        client->body_bytes += *body_length; /* no resource of ours takes a body: read and dropped */
        *body_length = 0;
        return client->body_bytes <= BODY_MOST ? MHD_YES : MHD_NO;
    case STAGE_WAITING:
        client->stage =
            STAGE_DONE; /* the answer is queue_lookup's from here on, even if it fails */
        return queue_lookup(client);
    case STAGE_DONE:
        break;
    }
    return MHD_YES;
}

void *http_on_target(void *ctx, const char *text, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct client *client = info ? info->socket_context : NULL;

    (void)ctx;
    if (!client)
        return NULL;
    atomic_store_explicit(&client->busy, true, memory_order_relaxed);
    client->stage = STAGE_HEAD;
    client->lookup.answer = NULL;
    target_parse(text, strlen(text), &client->target);
    const struct p0f_addr *addr = target_addr(&client->target);
    if (addr) /* the header fields are still to be read: time enough for it to come from memory */
        lookup_expect(client->service->lookup, addr);
    return client;
}

void http_on_completed(void *ctx, struct MHD_Connection *connection, void **request,
                       enum MHD_RequestTerminationCode why)
{
    struct client *client = *request;

    (void)ctx, (void)connection, (void)why;
    if (!client)
        return;
    if (client->stage == STAGE_WAITING) /* answered, but the client had gone */
        answer_unref(client->lookup.answer);
    atomic_store_explicit(&client->busy, false, memory_order_relaxed);
}
