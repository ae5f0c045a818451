/* SPDX-License-Identifier: MIT */
/* What http_load asks about, and what must be in the answers. */
#ifndef QUESTIONS_H
#define QUESTIONS_H

#include <stddef.h>
#include <stdint.h>

enum { QUESTION_ADDRESS = 64, QUESTION_TEXTS = 4 };

struct question {
    char address[QUESTION_ADDRESS]; /* or what is none */
    /* Texts that a 200 has in it; the last is NULL. */
    const char *known[QUESTION_TEXTS + 1];
    int best; /* 200, 404, or 400 for what is no address; 0: not from a file */
};

/* So many addresses, one after the other. */
void questions_from_range(uint32_t first, unsigned long count);

/* Lines of STATUS TAB ADDRESS [TAB TEXT]...: 400 for what is no address, 404 for a host that p0f
 * does not know, 200 for one that it may know. Then a 200 has all TEXTs in it, or else os_name is
 * null, as p0f has not seen enough of it yet. */
void questions_from_file(const char *path);

/* The n-th, over and over again. */
void question_take(unsigned long n, struct question *question);

/* 0 when the answer is not about the address asked for, or is not what it may be. */
int question_suits(const struct question *question, long status, const char *body);

#endif
