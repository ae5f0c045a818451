/* SPDX-License-Identifier: MIT */
#include "relay/relay_input.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static bool drop_bytes(int fd, size_t length)
{
    uint8_t bytes[1 + RELAY_QUERIES_MAX * P0F_QUERY_SIZE];

    while (length > 0) {
        ssize_t count = recv(fd, bytes, length < sizeof bytes ? length : sizeof bytes, 0);
        if (count == 0 || (count < 0 && errno != EINTR))
            return false;
        length -= count > 0 ? (size_t)count : 0;
    }
    return true;
}

enum relay_input_result relay_input_read(struct relay_input *input, struct relay_batch *batch,
                                         unsigned max)
{
    size_t kept = input->kept ? 1 : 0, length = input->part_length;
    size_t room = (size_t)max * P0F_QUERY_SIZE - length;
    uint8_t *queries = &batch->bytes[1]; /* behind the byte that was kept, if that ended a query */

    if (input->limited && input->left < room)
        room = input->left;
    batch->count = 0;
    batch->peeked = 0;
    memcpy(queries, input->part, length);
    ssize_t count = recv(input->fd, queries + length - kept, room + kept, MSG_PEEK);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR ? RELAY_INPUT_READ : RELAY_INPUT_FAILED;
    batch->peeked = (size_t)count;
    if ((size_t)count < kept)
        return RELAY_INPUT_FAILED;
    size_t fresh = (size_t)count - kept;
    length += fresh;
    batch->count = (unsigned)(length / P0F_QUERY_SIZE);
    input->part_length = (uint8_t)(length % P0F_QUERY_SIZE);
    memcpy(input->part, queries + length - input->part_length, input->part_length);
    if (input->limited)
        input->left -= fresh;
    return count == 0 || (input->limited && input->left == 0) ? RELAY_INPUT_ENDED
                                                              : RELAY_INPUT_READ;
}

const uint8_t *relay_input_query(const struct relay_batch *batch, unsigned n)
{
    return batch->bytes + 1 + (size_t)n * P0F_QUERY_SIZE;
}

bool relay_input_consume(struct relay_input *input, const struct relay_batch *batch, bool keep)
{
    if (batch->peeked == 0)
        return true;
    input->kept = keep;
    return drop_bytes(input->fd, batch->peeked - (keep ? 1 : 0));
}

bool relay_input_let_go(struct relay_input *input)
{
    bool kept = input->kept;

    input->kept = false;
    return !kept || drop_bytes(input->fd, 1);
}

bool relay_input_limit(struct relay_input *input)
{
    int arrived;

    if (ioctl(input->fd, SIOCINQ, &arrived) != 0 || arrived < 0)
        arrived = 0;
    input->limited = true;
    input->left =
        (size_t)arrived > (input->kept ? 1U : 0U) ? (size_t)arrived - (input->kept ? 1 : 0) : 0;
    return input->left > 0;
}
