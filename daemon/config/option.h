/* SPDX-License-Identifier: MIT */
/* The table of options: section, key, type, default, bounds, meaning; and how each type is read. */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include "config/config.h"

enum option_type {
    OPTION_TEXT,
    OPTION_LISTEN,   /* a text: addresses as listen_address.h reads them */
    OPTION_DURATION, /* "1500ms", "30s", "5m", "1h", "2d", "0": milliseconds */
    OPTION_COUNT,    /* "10000", "100k", "2m", "1g" */
    OPTION_AUTO,     /* a count, or "auto" for 0 */
    OPTION_BOOLEAN,  /* "yes", "no" */
    OPTION_DIALECT,
    OPTION_NETWORKS, /* a text: networks as networks.h reads them */
    OPTION_ORIGINS,  /* a text: origins as cors.h reads them */
    OPTION_RESERVED, /* a text nothing reads yet: only its default is understood */
};

struct option {
    const char *section;
    const char *key;
    enum option_type type;
    size_t offset;             /* in struct config */
    const char *default_value; /* the default, as it would stand in the file */
    int64_t min, max;
    bool reloadable; /* SIGHUP suffices */
    const char *help;
};

#define OPTION_EXPECTED_SIZE 256

size_t option_count(void);
const struct option *option_at(size_t index);
size_t option_index(const struct option *option);

/* NULL when there is none. The section's name need not end with a NUL. */
const struct option *option_find(const char *section, size_t section_length, const char *key);
bool option_has_section(const char *section);

/* Reads `value` into its place. False: it was not understood, and `expected` says what would be. */
bool option_set(const struct option *option, struct config *config, const char *value,
                char expected[OPTION_EXPECTED_SIZE]);

/* On a zeroed struct. False when out of memory. */
bool option_set_defaults(struct config *config);

/* Frees the texts. */
void option_release(struct config *config);

/* The value as it could stand in the file; option_set understands it. The text is the config's, or
 * static, or in `space`. */
#define OPTION_TEXT_SIZE 32
const char *option_format(const struct option *option, const struct config *config,
                          char space[OPTION_TEXT_SIZE]);

/* The same of a time. */
const char *option_format_duration(int64_t ms, char space[OPTION_TEXT_SIZE]);

bool option_equal(const struct option *option, const struct config *a, const struct config *b);

#endif
