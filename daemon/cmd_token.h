/* SPDX-License-Identifier: MIT */
/* "p0f-lookupd token NAME [ROLE]": makes a token. */
#ifndef CMD_TOKEN_H
#define CMD_TOKEN_H

/* Prints the line for http.token_file on standard output and the token on standard error, so that the one can be
 * appended to the file, and the other go to whoever is to send it. If standard error is a terminal, it says
 * which is which. `role` may be NULL: lookup. Returns the exit status: 0, or 1 after an error, or 2 if an
 * argument is wrong, each with a message. */
int cmd_token(const char *name, const char *role);

#endif
