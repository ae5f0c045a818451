/* SPDX-License-Identifier: MIT */
/* Answers are counted by their magic. The number of bytes is not enough: p0f may have sent too much, or
 * speak a dialect with longer answers. An answer's length without a magic counts as a bad answer. */
#include "resync.h"

#include <string.h>

/* Bytes before the next magic, or before what may be the start of one at the end. Searched by memmem(),
 * so that a p0f which sends garbage without end costs little. */
static size_t stray_length(const uint8_t *in, size_t length)
{
    const uint32_t magic = P0F_ANSWER_MAGIC;
    const uint8_t *found = memmem(in, length, &magic, sizeof magic);
    size_t part = length < sizeof magic ? length : sizeof magic - 1;

    if (found)
        return (size_t)(found - in);
    while (part > 0 && memcmp(in + length - part, &magic, part) != 0)
        part--;
    return length - part;
}

size_t p0f_resync_measure(const uint8_t *in, size_t length)
{
    const uint32_t magic = P0F_ANSWER_MAGIC;
    const size_t least = p0f_answer_size(P0F_DIALECT_P0F3);

    if (length <= least || memcmp(in, &magic, sizeof magic) != 0)
        return least;
    const uint8_t *found = memmem(in + least, length - least, &magic, sizeof magic);
    return found ? (size_t)(found - in) : length;
}

size_t p0f_resync_take(struct p0f_resync *resync, const uint8_t *in, size_t length, size_t size)
{
    const size_t magic_size = sizeof(uint32_t);
    size_t at = 0;

    if (resync->begin_length == 0) {
        resync->begin_length = length < P0F_REJECTED_MAX ? length : P0F_REJECTED_MAX;
        memcpy(resync->begin, in, resync->begin_length);
    }
    while (at < length) {
        size_t rest = length - at;
        if (resync->body > 0) {
            size_t skipped = rest < resync->body ? rest : resync->body;
            resync->body -= skipped;
            resync->whole += resync->body == 0;
            at += skipped;
            continue;
        }
        size_t stray = stray_length(in + at, rest);
        resync->stray += stray;
        at += stray;
        if (length - at < magic_size)
            break; /* nothing, or the start of a magic */
        resync->whole += resync->stray / size;
        resync->stray = 0;
        resync->body = size - magic_size;
        at += magic_size;
    }
    return at;
}

uint64_t p0f_resync_count(const struct p0f_resync *resync, size_t size)
{
    return resync->whole + resync->stray / size;
}
