/* SPDX-License-Identifier: MIT */
/* What must hold, whatever the input: says what does not and where, and ends with a crash. */
#ifndef HOLDS_H
#define HOLDS_H

#include <stdio.h>
#include <stdlib.h>

#define HOLDS(what) ((what) ? (void)0 : does_not_hold(__FILE__, __LINE__, #what))

static inline _Noreturn void does_not_hold(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

#endif
