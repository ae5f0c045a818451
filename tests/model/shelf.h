/* SPDX-License-Identifier: MIT */
/* What is in the model's store: a hash for each host, with the fields that this daemon has written, and those of
 * other machines, good and bad ones. So it is known what a read must come to, and whether a write is right. */
#ifndef SHELF_H
#define SHELF_H

#include "share/share_query.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHELF_PREFIX "model:"
#define SHELF_VALUE_MAX 4096

/* `evicts`: the daemon does not remember all that it has written. */
void shelf_start(const struct share_times *times, bool evicts);
void shelf_new_times(const struct share_times *times);

/* The daemon may write again what it has written, since it may not know that it has. */
void shelf_forget_written(void);

/* The store has lost everything. */
void shelf_clear(void);

/* ---- Commands. Keys and values are as the daemon sends them; the model fails when they are not what they may be. */

/* The host of a key. */
uint32_t shelf_host(const char *key, size_t length);

struct shelf_field {
    const char *name;
    char value[SHELF_VALUE_MAX];
    size_t length;
};

/* The hash is told to the daemon now; other machines may have written before. Returns the number of fields, which
 * shelf_field() has then. */
unsigned shelf_tell(uint32_t host);
void shelf_field(uint32_t host, unsigned index, struct shelf_field *field);

/* The daemon writes a field. */
void shelf_write(uint32_t host, const char *name, size_t name_length, const char *value,
                 size_t length);
void shelf_expire(uint32_t host, int64_t ms);

/* It is told that both was done. */
void shelf_written(uint32_t host);

/* Whether any of our sensors has a field there. */
bool shelf_has_own(uint32_t host);

/* A sensor of another machine writes what is true now. */
void shelf_put_elsewhere(uint32_t host);

#endif
