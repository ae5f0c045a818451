/* SPDX-License-Identifier: MIT */
/* The addresses that http_load asks about, and what must be in the answers. */
#ifndef QUESTIONS_H
#define QUESTIONS_H

#include <stddef.h>
#include <stdint.h>

enum { QUESTION_ADDRESS = 64, QUESTION_TEXTS = 4 };

struct question {
    char address[QUESTION_ADDRESS]; /* or a text that is not an address */
    /* Texts that a 200 must contain; the last is NULL. */
    const char *known[QUESTION_TEXTS + 1];
    int best; /* 200, 404, or 400 if it is not an address; 0: not from a file */
};

/* `count` consecutive addresses. */
void questions_from_range(uint32_t first, unsigned long count);

/* Lines of STATUS TAB ADDRESS [TAB TEXT]...: 400 if it is not an address, 404 for a host that p0f does not
 * know, 200 for one that it may know. A 200 then contains all TEXTs, or its os_name is null because p0f has
 * not seen enough of the host yet. */
void questions_from_file(const char *path);

/* The n-th; after the last comes the first again. */
void question_take(unsigned long n, struct question *question);

/* 0 if the answer is about another address, or is not one of those allowed for this one. */
int question_suits(const struct question *question, long status, const char *body);

#endif
