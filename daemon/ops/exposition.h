/* SPDX-License-Identifier: MIT */
/* A text in Prometheus' exposition format, as it is written. Without memory it fails as a whole, which
 * exposition_finish() says; until then nobody need ask. */
#ifndef OPS_EXPOSITION_H
#define OPS_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed at first. */
struct exposition {
    char *bytes;
    size_t used;
    size_t room;
    bool failed;
};

/* Whatever else a line needs; less than 512 bytes at a time. */
__attribute__((format(printf, 2, 3))) void exposition_put(struct exposition *out,
                                                          const char *format, ...);

/* What stands above the series of a metric. */
void exposition_head(struct exposition *out, const char *name, const char *type, const char *help);

/* A metric of one series, head and all. */
void exposition_single(struct exposition *out, const char *name, const char *type, const char *help,
                       uint64_t value);

/* One series of several; the label's value needs no escaping. */
void exposition_labelled(struct exposition *out, const char *name, const char *label,
                         const char *text, uint64_t value);

/* A metric that is always 1, for its label. */
void exposition_info(struct exposition *out, const char *name, const char *help, const char *label,
                     const char *text);

/* A value: nanoseconds, in seconds. */
void exposition_time(struct exposition *out, uint64_t ns);

/* A metric of one such series. */
void exposition_seconds(struct exposition *out, const char *name, const char *type,
                        const char *help, uint64_t ns);

/* The text, to be freed by the caller; NULL when there was no memory for all of it. */
char *exposition_finish(struct exposition *out, size_t *length);

#endif
