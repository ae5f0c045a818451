/* SPDX-License-Identifier: MIT */
/* A text written piece by piece into memory of a fixed size, without printf: for what is written for
 * every request.
 *
 * A piece that does not fit is left out and sets `failed`, which stays set; so a caller may write
 * everything and look at `failed` once, at the end. Nothing is NUL-terminated unless a NUL is put. */
#ifndef CORE_STRBUF_H
#define CORE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct strbuf {
    char *text; /* the caller's, `size` bytes */
    size_t size;
    size_t used;
    bool failed;
};

static inline struct strbuf strbuf_on(char *text, size_t size)
{
    return (struct strbuf){.text = text, .size = size};
}

static inline void strbuf_put(struct strbuf *buf, const char *bytes, size_t length)
{
    if (length > buf->size - buf->used) {
        buf->failed = true;
        return;
    }
    memcpy(buf->text + buf->used, bytes, length);
    buf->used += length;
}

/* Puts a string without its NUL. */
static inline void strbuf_puts(struct strbuf *buf, const char *text)
{
    strbuf_put(buf, text, strlen(text));
}

void strbuf_put_number(struct strbuf *buf, int64_t value);

#endif
