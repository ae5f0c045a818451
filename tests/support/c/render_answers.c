/* SPDX-License-Identifier: MIT */
/* Reads answers of p0f from its input and writes what is rendered of each, for a test that reads it
 * back with another JSON reader. A record is the dialect and the type of the address, a byte each,
 * the address, 16 bytes, and the answer in the dialect's size. For each comes a line that says
 * "refused", "nothing" (no match, or a bad query), "good" or "out of range"; behind the last two the
 * host as it is rendered, parsed and raw. */
#include "p0fclient.h"
#include "json/render.h"

#include <stdio.h>
#include <stdlib.h>

static bool read_all(void *bytes, size_t size)
{
    return fread(bytes, 1, size, stdin) == size;
}

static bool write_host(const struct p0f_addr *addr, const struct p0f_host *host,
                       enum render_format format)
{
    size_t length = 0;
    char *text = render_host(addr, host, NULL, format, &length);
    bool written = text && fwrite(text, 1, length, stdout) == length;

    free(text);
    return written;
}

static bool answer_to(const struct p0f_addr *addr, const uint8_t *bytes, enum p0f_dialect dialect)
{
    struct p0f_answer answer;
    int size = p0f_answer_unpack(bytes, p0f_answer_size(dialect), dialect, &answer);

    if (size != (int)p0f_answer_size(dialect))
        return puts("refused") >= 0;
    if (answer.status != P0F_STATUS_OK)
        return puts("nothing") >= 0;
    return puts(p0f_host_check(&answer.host) == P0F_OK ? "good" : "out of range") >= 0 &&
           write_host(addr, &answer.host, RENDER_PARSED) &&
           write_host(addr, &answer.host, RENDER_RAW);
}

int main(void)
{
    uint8_t head[18];
    struct p0f_addr addr;

    render_init();
    while (read_all(head, sizeof head)) {
        enum p0f_dialect dialect = head[0];
        if (dialect < P0F_DIALECT_P0F3 || dialect > P0F_DIALECT_SIG)
            return 2;
        addr.type = head[1];
        for (size_t i = 0; i < sizeof addr.bytes; i++)
            addr.bytes[i] = head[2 + i];
        /* Exactly as large as the answer, so that a sanitizer sees what is read beyond it. */
        uint8_t *bytes = malloc(p0f_answer_size(dialect));
        bool good =
            bytes && read_all(bytes, p0f_answer_size(dialect)) && answer_to(&addr, bytes, dialect);
        free(bytes);
        if (!good)
            return 1;
    }
    return 0;
}
