/* SPDX-License-Identifier: MIT */
#include "questions.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t first_address;
static unsigned long count;
static struct question *listed; /* NULL: a range */

void questions_from_range(uint32_t first, unsigned long addresses)
{
    first_address = first;
    count = addresses;
}

static void read_line(char *line, struct question *question)
{
    char *rest = line, *word = strsep(&rest, "\t");
    size_t texts = 0;

    question->best = atoi(word);
    word = strsep(&rest, "\t");
    if (!word || strlen(word) >= QUESTION_ADDRESS) {
        fprintf(stderr, "expected STATUS, ADDRESS and TEXTs\n");
        exit(2);
    }
    strcpy(question->address, word);
    while ((word = strsep(&rest, "\t")) && texts < QUESTION_TEXTS)
        question->known[texts++] = strdup(word);
}

void questions_from_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    count = 0;
    while (file && (length = getline(&line, &room, file)) > 0) {
        line[length - (line[length - 1] == '\n')] = '\0';
        struct question *more = realloc(listed, (count + 1) * sizeof *listed);
        if (!more) {
            perror(path);
            exit(1);
        }
        listed = more;
        listed[count] = (struct question){0};
        read_line(line, &listed[count++]);
    }
    free(line);
    if (count == 0) {
        perror(path);
        exit(2);
    }
    fclose(file);
}

void question_take(unsigned long n, struct question *question)
{
    struct in_addr address;

    if (listed) {
        *question = listed[n % count];
        return;
    }
    address.s_addr = htonl(first_address + (uint32_t)(n % count));
    *question = (struct question){0};
    inet_ntop(AF_INET, &address, question->address, QUESTION_ADDRESS);
}

static int names(const char *body, const char *member, const char *value)
{
    char text[QUESTION_ADDRESS + 32];

    snprintf(text, sizeof text, "\"%s\":\"%s\"", member, value);
    return strstr(body, text) != NULL;
}

int question_suits(const struct question *question, long status, const char *body)
{
    if (question->best == 400)
        return status == 400;
    if (question->best == 0 && status == 200) /* busy_p0f.c has the address for a name */
        return names(body, "http_name", question->address);
    if (status < question->best || !names(body, "ip", question->address))
        return 0;
    if (status != 200 || strstr(body, "\"os_name\":null"))
        return 1;
    for (const char *const *text = question->known; *text; text++)
        if (!strstr(body, *text))
            return 0;
    return 1;
}
