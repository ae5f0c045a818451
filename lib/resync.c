/* SPDX-License-Identifier: MIT */
/* Answers are counted by their magic. Bytes alone do not tell: p0f may have said too much, or speak a
 * dialect with longer answers. What stands where a magic should, and is as long as an answer, is a bad
 * one. */
#include "resync.h"

#include "p0fclient.h"

#include <string.h>

/* How many bytes come before the next magic, or before what may be the begin of one at the end. A p0f
 * that writes nonsense without end is not to cost much, so the C library looks for it. */
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

size_t p0f_resync_take(struct p0f_resync *drain, const uint8_t *in, size_t length, size_t size)
{
    const size_t magic_size = sizeof(uint32_t);
    size_t at = 0;

    while (at < length) {
        size_t rest = length - at;
        if (drain->body > 0) {
            size_t skipped = rest < drain->body ? rest : drain->body;
            drain->body -= skipped;
            drain->whole += drain->body == 0;
            at += skipped;
            continue;
        }
        size_t stray = stray_length(in + at, rest);
        drain->stray += stray;
        at += stray;
        if (length - at < magic_size)
            break; /* nothing, or perhaps the begin of one */
        drain->whole += drain->stray / size;
        drain->stray = 0;
        drain->body = size - magic_size;
        at += magic_size;
    }
    return at;
}

uint64_t p0f_resync_count(const struct p0f_resync *drain, size_t size)
{
    return drain->whole + drain->stray / size;
}
