/* SPDX-License-Identifier: MIT */
#include "share/reader.h"

#include "core/sensor_name.h"
#include "share/hits.h"
#include "share/newest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* Outlives its query, since the reply may come late. */
struct share_read {
    struct reader *reader;
    struct share_query *query; /* NULL: nobody is waiting any more */
    struct p0f_addr addr;
    struct mono sent, deadline;
    bool late;
    struct command command;
    TAILQ_ENTRY(share_read) link; /* in `waiting`, `late` or `spare` */
    char key[SHARE_PREFIX_MAX + P0F_ADDR_TEXT_SIZE];
};

TAILQ_HEAD(read_list, share_read);

struct reader {
    struct share_parts parts;
    size_t prefix_length;
    struct read_list waiting; /* by deadline */
    struct read_list late;
    struct read_list spare;  /* for reuse; as many as were ever needed at once */
    struct loop_timer timer; /* fires at the first deadline, or before it */
    struct histogram round_trip;
    struct hits hits;
};

static void on_read_reply(void *ctx, const redisReply *reply);

/* ---- The memory of reads */

static struct share_read *take_read(struct reader *reader)
{
    struct share_read *read = TAILQ_FIRST(&reader->spare);

    if (read) {
        TAILQ_REMOVE(&reader->spare, read, link);
        return read;
    }
    read = calloc(1, sizeof *read);
    if (!read)
        return NULL;
    read->reader = reader;
    read->command = (struct command){
        .argc = 5,
        .argv = {"HSCAN", read->key, "0", "COUNT", "512"},
        .lengths = {5, 0, 1, 5, 3},
        .reply = on_read_reply,
        .ctx = read,
    };
    memcpy(read->key, reader->parts.prefix, reader->prefix_length);
    return read;
}

static void put_back_read(struct share_read *read)
{
    TAILQ_INSERT_HEAD(&read->reader->spare, read, link);
}

/* ---- Answers */

static void answer_read(struct share_read *read, enum share_result result,
                        const struct share_found *found)
{
    struct share_query *query = read->query;

    read->query = NULL;
    if (!query)
        return;
    query->read = NULL;
    query->answer(query->ctx, result, found);
}

static bool is_fields(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && reply->element[0] &&
           reply->element[0]->type == REDIS_REPLY_STRING && reply->element[1] &&
           reply->element[1]->type == REDIS_REPLY_ARRAY && reply->element[1]->elements % 2 == 0;
}

static bool is_text(const redisReply *reply)
{
    return reply && reply->type == REDIS_REPLY_STRING;
}

/* Fields are written by anybody: only what may be a sensor's name is fit for the log. */
static void log_bad_field(const struct share_read *read, const redisReply *field)
{
    struct span name = is_text(field) ? (struct span){field->str, field->len} : span_of("");

    share_log_trouble(read->reader->parts.log, SHARE_TROUBLE_BAD_FIELD, read->command.node->server,
                      sensor_name_valid_in_answer(name) ? name.at : "that is no sensor's name");
}

/* [cursor, [field, value, field, value, ...]] */
static void take_fields(struct share_read *read, const redisReply *reply)
{
    struct reader *reader = read->reader;
    struct share_counts *counts = reader->parts.counts;
    const redisReply *cursor = reply->element[0], *fields = reply->element[1], *bad = NULL;
    struct newest newest = {.addr = &read->addr,
                            .now = reader->parts.wall(),
                            .ttl_ms = reader->parts.times->ttl,
                            .counts = counts};

    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const redisReply *field = fields->element[i], *value = fields->element[i + 1];
        const uint64_t invalid = counts->fields_invalid;
        if (is_text(field) && is_text(value))
            newest_add(&newest, field->str, field->len, value->str, value->len);
        else
            counts->fields_invalid++;
        if (counts->fields_invalid != invalid)
            bad = field;
    }
    if (!(cursor->len == 1 && cursor->str[0] == '0'))
        counts->fields_cut++;
    if (bad)
        log_bad_field(read, bad);
    if (newest.found) {
        counts->reads_found++;
        hits_count(&reader->hits, newest.best.sensor);
        answer_read(read, SHARE_FOUND, &newest.best);
    } else {
        counts->reads_none++;
        answer_read(read, SHARE_NONE, NULL);
    }
}

static bool says(const char *error, const char *prefix)
{
    return strncmp(error, prefix, strlen(prefix)) == 0;
}

/* Whether the error is about this key only: its slot is not served, or there were too many redirections. */
static bool is_about_key(const char *error)
{
    return says(error, "CLUSTERDOWN Hash slot not served") || says(error, "MOVED ") ||
           says(error, "ASK ");
}

static void take_error(struct share_read *read, const char *error)
{
    struct reader *reader = read->reader;
    struct node *node = read->command.node;

    if (says(error, "WRONGTYPE")) {
        reader->parts.counts->fields_invalid++;
        reader->parts.counts->reads_none++;
        share_log_trouble(reader->parts.log, SHARE_TROUBLE_WRONG_TYPE, node->server,
                          reader->parts.prefix);
        node_connection_succeeded(node->connection);
        answer_read(read, SHARE_NONE, NULL);
        return;
    }
    reader->parts.counts->reads_error++;
    if (says(error, "NOPERM"))
        share_log_trouble(reader->parts.log, SHARE_TROUBLE_NOT_PERMITTED, node->server, error);
    if (!is_about_key(error))
        node_connection_failed(node->connection, error);
    answer_read(read, SHARE_FAILED, NULL);
}

