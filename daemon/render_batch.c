/* The array that answers a batch. A thousand hosts that are rendered already are half a megabyte to
 * copy, so room is made once for each result and its parts are copied without further ado. */
#include "render.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_USUAL 512 /* bytes of a result with a parsed host, generously */
#define ESCAPED_MOST 6   /* bytes of \u001f */

struct render_batch {
    char *text; /* NULL after a failure */
    size_t used;
    size_t room;
};

static const char before_query[] = "{\"query\":\"", before_status[] = "\",\"status\":",
                  before_host[] = ",\"host\":", before_code[] = ",\"code\":\"",
                  before_detail[] = "\",\"detail\":\"";

/* All that is ours of a result, with a host or without. */
#define RESULT_FRAME                                                                               \
    (sizeof before_query + sizeof before_status + sizeof before_host + sizeof before_code +        \
     sizeof before_detail + sizeof ",200\"}")

struct render_batch *render_batch_start(size_t expected)
{
    struct render_batch *batch = malloc(sizeof *batch);

    if (!batch)
        return NULL;
    batch->used = 0;
    batch->room = (expected + 1) * RESULT_USUAL;
    batch->text = malloc(batch->room);
    return batch;
}

static bool make_room(struct render_batch *batch, size_t more)
{
    if (!batch->text)
        return false;
    if (more <= batch->room - batch->used)
        return true;
    size_t room = batch->room + batch->room / 2 + more;
    char *text = realloc(batch->text, room);
    if (!text)
        free(batch->text);
    batch->text = text;
    batch->room = room;
    return text;
}

/* ---- Each of these writes at `at` and returns where it ends; there is room. */

static char *copy(char *at, const char *bytes, size_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

#define COPY(at, literal) copy(at, literal, sizeof(literal) - 1)

static char *escape(char *at, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";

    *at++ = '\\';
    if (byte == '"' || byte == '\\') {
        *at++ = (char)byte;
        return at;
    }
    at = COPY(at, "u00");
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 15];
    return at;
}

static char *copy_escaped(char *at, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte < ' ' || byte == '"' || byte == '\\')
            at = escape(at, byte);
        else
            *at++ = (char)byte;
    }
    return at;
}

static char *copy_status(char *at, unsigned status)
{
    *at++ = (char)('0' + status / 100);
    *at++ = (char)('0' + status / 10 % 10);
    *at++ = (char)('0' + status % 10);
    return at;
}

void render_batch_add(struct render_batch *batch, const struct render_result *result)
{
    size_t code_length = result->host ? 0 : strlen(result->code);
    size_t detail_length = result->host ? 0 : strlen(result->detail);
    size_t texts = result->query_length + code_length + detail_length;

    if (!make_room(batch, RESULT_FRAME + ESCAPED_MOST * texts + result->host_length))
        return;
    char *at = batch->text + batch->used;
    *at++ = batch->used == 0 ? '[' : ',';
    at = COPY(at, before_query);
    at = copy_escaped(at, result->query, result->query_length);
    at = COPY(at, before_status);
    at = copy_status(at, result->status);
    if (result->host) {
        at = COPY(at, before_host);
        at = copy(at, result->host, result->host_length - 1);
    } else {
        at = COPY(at, before_code);
        at = copy_escaped(at, result->code, code_length);
        at = COPY(at, before_detail);
        at = copy_escaped(at, result->detail, detail_length);
        *at++ = '"';
    }
    *at++ = '}';
    batch->used = (size_t)(at - batch->text);
}

char *render_batch_finish(struct render_batch *batch, size_t *length)
{
    char *text = NULL;

    if (make_room(batch, sizeof "[]\n")) {
        if (batch->used == 0)
            batch->text[batch->used++] = '[';
        memcpy(batch->text + batch->used, "]\n", sizeof "]\n");
        *length = batch->used + 2;
        text = batch->text;
    }
    free(batch);
    return text;
}
