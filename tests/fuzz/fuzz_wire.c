/* SPDX-License-Identifier: MIT */
/* Any bytes are an answer in each dialect, or need more, or are refused; one that is read is written
 * again as it came. */
#include "p0fclient.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What stands behind a text's NUL is not kept, so a second round must change nothing. */
static void check_round_trip(const struct p0f_answer *answer, enum p0f_dialect dialect)
{
    uint8_t first[P0F_ANSWER_MAX], second[P0F_ANSWER_MAX];
    struct p0f_answer again;
    size_t size = p0f_answer_pack(answer, dialect, first);

    if (p0f_answer_unpack(first, size, dialect, &again) != (int)size ||
        p0f_answer_pack(&again, dialect, second) != size || memcmp(first, second, size) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct p0f_answer answer;
    enum p0f_dialect found;

    if (p0f_dialect_detect(data, size, &found) == 1 && found == P0F_DIALECT_AUTO)
        abort();
    for (enum p0f_dialect d = P0F_DIALECT_P0F3; d <= P0F_DIALECT_SIG; d++) {
        int used = p0f_answer_unpack(data, size, d, &answer);
        if (used > 0 && (size_t)used != p0f_answer_size(d))
            abort();
        if (used > 0)
            check_round_trip(&answer, d);
    }
    return 0;
}
