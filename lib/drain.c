/* Answers are counted by their magic. Bytes alone do not tell: p0f may have said too much, or speak a
 * dialect with longer answers. What stands where a magic should, and is as long as an answer, is a bad
 * one. */
#include "drain.h"

#include "p0fclient.h"

#include <string.h>

size_t p0f_drain_take(struct p0f_drain *drain, const uint8_t *in, size_t length, size_t size)
{
    const uint32_t magic = P0F_ANSWER_MAGIC;
    size_t at = 0;

    while (at < length) {
        size_t rest = length - at;
        size_t known = rest < sizeof magic ? rest : sizeof magic;
        if (drain->body > 0) {
            size_t skipped = rest < drain->body ? rest : drain->body;
            drain->body -= skipped;
            drain->whole += drain->body == 0;
            at += skipped;
        } else if (memcmp(in + at, &magic, known) != 0) {
            drain->stray++;
            at++;
        } else if (known < sizeof magic) {
            break; /* perhaps one */
        } else {
            drain->whole += drain->stray / size;
            drain->stray = 0;
            drain->body = size - sizeof magic;
            at += sizeof magic;
        }
    }
    return at;
}

uint64_t p0f_drain_count(const struct p0f_drain *drain, size_t size)
{
    return drain->whole + drain->stray / size;
}
