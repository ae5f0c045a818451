/* SPDX-License-Identifier: MIT */
/* A text in Prometheus' exposition format, while it is written. When memory runs out, the whole text
 * fails, so only exposition_finish() need be checked. Each text belongs to one thread at a time. */
#ifndef OPS_EXPOSITION_H
#define OPS_EXPOSITION_H

#include "core/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed before its first use. exposition_finish() ends it. */
struct exposition {
    char *bytes;
    size_t used;
    size_t room;
    bool failed;
};

/* Appends any text, less than 512 bytes at a time. */
__attribute__((format(printf, 2, 3))) void exposition_put(struct exposition *out,
                                                          const char *format, ...);

/* The HELP and TYPE lines of a metric. */
void exposition_head(struct exposition *out, const char *name, const char *type, const char *help);

/* A metric of a single series without labels, with its head. */
void exposition_single(struct exposition *out, const char *name, const char *type, const char *help,
                       uint64_t value);

/* The value is escaped. A label with the value "" is left out, which means the same to Prometheus. */
struct exposition_label {
    const char *name, *value;
};

#define EXPOSITION_LABELS 2

/* A series with up to two labels. */
void exposition_series(struct exposition *out, const char *name,
                       const struct exposition_label labels[EXPOSITION_LABELS], uint64_t value);

/* A series with one label. */
void exposition_labelled(struct exposition *out, const char *name, const char *label,
                         const char *text, uint64_t value);

/* The series of a histogram. */
void exposition_histogram(struct exposition *out, const char *name, const char *label,
                          const char *text, const struct histogram *times);

/* A metric that is always 1 and exists for its label. */
void exposition_info(struct exposition *out, const char *name, const char *help, const char *label,
                     const char *text);

/* A value given in nanoseconds, written in seconds. */
void exposition_time(struct exposition *out, uint64_t ns);

/* A metric of a single series with such a value, with its head. */
void exposition_seconds(struct exposition *out, const char *name, const char *type,
                        const char *help, uint64_t ns);

/* The text, for the caller to free, with its length in *length; NULL if memory ran out on the way. */
char *exposition_finish(struct exposition *out, size_t *length);

#endif
