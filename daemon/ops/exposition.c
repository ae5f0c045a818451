/* SPDX-License-Identifier: MIT */
/* Not open_memstream(): after a failed write it goes on, and the text has a hole in it. */
#include "ops/exposition.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void put_label_text(struct exposition *out, const char *text)
{
    while (*text) {
        int plain = (int)strcspn(text, "\\\"\n");
        if (plain > PIECE_MAX - 1)
            plain = PIECE_MAX - 1;
        exposition_put(out, "%.*s", plain, text);
        text += plain;
        if (plain > 0)
            continue;
        exposition_put(out, "\\%c", *text == '\n' ? 'n' : *text);
        text++;
    }
}

/* Begins with the labels; returns what comes before another one. */
static const char *begin_series(struct exposition *out, const char *name, const char *suffix,
                                const struct exposition_label labels[EXPOSITION_LABELS])
{
    const char *before = "{";

    exposition_put(out, "%s%s", name, suffix);
    for (unsigned i = 0; i < EXPOSITION_LABELS; i++) {
        if (!labels[i].value || !labels[i].value[0])
            continue;
        exposition_put(out, "%s%s=\"", before, labels[i].name);
        put_label_text(out, labels[i].value);
        exposition_put(out, "\"");
        before = ",";
    }
    return before;
}

static void put_labelled_name(struct exposition *out, const char *name, const char *suffix,
                              const struct exposition_label labels[EXPOSITION_LABELS])
{
    const char *before = begin_series(out, name, suffix, labels);

    exposition_put(out, before[0] == ',' ? "} " : " ");
}

void exposition_series(struct exposition *out, const char *name,
                       const struct exposition_label labels[EXPOSITION_LABELS], uint64_t value)
{
    put_labelled_name(out, name, "", labels);
    exposition_put(out, "%" PRIu64 "\n", value);
}

void exposition_labelled(struct exposition *out, const char *name, const char *label,
                         const char *text, uint64_t value)
{
    const struct exposition_label labels[EXPOSITION_LABELS] = {{label, text}};

    exposition_series(out, name, labels, value);
}

void exposition_info(struct exposition *out, const char *name, const char *help, const char *label,
                     const char *text)
{
    exposition_head(out, name, "gauge", help);
    exposition_labelled(out, name, label, text, 1);
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

static void put_bucket(struct exposition *out, const char *name,
                       const struct exposition_label labels[EXPOSITION_LABELS], int64_t bound,
                       uint64_t value)
{
    const char *before = begin_series(out, name, "_bucket", labels);

    exposition_put(out, "%sle=\"", before);
    if (bound < 0)
        exposition_put(out, "+Inf");
    else
        exposition_time(out, (uint64_t)bound);
    exposition_put(out, "\"} %" PRIu64 "\n", value);
}

void exposition_histogram(struct exposition *out, const char *name, const char *label,
                          const char *text, const struct histogram *times)
{
    const struct exposition_label labels[EXPOSITION_LABELS] = {{label, text}};
    const int64_t *bounds = histogram_bounds();
    uint64_t below = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += times->buckets[i];
        put_bucket(out, name, labels, i < HISTOGRAM_BUCKETS - 1 ? bounds[i] : -1, below);
    }
    put_labelled_name(out, name, "_sum", labels);
    exposition_time(out, times->sum_ns);
    exposition_put(out, "\n");
    put_labelled_name(out, name, "_count", labels);
    exposition_put(out, "%" PRIu64 "\n", below);
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
