/* SPDX-License-Identifier: MIT */
/* All workarounds for libmicrohttpd: those done here, and those that are part of other files. "Seen" and
 * "fixed" are its versions as far as known; we have run 0.9.75 (Debian 12) and 1.0.1 (Debian 13).
 *
 * In workarounds.c, by section:
 * 1. A NUL ends a header field, whatever follows it, and a folded field (one continued on a second line)
 *    gets another name. Seen in 0.9.75; fixed in 1.0.0, which refuses NULs and joins the lines.
 * 2. A target with more parameters than fit into the connection's memory gets no answer. Seen in 0.9.75;
 *    1.0.1 refuses it, but still parses parameters that nobody needs.
 * 3. It answers malformed requests with HTML pages of its own, without calling the handler, or closes the
 *    connection without an answer; 0.9.75 also if a header leaves no room for that of our response. Its
 *    log tells of each, but not which connection it is; reading.c finds out. Seen in 0.9.75 and 1.0.1.
 * 4. A response that is queued before the body has been read closes the connection at once, which can
 *    cost the client the response. Seen in 0.9.75 and 1.0.1.
 * 5. When a suspended request is resumed and its client has closed its sending side, the connection is
 *    closed without a response. Seen in 0.9.75 and 1.0.1.
 * 6. A chunk extension that fills the connection's memory is neither read on nor refused, and the library
 *    always has something to do: a busy loop until the idle timeout. Seen in 0.9.75; fixed in 1.0.0,
 *    which refuses it, but tells of no completion (seen in 1.0.1).
 *
 * Elsewhere:
 * - dispatch.c: after "Expect: 100-continue" without a body, the handler is called for 0 bytes, when no
 *   response can be queued. Seen in 0.9.75. Requests of HTTP/1.2 to 1.9 are served. Seen in 0.9.75 and
 *   1.0.1.
 * - fields.c: a field name with whitespace before the colon, or of a folded field, is another name;
 *   unknown transfer codings are ignored; trailing whitespace is left in values. Seen in 0.9.75; fixed
 *   in 1.0.0, which refuses the names and the codings. Of several lengths, or a length and a coding, one
 *   is chosen. Seen in 0.9.75 and 1.0.1.
 * - direct_answer.c: no answer is taken before a request is complete, and a request that takes too long
 *   gets none; any byte resets the timeout (request_timeout.h). Seen in 0.9.75 and 1.0.1.
 * - response.c: an empty value of a header field is refused, but not a space. Seen in 0.9.75 and 1.0.1.
 * - worker.c: when MHD_epoll() has fetched as many events as it can (128), it waits again, with the full
 *   timeout, before it handles any; so it is only ever called with a timeout of 0. Seen in 0.9.75 and
 *   1.0.1, not fixed yet. A daemon without a thread cannot be woken from another thread. Seen in 0.9.75.
 *   An added connection is only queued, and failures are not reported, unless the library may assume a
 *   single thread. Seen in 1.0.1.
 * - connections.c: at its own connection limit it can leave a lock held, so that limit is never reached.
 *   Seen in 0.9.75. It misses that a client has closed its side if it reads that together with the last
 *   bytes. Seen in 0.9.75 and 1.0.1.
 * - tls_handshake.c, tls/session.c: a connection that waits for the rest of a handshake counts as ready to be
 *   read, since that mark is not cleared when the read says EAGAIN: a busy loop until the client goes on. So
 *   we do the handshake while the connection is suspended. Nor does it tell why a handshake has failed, or
 *   send an alert. Seen in 0.9.75 and 1.0.1.
 * - net/listener.c: it over-reads the address of a client of a unix socket, so we accept by ourselves.
 *   Seen in 0.9.75.
 *
 * Private to the HTTP side; each function in the thread that runs the library. */
#ifndef HTTP_WORKAROUNDS_H
#define HTTP_WORKAROUNDS_H

#include "http/request.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- 1. Whether a header is what the client has sent
 *
 * 0.9.75 splits a header in place: line breaks become NULs, as do the space after the method, the one
 * before the version, and each colon. A NUL sent by the client ends its token, too, and what follows is
 * skipped, so "Transfer-Encoding: chunked<NUL>x" is chunked. But then the next token does not begin where
 * the last one ended. Folded fields are copied elsewhere, which shows in the same way.
 *
 * Undetected are a NUL next to a bare LF, as the two look like CR LF, and lines before the request line
 * that begin with a NUL, which are skipped like empty lines. */

struct http_head {
    const char *end; /* of the last token: the line break is there */
    bool torn;       /* something was skipped between tokens */
};

/* Whether the library that is linked does this. The functions below do not work with any other. */
bool http_head_applies(void);

/* The request line. `target_end` is where the target ended before the library decoded it. */
void http_head_begin(struct http_head *head, const char *method, const char *target,
                     const char *target_end, const char *version);

/* The next field, in order. */
void http_head_field(struct http_head *head, const char *name, const char *value,
                     size_t value_length);

/* The end; `size` is that of the header, from the method on. Returns whether nothing was skipped. */
bool http_head_ends(struct http_head *head, const char *method, size_t size);

/* ---- 2. Parameters */

/* Cuts the parameters off the target, in the library's own buffer. To be called before it parses them. */
void hide_parameters(const char *target);

/* ---- 3. Answers of ours instead of its pages
 *
 * 0.9.75 has pages for what exceeds its memory, for malformed chunks and request lines, and for a
 * malformed Content-Length, where it sends the page's head twice. 1.0.1 has pages for most malformed
 * requests, and closes the connection without one if it cannot read the request line. Both log that
 * first: our log callback sends an answer of ours (direct_answer.h) before that. */

/* A request line has been read. Notes where in memory, as the lowest address is where the connection's
 * memory begins. */
void replace_note_memory(struct client *client);

/* MHD_OPTION_EXTERNAL_LOGGER. */
__attribute__((format(printf, 2, 0))) void replace_on_log(void *ctx, const char *format,
                                                          va_list args);

/* ---- 4. Lingering close */

/* For a client that was answered early, has what it still sends read before the connection is closed: the
 * library closes its descriptor, and a duplicate keeps the connection open for a while. No-op for other
 * clients, and when called again. */
void linger(struct request *request);

/* ---- 5. Suspended requests
 *
 * A resumed connection with a timeout of its own is handled before anything is read from it. */

/* Instead of http_worker_suspend(). */
void suspend_connection(const struct request *request);

/* To be called when it has been resumed. */
void connection_has_resumed(const struct request *request);

/* ---- 6. Chunk extensions */

/* What has been read filled all the room that there was. If the library understands it, it calls us for it in
 * the same round. */
void note_filled(struct client *client);

/* To be called after each round of the library: refuses what it has read and made nothing of. */
void refuse_stuck(void *ctx);

#endif
