/* SPDX-License-Identifier: MIT */
/* Workarounds for libmicrohttpd, all of them: what is done here, and what other files do for its sake.
 * "Seen" and "mended" are its versions, as far as we know: those that we have read or run are 0.9.75
 * (Debian 12) and 1.0.1 (Debian 13).
 *
 * In workarounds.c, by its sections:
 * 1. Header fields cut short by a NUL, or continued in a second line, are not what the client has sent.
 *    Seen in 0.9.75. Mended in 1.0.0, which refuses NULs and joins the lines.
 * 2. A target with more parameters than the connection's memory holds gets no answer at all.
 *    Seen in 0.9.75. 1.0.1 refuses it, but takes parameters apart that nobody asks for.
 * 3. Error pages of its own, in HTML, without asking the handler; or none, and the connection closes.
 *    The log, which tells of each, does not say which connection it is. Seen in 0.9.75 and 1.0.1.
 *    reading.c, which must be alone in its file, tells which.
 * 4. A response that is queued before the body has been read closes the connection at once, which can
 *    cost the client the response. Seen in 0.9.75 and 1.0.1.
 * 5. A client that has closed its sending side while its request was suspended gets no response, as the
 *    library reads first once it is resumed. Seen in 0.9.75 and 1.0.1.
 *
 * Elsewhere:
 * - dispatch.c. After "Expect: 100-continue" the handler is called for 0 bytes of a body that there is
 *   not, and takes no response then. Seen in 0.9.75. HTTP/1.2 to 1.9 are served. Seen in 0.9.75 and
 *   1.0.1.
 * - fields.c. A name with a blank before its colon, or with the second line of its field behind it, is
 *   taken for another name, a coding other than chunked for none, and blanks behind a value for a part
 *   of it. Seen in 0.9.75. Mended in 1.0.0, which refuses the first two. Of several lengths, or a length
 *   and a coding, one is chosen. Seen in 0.9.75 and 1.0.1.
 * - worker.c. The library's own epoll loop waits with its full timeout when it has just fetched as many
 *   events as it can, 128, before it handles any. Seen in 0.9.75 and 1.0.1, and in the newest source.
 *   So it never waits by itself. A daemon without a thread cannot be woken from another thread. Seen in
 *   0.9.75. A connection that is added is only queued, and its failure is told to nobody, unless there
 *   is one thread. Seen in 1.0.1.
 * - connections.c. At its own limit of connections it can leave a lock held, so that is never reached.
 *   Seen in 0.9.75. The end of a client's sending is missed when it is read together with the last
 *   bytes. Seen in 0.9.75 and 1.0.1.
 * - net/listener.c. It reads beyond the address of a client of a unix socket, so we accept by
 *   ourselves. Seen in 0.9.75.
 *
 * Private to the HTTP side; each function in the thread that runs the library. */
#ifndef HTTP_WORKAROUNDS_H
#define HTTP_WORKAROUNDS_H

#include "http/request.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- 1. Whether a header is what the client has sent
 *
 * 0.9.75 takes a header apart in place: line breaks become NULs, as do the blank behind the method, the
 * one before the version, and each colon. A NUL of the client's ends what it stands in, too, and what is
 * behind it is passed over, so that "Transfer-Encoding: chunked<NUL>x" is chunked. But then the next
 * thing does not begin where the last one has ended. A field that is continued in a second line is
 * copied elsewhere, and shows in the same way.
 *
 * Not seen are a NUL beside a bare LF, as the two look like CR LF, and lines before the request line
 * that begin with one, which are skipped as empty lines are. */

struct http_head {
    const char *end; /* of what has been seen so far: the line break is there */
    bool torn;       /* something was between what has been seen */
};

/* Whether the library that is linked does so. Others leave another picture: not to be asked about it. */
bool http_head_applies(void);

/* The request line. `target_end` is where the target's NUL was before the library went on to change
 * the target. */
void http_head_begin(struct http_head *head, const char *method, const char *target,
                     const char *target_end, const char *version);

/* The next field, in their order. */
void http_head_field(struct http_head *head, const char *name, const char *value,
                     size_t value_length);

/* The end; `size` is the whole header's, from the method on. Returns whether it is whole. */
bool http_head_ends(struct http_head *head, const char *method, size_t size);

/* ---- 2. Parameters */

/* Has the library find no parameters in the target, which is in a buffer of its own, where it writes,
 * too. */
void hide_parameters(const char *target);

/* ---- 3. Answers of ours in place of its pages
 *
 * 0.9.75 has pages for what it has no room for, for chunks and request lines that are malformed, and for
 * Content-Length, where it sends the page's head twice. 1.0.1 has them for most of what is malformed,
 * and closes a connection without any whose request line it cannot read. Both log that first, and we are
 * the log: there we answer by ourselves, and close the sending side, so that the page goes nowhere. */

/* A connection begins. */
void replace_enter(struct client *client);

/* It has ended. */
void replace_leave(struct client *client);

/* A request line has just been read on it. Keeps the lowest address known of the memory for its
 * requests, which the library begins with. */
void replace_note_memory(struct client *client);

/* MHD_OPTION_EXTERNAL_LOGGER. */
__attribute__((format(printf, 2, 0))) void replace_on_log(void *ctx, const char *format,
                                                          va_list args);

/* ---- 4. Lingering close */

/* Has what still comes from a client that was answered early read before its connection closes: the
 * descriptor stays the library's to close, and a duplicate keeps the connection open a while longer.
 * No-op when it was not answered early, or is called again. */
void linger(struct request *request);

/* ---- 5. Suspended requests
 *
 * A resumed connection whose timeout is its own is seen to before anything is read from it. */

void suspend_connection(const struct request *request);

/* To be called once it has resumed. */
void connection_has_resumed(const struct request *request);

#endif
