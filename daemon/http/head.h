/* SPDX-License-Identifier: MIT */
/* Whether a request's header is what the client has sent.
 *
 * libmicrohttpd before 1.0 (seen in 0.9.75) takes it apart in place: the line breaks become NULs, as do
 * the blank behind the method, the one before the version and each colon. A NUL of the client's ends
 * what it stands in, too, and what is behind it is passed over, so that "Transfer-Encoding:
 * chunked<NUL>x" is chunked. But then the next thing does not begin where the last one has ended. A
 * field that goes on in a second line is copied elsewhere, and shows by the same.
 *
 * Not seen: a NUL beside a bare LF, as the two look like CR LF; and lines before the request line
 * that begin with one, which are skipped as empty lines are.
 *
 * Later versions refuse NULs by themselves, join such fields with blanks, and leave another picture:
 * not to be asked about it. Pure, but for the version. Private to the HTTP side. */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

struct http_head {
    const char *end; /* of what has been seen so far: the line break is there */
    bool torn;       /* something was between what has been seen */
};

/* Whether the library that is linked does so. */
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

#endif
