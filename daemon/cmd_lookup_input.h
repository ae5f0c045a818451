/* SPDX-License-Identifier: MIT */
/* Where the lookup command gets its addresses from: its arguments, and standard input, one a line. */
#ifndef CMD_LOOKUP_INPUT_H
#define CMD_LOOKUP_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#define CMD_LOOKUP_LINE_MAX 1023 /* bytes; the rest of a longer line is skipped */

struct cmd_lookup_input {
    char *const *arguments; /* those left; "-" is standard input */
    bool reading;           /* standard input, not the arguments */
    bool ended;             /* standard input has */
    bool skipping;          /* the rest of a line that is too long */
    size_t length;          /* in `buffer` */
    char buffer[CMD_LOOKUP_LINE_MAX + 1];
    char line[CMD_LOOKUP_LINE_MAX + 1];
};

/* Without arguments, standard input is read. Borrows them. */
void cmd_lookup_input_init(struct cmd_lookup_input *input, char *const *arguments);

/* The next address, without blanks around it; blank lines are skipped. NULL if there is none, or
 * none yet. Valid until the next call. */
const char *cmd_lookup_input_next(struct cmd_lookup_input *input);

/* Whether standard input has to be read before there can be a next address. */
bool cmd_lookup_input_wants_read(const struct cmd_lookup_input *input);

/* Reads some of standard input; blocks unless it is readable. False with errno. */
bool cmd_lookup_input_read(struct cmd_lookup_input *input);

#endif
