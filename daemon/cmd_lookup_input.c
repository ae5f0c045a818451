/* SPDX-License-Identifier: MIT */
#include "cmd_lookup_input.h"

#include "core/span.h"

#include <errno.h>
#include <unistd.h>

void cmd_lookup_input_init(struct cmd_lookup_input *input, char *const *arguments)
{
    *input = (struct cmd_lookup_input){.arguments = arguments, .reading = !*arguments};
}

/* The next line in the buffer, or what stands for it: all of a full buffer, and at the end, the rest. False
 * if the line is not complete. */
static bool take_line(struct cmd_lookup_input *input, struct span *line)
{
    char *newline = memchr(input->buffer, '\n', input->length);
    bool full = input->length == CMD_LOOKUP_LINE_MAX;

    if (!newline && !full && !(input->ended && input->length > 0))
        return false;
    size_t length = newline ? (size_t)(newline - input->buffer) : input->length;
    size_t taken = length + (newline != NULL);
    memcpy(input->line, input->buffer, length);
    *line = (struct span){input->line, input->skipping ? 0 : length};
    input->skipping = !newline;
    input->length -= taken;
    memmove(input->buffer, input->buffer + taken, input->length);
    return true;
}

static const char *next_input_line(struct cmd_lookup_input *input)
{
    struct span line;

    while (take_line(input, &line)) {
        if (line.length > 0 && line.at[line.length - 1] == '\r')
            line.length--;
        line = span_trim(line);
        if (line.length == 0)
            continue;
        memmove(input->line, line.at, line.length);
        input->line[line.length] = '\0';
        return input->line;
    }
    return NULL;
}

const char *cmd_lookup_input_next(struct cmd_lookup_input *input)
{
    for (;;) {
        if (input->reading) {
            const char *line = next_input_line(input);
            if (line || !input->ended)
                return line;
            input->reading = false;
        }
        if (!*input->arguments)
            return NULL;
        const char *argument = *input->arguments++;
        if (strcmp(argument, "-") != 0)
            return argument;
        input->reading = true;
    }
}

bool cmd_lookup_input_wants_read(const struct cmd_lookup_input *input)
{
    return input->reading && !input->ended;
}

bool cmd_lookup_input_read(struct cmd_lookup_input *input)
{
    ssize_t got =
        read(STDIN_FILENO, input->buffer + input->length, CMD_LOOKUP_LINE_MAX - input->length);

    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    input->ended = got == 0;
    input->length += (size_t)got;
    return true;
}
