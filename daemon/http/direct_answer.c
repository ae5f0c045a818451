/* SPDX-License-Identifier: MIT */
#include "http/direct_answer.h"

#include "core/clock.h"
#include "core/strbuf.h"
#include "http/respond.h"
#include "http/response.h"
#include "tls/session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define ANSWER_SIZE 4096

static void add_line(struct strbuf *answer, const char *name, const char *value)
{
    strbuf_puts(answer, name);
    strbuf_puts(answer, ": ");
    strbuf_puts(answer, value);
    strbuf_puts(answer, "\r\n");
}

static enum MHD_Result add_field(void *ctx, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    add_line(ctx, name, value);
    return MHD_YES;
}

static void add_head(struct strbuf *answer, unsigned status, struct MHD_Response *response,
                     size_t body_length)
{
    char date[64];
    time_t now = (time_t)clock_wall();
    struct tm parts;

    strbuf_puts(answer, "HTTP/1.1 ");
    strbuf_put_number(answer, status);
    strbuf_puts(answer, " ");
    strbuf_puts(answer, MHD_get_reason_phrase_for(status));
    strbuf_puts(answer, "\r\n");
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
    add_line(answer, "Date", date);
    add_line(answer, "Connection", "close");
    MHD_get_response_headers(response, add_field, answer);
    strbuf_puts(answer, "Content-Length: ");
    strbuf_put_number(answer, (int64_t)body_length);
    strbuf_puts(answer, "\r\n\r\n");
}

/* Whether the answer must not have a body. The method is unknown before our handler is called, but it is
 * right before the target. */
static bool is_head(const struct request *request)
{
    static const char head[] = "HEAD"; /* the space after it has become a NUL */

    if (request->stage == STAGE_NONE)
        return false;
    if (request->stage >= STAGE_BODY)
        return strcmp(request->method, head) == 0;
    return request->client->memory && request->client->memory + sizeof head <= request->url &&
           memcmp(request->url - sizeof head, head, sizeof head) == 0;
}

/* False when out of memory, or it does not fit. */
static bool write_answer(struct strbuf *answer, const struct request *request, enum problem problem,
                         const char *detail)
{
    size_t length = 0;
    char *body = response_problem_text(problem, request->about, detail, &length);

    if (!body)
        return false;
    struct MHD_Response *response = response_problem(problem, request->about, detail, NULL);
    respond_add_fields(request, &response);
    answer->failed = !response;
    if (response) {
        add_head(answer, problem_kind(problem)->status, response, length);
        strbuf_put(answer, body, is_head(request) ? 0 : length);
        MHD_destroy_response(response);
    }
    free(body);
    return !answer->failed;
}

static void send_last(const struct client *client, const struct strbuf *answer)
{
    if (client->tls && tls_session_fault(client->tls) != TLS_FAULT_PLAIN_HTTP)
        tls_session_send_last(client->tls, answer->text, answer->used);
    else
        send(client->entry.fd, answer->text, answer->used, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void direct_answer(struct request *request, enum problem problem, const char *detail)
{
    const char *origin = MHD_lookup_connection_value(request->client->connection, MHD_HEADER_KIND,
                                                     MHD_HTTP_HEADER_ORIGIN);
    char bytes[ANSWER_SIZE];
    struct strbuf answer = strbuf_on(bytes, sizeof bytes);

    if (request->stage == STAGE_NONE) /* *request is still the one before */
        *request = (struct request){
            .client = request->client,
            .target.route = route_of_none(request->client->service->routes),
            .url = "-",
        };
    request->allow_origin = origins_allow(request->client->service->cors, origin);
    bool written = write_answer(&answer, request, problem, detail);
    if (request->stage < STAGE_BODY)
        request->method = "-"; /* unknown */
    request->early = true;
    respond_note(request, problem_kind(problem)->status);
    if (written)
        send_last(request->client, &answer);
    shutdown(request->client->entry.fd, SHUT_WR);
}
