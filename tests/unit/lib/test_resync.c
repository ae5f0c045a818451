/* SPDX-License-Identifier: MIT */
#include "resync.h"

#include "p0fclient.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 232u
#define MOST 4096u

static const uint32_t magic = P0F_ANSWER_MAGIC;

/* ---- The same byte by byte, which is plain to see and slow */

static size_t plain_take(struct p0f_resync *resync, const uint8_t *in, size_t length, size_t size)
{
    size_t at = 0;

    while (at < length) {
        size_t known = length - at < sizeof magic ? length - at : sizeof magic;
        if (resync->body > 0) {
            resync->whole += --resync->body == 0;
            at++;
        } else if (memcmp(in + at, &magic, known) != 0) {
            resync->stray++;
            at++;
        } else if (known < sizeof magic) {
            break;
        } else {
            resync->whole += resync->stray / size;
            resync->stray = 0;
            resync->body = size - sizeof magic;
            at += sizeof magic;
        }
    }
    return at;
}

/* Whatever is likely to be taken for something else: the bytes of a magic above all. */
static void make_up(uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = ((const uint8_t *)&magic)[rand() % 4];
    for (int n = rand() % 4; n > 0 && length >= sizeof magic; n--)
        memcpy(bytes + (size_t)rand() % (length - sizeof magic + 1), &magic, sizeof magic);
    if (rand() % 2 && length > 2 * SIZE)
        memset(bytes + SIZE, 0xff, (size_t)rand() % SIZE);
}

Test(resync, takes_what_is_plain_to_see)
{
    struct p0f_resync resync = {0}, plain = {0};

    srand(1);
    for (int step = 0; step < 20000; step++) {
        size_t length = (size_t)rand() % (rand() % 8 ? 12 : 3 * SIZE);
        uint8_t *bytes = malloc(length); /* of just this size: reading on would be seen */
        make_up(bytes, length);
        size_t taken = p0f_resync_take(&resync, bytes, length, SIZE);
        cr_assert_eq(taken, plain_take(&plain, bytes, length, SIZE), "in step %d", step);
        cr_assert_eq(resync.whole, plain.whole);
        cr_assert_eq(resync.body, plain.body);
        cr_assert_eq(resync.stray, plain.stray);
        cr_assert_lt(length - taken, sizeof magic, "the caller has room for little more");
        free(bytes);
    }
    cr_assert_gt(p0f_resync_count(&resync, SIZE), 1000);
}

Test(resync, long_strays)
{
    static uint8_t bytes[MOST];
    struct p0f_resync resync = {0};

    for (unsigned value = 0; value < 256; value++) {
        resync = (struct p0f_resync){0};
        memset(bytes, (int)value, sizeof bytes);
        for (int n = 0; n < 3; n++) {
            size_t taken = p0f_resync_take(&resync, bytes, sizeof bytes, SIZE);
            cr_assert_geq(taken, sizeof bytes - 1); /* the last may begin a magic */
        }
        cr_assert_geq(p0f_resync_count(&resync, SIZE), 3 * (sizeof bytes - 1) / SIZE);
    }
}
