/* SPDX-License-Identifier: MIT */
/* Not open_memstream(): after a failed write it goes on, and the text has a hole in it. */
#include "ops/exposition.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NS_PER_S 1000000000

#define ROOM_FIRST (16 * 1024) /* usually enough */
#define PIECE_MAX 512

static bool grow_text(struct exposition *text, size_t more)
{
    if (text->failed || more <= text->room - text->used)
        return !text->failed;
    size_t room = text->room ? 2 * text->room : ROOM_FIRST;
    char *bytes = realloc(text->bytes, room);
    text->failed = !bytes;
    if (!bytes)
        return false;
    text->bytes = bytes;
    text->room = room;
    return true;
}

void exposition_put(struct exposition *text, const char *format, ...)
{
    va_list args;

    if (!grow_text(text, PIECE_MAX))
        return;
    va_start(args, format);
    int length = vsnprintf(text->bytes + text->used, PIECE_MAX, format, args);
    va_end(args);
    if (length < 0 || length >= PIECE_MAX)
        text->failed = true;
    else
        text->used += (size_t)length;
}

void exposition_head(struct exposition *out, const char *name, const char *type, const char *help)
{
    exposition_put(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void exposition_single(struct exposition *out, const char *name, const char *type, const char *help,
                       uint64_t value)
{
    exposition_head(out, name, type, help);
    exposition_put(out, "%s %" PRIu64 "\n", name, value);
}

void exposition_labelled(struct exposition *out, const char *name, const char *label,
                         const char *text, uint64_t value)
{
    exposition_put(out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, text, value);
}

void exposition_info(struct exposition *out, const char *name, const char *help, const char *label,
                     const char *text)
{
    exposition_head(out, name, "gauge", help);
    exposition_put(out, "%s{%s=\"", name, label);
    for (; *text; text++) {
        if (*text == '\\' || *text == '"')
            exposition_put(out, "\\");
        if (*text == '\n')
            exposition_put(out, "\\n");
        else
            exposition_put(out, "%c", *text);
    }
    exposition_put(out, "\"} 1\n");
}

/* Without floating point, whose decimal point would depend on the locale. */
void exposition_time(struct exposition *out, uint64_t ns)
{
    uint64_t fraction = ns % NS_PER_S;
    int digits = 9;

    exposition_put(out, "%" PRIu64, ns / NS_PER_S);
    if (fraction == 0)
        return;
    for (; fraction % 10 == 0; fraction /= 10)
        digits--;
    exposition_put(out, ".%0*" PRIu64, digits, fraction);
}

void exposition_seconds(struct exposition *out, const char *name, const char *type,
                        const char *help, uint64_t ns)
{
    exposition_head(out, name, type, help);
    exposition_put(out, "%s ", name);
    exposition_time(out, ns);
    exposition_put(out, "\n");
}

char *exposition_finish(struct exposition *out, size_t *length)
{
    if (out->failed) {
        free(out->bytes);
        return NULL;
    }
    *length = out->used;
    return out->bytes;
}
