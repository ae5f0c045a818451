/* SPDX-License-Identifier: MIT */
/* One setting: how a value of its type is read, checked, written and compared. Knows no particular
 * setting, nor the struct that holds them. Any thread. */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include "config/option_text.h"
#include "config/quantity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
    OPTION_SOCKETS,       /* char *: sockets of p0f as in net/sensor_sockets.h */
    OPTION_FILE,          /* char *: absolute path of a file to read, or "" */
    OPTION_LISTEN,        /* char *: addresses as in net/listen_address.h; may be empty */
    OPTION_LISTEN_TCP,    /* char *: of these, no unix sockets; may be empty */
    OPTION_LISTEN_UNIX,   /* char *: of these, unix sockets only; may be empty */
    OPTION_NETWORKS,      /* char *: networks as in net/networks.h */
    OPTION_ORIGINS,       /* char *: origins as in net/origins.h */
    OPTION_SERVER_NAMES,  /* char *: names as in net/server_names.h */
    OPTION_CLIENT_HEADER, /* char *: a field as in net/client_header.h */
    OPTION_DURATION,      /* int64_t, milliseconds: "1500ms", "30s", "5m", "1h", "2d", "0" */
    OPTION_COUNT,         /* uint32_t: "10000", "100k", "2m", "1g" */
    OPTION_AUTO,          /* uint32_t: a count, or "auto" for 0 */
    OPTION_BOOLEAN,       /* bool: "yes", "no" */
    OPTION_ALL_ANY,       /* bool: "any", "all" for false */
    OPTION_DIALECT,       /* enum p0f_dialect, by name */
    OPTION_MODE,          /* uint32_t: permissions in octal, up to `max`: "0660" */
    OPTION_GROUP,         /* char *: a group by name or number, or "" */
    OPTION_REDIS_URLS,    /* char *: servers as in net/redis_url.h, with passwords; may be empty */
    OPTION_SENSOR,        /* char *: a name as in core/sensor_name.h, or "" */
    OPTION_PREFIX,        /* char *: printable ASCII without blanks and quotes, up to 64 bytes */
};

/* Its field is at `offset` in a struct of settings, zeroed before the first option_set(). */
struct option {
    const char *section;
    const char *key;
    enum option_type type;
    size_t offset;
    const char *default_value; /* as it would be written in the file */
    int64_t min, max;          /* of durations and counts */
    bool reloadable;           /* takes effect on SIGHUP */
    const char *help;
};

#define OPTION_TEXT_SIZE QUANTITY_TEXT_SIZE

/* Reads `value` into the field. False when it is not valid, and `expected` says what is; or with errno
 * ENOMEM. The field is then unchanged. */
bool option_set(const struct option *option, void *settings, const char *value,
                char expected[OPTION_EXPECTED_SIZE]);

/* Frees a string. */
void option_release(const struct option *option, void *settings);

/* The value as it could be written in the file; option_set() reads it back. The text is the field's
 * own, static, or in `space`. */
const char *option_format(const struct option *option, const void *settings,
                          char space[OPTION_TEXT_SIZE]);

#define OPTION_SHOWN_SIZE 10240

/* The same, as it may be shown to anybody: without passwords. */
const char *option_show(const struct option *option, const void *settings,
                        char space[OPTION_SHOWN_SIZE]);

bool option_equal(const struct option *option, const void *a, const void *b);

#endif
