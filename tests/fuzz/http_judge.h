/* SPDX-License-Identifier: MIT */
/* Whether what came back is an answer to what was sent. */
#ifndef HTTP_JUDGE_H
#define HTTP_JUDGE_H

#include "http_plain.h"

#define HTTP_JUDGE_PLAIN 256

struct http_judge {
    const char *sent;
    size_t length;
    struct http_plain plain[HTTP_JUDGE_PLAIN]; /* at the beginning of what was sent */
    unsigned plain_count;
    bool all_plain; /* nothing else was sent */
};

/* What was sent, which must stay. */
void http_judge_read(struct http_judge *judge, const char *sent, size_t length);

/* Whether each request is answered, and it is known that no more can come. */
bool http_judge_is_content(const struct http_judge *judge, const char *received, size_t length);

/* Crashes when the answer is none. `whole`: it is all that the daemon said; `due`: and each plain
 * request had to be answered. */
void http_judge(const struct http_judge *judge, const char *received, size_t length, bool whole,
                bool due);

#endif
