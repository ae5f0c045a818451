/* SPDX-License-Identifier: MIT */
#include "cmd_lookup_item.h"

#include "http/lookup_problem.h"
#include "net/address_fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(CMD_LOOKUP_DETAIL_SIZE >= PROBLEM_DETAIL_SIZE, "there is room for a problem");
_Static_assert(CMD_LOOKUP_DETAIL_SIZE >= ADDRESS_FAULT_SIZE, "there is room for a fault");

struct cmd_lookup_item *cmd_lookup_item_new(const char *text, struct cmd_lookup_sensor *sensors,
                                            unsigned count, struct mono deadline, bool raw)
{
    size_t size = strlen(text) + 1;
    struct cmd_lookup_item *item =
        calloc(1, sizeof *item + count * sizeof(struct cmd_lookup_question) + size);

    if (!item)
        return NULL;
    item->text = memcpy(&item->questions[count], text, size);
    item->deadline = deadline;
    item->raw = raw;
    item->error = p0f_addr_parse(text, size - 1, &item->addr);
    item->count = item->error == P0F_OK ? count : 0;
    for (unsigned i = 0; i < item->count; i++)
        item->questions[i] = (struct cmd_lookup_question){.item = item, .sensor = &sensors[i]};
    return item;
}

static void settle_question(struct cmd_lookup_question *question, enum p0f_error error)
{
    question->cause = errno;
    question->state = QUESTION_SETTLED;
    question->error = error;
}

static bool has_unanswered(const struct cmd_lookup_item *item)
{
    for (unsigned i = 0; i < item->count; i++)
        if (item->questions[i].unanswered)
            return true;
    return false;
}

/* A failed connection says nothing about the queries whose answers are lost with it: they are sent again,
 * once. */
static void on_lookup_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct cmd_lookup_question *question = ctx;
    struct cmd_lookup_item *item = question->item;
    bool lost = error == P0F_LOST || error == P0F_DISCONNECTED;

    question->unanswered = false;
    question->sensor->overdue = question->sensor->overdue && lost;
    if (item->dropped) {
        cmd_lookup_item_drop(item);
    } else if (question->state != QUESTION_ASKED) {
        /* Too late; the item is still to be printed. */
    } else if (lost && !question->repeated) {
        question->repeated = true;
        question->state = QUESTION_WAITING;
    } else {
        if (error == P0F_OK) {
            question->host = *host;
            error = item->raw ? P0F_OK : p0f_host_check(host);
        }
        settle_question(question, error);
    }
}

/* While p0f hangs, queries that have timed out still fill the pipeline, and later ones have to wait. */
static void ask_question(struct cmd_lookup_question *question)
{
    struct cmd_lookup_item *item = question->item;

    if (question->sensor->overdue && item->count > 1) {
        settle_question(question, P0F_TIMEOUT);
        return;
    }
    enum p0f_error error =
        cmd_lookup_sensor_ask(question->sensor, &item->addr, on_lookup_answer, question);
    if (error == P0F_FULL)
        return;
    question->unanswered = error == P0F_OK;
    if (error == P0F_OK)
        question->state = QUESTION_ASKED;
    else
        settle_question(question, error);
}

void cmd_lookup_item_ask(struct cmd_lookup_item *item)
{
    for (unsigned i = 0; i < item->count; i++)
        if (item->questions[i].state == QUESTION_WAITING)
            ask_question(&item->questions[i]);
}

bool cmd_lookup_item_settled(const struct cmd_lookup_item *item)
{
    for (unsigned i = 0; i < item->count; i++)
        if (item->questions[i].state != QUESTION_SETTLED)
            return false;
    return true;
}

void cmd_lookup_item_expire(struct cmd_lookup_item *item)
{
    for (unsigned i = 0; i < item->count; i++) {
        struct cmd_lookup_question *question = &item->questions[i];
        if (question->state == QUESTION_SETTLED)
            continue;
        question->sensor->overdue = true;
        settle_question(question, P0F_TIMEOUT);
    }
}

bool cmd_lookup_question_failed(const struct cmd_lookup_question *question)
{
    return question->error != P0F_OK && question->error != P0F_NO_MATCH;
}

void cmd_lookup_item_find(const struct cmd_lookup_item *item, struct cmd_lookup_finding *finding,
                          char detail[CMD_LOOKUP_DETAIL_SIZE])
{
    const struct cmd_lookup_question *best = NULL, *failed = NULL;

    for (unsigned i = 0; i < item->count; i++) {
        const struct cmd_lookup_question *question = &item->questions[i];
        if (question->error == P0F_OK && (!best || question->host.last_seen > best->host.last_seen))
            best = question;
        if (!failed && cmd_lookup_question_failed(question))
            failed = question;
    }
    *finding =
        (struct cmd_lookup_finding){.query = item->text, .addr = item->addr, .detail = detail};
    if (item->error != P0F_OK) {
        finding->error = item->error;
        address_fault(item->text, strlen(item->text), detail);
    } else if (best) {
        finding->host = &best->host;
        finding->sensor = best->sensor->name;
    } else if (failed) {
        finding->error = failed->error;
        cmd_lookup_sensor_explain(failed->sensor, failed->error, failed->cause, detail);
    } else {
        finding->error = P0F_NO_MATCH;
        problem_of_lookup(LOOKUP_NO_MATCH, &item->addr, detail);
    }
}

void cmd_lookup_item_drop(struct cmd_lookup_item *item)
{
    item->dropped = true;
    if (!has_unanswered(item))
        free(item);
}
