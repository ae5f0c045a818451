/* SPDX-License-Identifier: MIT */
#include "share/writer.h"

#include "core/number.h"
#include "share/redis_socket.h"
#include "share/written.h"
#include "json/shared_host.h"

#include <stdlib.h>
#include <string.h>

#define FREE_MAX 64 /* kept for reuse */

_Static_assert(REDIS_SOCKET_COMMAND_MAX >= 128 + SHARE_PREFIX_MAX + P0F_ADDR_TEXT_SIZE +
                                               SHARE_SENSOR_SIZE + SHARED_HOST_MAX,
               "the longest HSET can be sent");

/* An HSET, followed by a PEXPIRE. */
struct share_write {
    struct writer *writer;
    struct command set, expire;
    unsigned outstanding;
    bool failed;
    struct p0f_addr addr;
    const char *sensor;
    SLIST_ENTRY(share_write) link; /* in `spare` */
    char key[SHARE_PREFIX_MAX + P0F_ADDR_TEXT_SIZE];
    char ttl[NUMBER_SIZE];
    char value[SHARED_HOST_MAX];
};

struct writer {
    struct share_parts parts;
    size_t prefix_length;
    struct written *written;
    SLIST_HEAD(, share_write) spare;
    unsigned spares;
};

/* ---- The memory of writes */

static void on_write_reply(void *ctx, const redisReply *reply);

static struct share_write *take_write(struct writer *writer)
{
    struct share_write *write = SLIST_FIRST(&writer->spare);

    if (write) {
        SLIST_REMOVE_HEAD(&writer->spare, link);
        writer->spares--;
        return write;
    }
    write = calloc(1, sizeof *write);
    if (!write)
        return NULL;
    write->writer = writer;
    memcpy(write->key, writer->parts.prefix, writer->prefix_length);
    return write;
}

static void put_back_write(struct share_write *write)
{
    struct writer *writer = write->writer;

    if (writer->spares == FREE_MAX) {
        free(write);
        return;
    }
    SLIST_INSERT_HEAD(&writer->spare, write, link);
    writer->spares++;
}

/* ---- Replies */

static void log_refusal(const struct share_write *write, const char *error)
{
    static const struct {
        const char *prefix;
        enum share_trouble trouble;
    } known[] = {
        {"OOM", SHARE_TROUBLE_FULL},
        {"READONLY", SHARE_TROUBLE_READ_ONLY},
        {"NOPERM", SHARE_TROUBLE_NOT_PERMITTED},
        {"WRONGTYPE", SHARE_TROUBLE_WRONG_TYPE},
    };
    enum share_trouble trouble = SHARE_TROUBLE_REFUSED;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(error, known[i].prefix, strlen(known[i].prefix)) == 0)
            trouble = known[i].trouble;
    share_log_trouble(write->writer->parts.log, trouble, write->set.node->server,
                      trouble == SHARE_TROUBLE_WRONG_TYPE ? write->writer->parts.prefix : error);
}

static void end_write(struct share_write *write)
{
    struct writer *writer = write->writer;

    if (!write->failed)
        writer->parts.counts->writes_ok++;
    else if (write->set.sent)
        writer->parts.counts->writes_error++;
    else
        writer->parts.counts->writes_dropped++;
    if (write->failed)
        written_forget(writer->written, &write->addr, write->sensor);
    put_back_write(write);
}

static void on_write_reply(void *ctx, const redisReply *reply)
{
    struct share_write *write = ctx;

    if (!reply || reply->type != REDIS_REPLY_INTEGER) {
        if (reply && !write->failed) /* log only the first of the two replies */
            log_refusal(write, reply->type == REDIS_REPLY_ERROR ? reply->str : "malformed reply");
        write->failed = true;
    }
    if (--write->outstanding == 0)
        end_write(write);
}

/* ---- What share.c calls */

static bool send_write(struct share_write *write, const struct p0f_host *host)
{
    struct writer *writer = write->writer;
    size_t key =
        writer->prefix_length + p0f_addr_format(&write->addr, write->key + writer->prefix_length);
    size_t value =
        shared_host_write(&write->addr, host, write->sensor, writer->parts.wall(), write->value);

    if (value == 0)
        return false;
    write->set = (struct command){
        .argc = 4,
        .argv = {"HSET", write->key, write->sensor, write->value},
        .lengths = {4, key, strlen(write->sensor), value},
        .is_write = true,
        .then = &write->expire,
        .reply = on_write_reply,
        .ctx = write,
    };
    write->expire = (struct command){
        .argc = 3,
        .argv = {"PEXPIRE", write->key, write->ttl},
        .lengths = {7, key, number_format(writer->parts.times->ttl, write->ttl)},
        .is_write = true,
        .reply = on_write_reply,
        .ctx = write,
    };
    write->outstanding = 2;
    write->failed = false;
    return commands_send(writer->parts.commands, &write->set);
}

void writer_write(struct writer *writer, const struct p0f_addr *addr, const struct p0f_host *host,
                  const char *sensor)
{
    struct mono now = loop_now(writer->parts.loop);

    if (!written_due(writer->written, addr, sensor, host, now,
                     writer->parts.times->write_interval)) {
        writer->parts.counts->writes_unchanged++;
        return;
    }
    struct share_write *write = take_write(writer);
    if (write) {
        write->addr = *addr;
        write->sensor = sensor;
        if (send_write(write, host))
            return;
        put_back_write(write);
    }
    writer->parts.counts->writes_dropped++;
    written_forget(writer->written, addr, sensor);
}

struct writer *writer_new(const struct share_parts *parts, uint32_t max_hosts, struct hash_key key)
{
    struct writer *writer = calloc(1, sizeof *writer);

    if (!writer)
        return NULL;
    writer->parts = *parts;
    writer->prefix_length = strlen(parts->prefix);
    SLIST_INIT(&writer->spare);
    writer->written = written_new(max_hosts, key);
    if (!writer->written) {
        free(writer);
        return NULL;
    }
    return writer;
}

void writer_free(struct writer *writer)
{
    struct share_write *write;

    if (!writer)
        return;
    while ((write = SLIST_FIRST(&writer->spare))) {
        SLIST_REMOVE_HEAD(&writer->spare, link);
        free(write);
    }
    written_free(writer->written);
    free(writer);
}

uint32_t writer_hosts(const struct writer *writer)
{
    return written_count(writer->written);
}