static void take_reply(struct share_read *read, const redisReply *reply)
{
    if (!reply) {
        read->reader->parts.counts->reads_error++;
        answer_read(read, SHARE_FAILED, NULL);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        take_error(read, reply->str);
    } else if (!is_fields(reply)) {
        take_error(read, "malformed reply to HSCAN");
    } else {
        node_connection_succeeded(read->command.node->connection);
        take_fields(read, reply);
    }
}

static void on_read_reply(void *ctx, const redisReply *reply)
{
    struct share_read *read = ctx;
    struct reader *reader = read->reader;

    TAILQ_REMOVE(read->late ? &reader->late : &reader->waiting, read, link);
    if (reply)
        histogram_observe(&reader->round_trip, loop_now(reader->parts.loop).ns - read->sent.ns);
    if (!read->late)
        take_reply(read, reply);
    else if (reply)
        reader->parts.counts->late++;
    put_back_read(read);
}

/* ---- Deadlines */

/* The breaker hears of it last: what it tells others may end the gather that has asked. */
static void expire_read(struct share_read *read)
{
    struct reader *reader = read->reader;
    struct share_query *query = read->query;
    struct node *slow = NULL;
    char why[64];

    snprintf(why, sizeof why, "no reply within %lld ms",
             (long long)mono_ms_between(read->sent, read->deadline));
    reader->parts.counts->reads_timeout++;
    TAILQ_REMOVE(&reader->waiting, read, link);
    read->query = NULL;
    if (commands_withdraw(&read->command)) {
        put_back_read(read);
    } else {
        read->late = true;
        TAILQ_INSERT_TAIL(&reader->late, read, link);
        slow = read->command.node;
    }
    if (query) {
        query->read = NULL;
        query->answer(query->ctx, SHARE_FAILED, NULL);
    }
    if (slow)
        node_connection_failed(slow->connection, why);
}

static void on_read_deadline(void *ctx)
{
    struct reader *reader = ctx;
    struct share_read *read;

    while ((read = TAILQ_FIRST(&reader->waiting))) {
        if (mono_before(loop_now(reader->parts.loop), read->deadline)) {
            loop_arm(reader->parts.loop, &reader->timer, read->deadline);
            return;
        }
        expire_read(read);
    }
}

/* Deadlines are in order already, unless the timeout has been made shorter. */
static void await_read(struct share_read *read)
{
    struct reader *reader = read->reader;
    struct share_read *before = TAILQ_LAST(&reader->waiting, read_list);

    while (before && mono_before(read->deadline, before->deadline))
        before = TAILQ_PREV(before, read_list, link);
    if (before)
        TAILQ_INSERT_AFTER(&reader->waiting, before, read, link);
    else
        TAILQ_INSERT_HEAD(&reader->waiting, read, link);
    /* Not disarmed when the first read is answered: one timer serves thousands of reads. */
    if (!loop_armed(&reader->timer) || mono_before(read->deadline, reader->timer.at))
        loop_arm(reader->parts.loop, &reader->timer, read->deadline);
}

/* ---- What share.c calls */

static bool send_read(struct share_read *read, const struct p0f_addr *addr)
{
    struct reader *reader = read->reader;

    read->addr = *addr;
    read->late = false;
    read->sent = loop_now(reader->parts.loop);
    read->deadline = mono_add_ms(read->sent, reader->parts.times->timeout);
    read->command.lengths[1] =
        reader->prefix_length + p0f_addr_format(addr, read->key + reader->prefix_length);
    return commands_send(reader->parts.commands, &read->command);
}

bool reader_ask(struct reader *reader, struct share_query *query)
{
    struct share_read *read = take_read(reader);

    query->read = NULL;
    if (!read || !send_read(read, &query->addr)) {
        reader->parts.counts->reads_skipped++;
        if (read)
            put_back_read(read);
        return false;
    }
    read->query = query;
    query->read = read;
    await_read(read);
    return true;
}

void reader_cancel(struct share_query *query)
{
    if (query->read)
        query->read->query = NULL;
    query->read = NULL;
}

struct reader *reader_new(const struct share_parts *parts)
{
    struct reader *reader = calloc(1, sizeof *reader);

    if (!reader)
        return NULL;
    reader->parts = *parts;
    reader->prefix_length = strlen(parts->prefix);
    TAILQ_INIT(&reader->waiting);
    TAILQ_INIT(&reader->late);
    TAILQ_INIT(&reader->spare);
    reader->timer = (struct loop_timer){.fire = on_read_deadline, .ctx = reader};
    return reader;
}

void reader_stop(struct reader *reader)
{
    struct share_read *read;

    if (!reader)
        return;
    loop_disarm(reader->parts.loop, &reader->timer);
    TAILQ_FOREACH(read, &reader->waiting, link)
        read->query = NULL;
}

void reader_free(struct reader *reader)
{
    struct share_read *read;

    if (!reader)
        return;
    while ((read = TAILQ_FIRST(&reader->spare))) {
        TAILQ_REMOVE(&reader->spare, read, link);
        free(read);
    }
    free(reader);
}

void reader_status(const struct reader *reader, struct share_status *status)
{
    status->round_trip = reader->round_trip;
    hits_status(&reader->hits, status);
}
