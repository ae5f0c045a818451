/* SPDX-License-Identifier: MIT */
#include "share/share.h"

#include "share/reader.h"
#include "share/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct share {
    struct share_times times;
    struct share_counts counts;
    struct share_log log;
    struct commands *commands;
    struct reader *reader;
    struct writer *writer;
    char prefix[SHARE_PREFIX_MAX + 1];
};

/* ---- Settings */

struct servers {
    struct redis_url urls[SHARE_NODES_MAX];
    unsigned count;
};

static bool read_servers(const char *list, struct servers *servers, char error[SHARE_ERROR_SIZE])
{
    struct span rest = span_of(list), item;
    char why[REDIS_URL_ERROR_SIZE];

    servers->count = 0;
    while (span_next_item(&rest, &item)) {
        if (servers->count == SHARE_NODES_MAX) {
            snprintf(error, SHARE_ERROR_SIZE, "more than %d servers", SHARE_NODES_MAX);
            return false;
        }
        if (!redis_url_parse(item, &servers->urls[servers->count], why)) {
            snprintf(error, SHARE_ERROR_SIZE, "%s", why);
            return false;
        }
        servers->count++;
    }
    for (unsigned i = 0; i < servers->count && servers->count > 1; i++)
        if (servers->urls[i].database != 0) {
            snprintf(error, SHARE_ERROR_SIZE,
                     "several servers must be nodes of one cluster, which has no database %u",
                     servers->urls[i].database);
            return false;
        }
    return true;
}

/* ---- The whole */

static struct commands *new_commands(struct share *share, const struct share_options *options,
                                     const struct servers *servers)
{
    const struct nodes_options nodes = {
        .loop = options->loop,
        .urls = servers->urls,
        .count = servers->count,
        .timeout_ms = options->times.timeout,
        .seed = options->seed,
        .counts = &share->counts,
        .log = &share->log,
    };

    return commands_new(&nodes);
}

static struct share_parts share_parts_of(struct share *share, const struct share_options *options)
{
    return (struct share_parts){
        .loop = options->loop,
        .wall = options->wall,
        .prefix = share->prefix,
        .commands = share->commands,
        .counts = &share->counts,
        .log = &share->log,
        .times = &share->times,
    };
}

static bool build_share(struct share *share, const struct share_options *options,
                        const struct servers *servers)
{
    strcpy(share->prefix, options->prefix);
    share->times = options->times;
    share->log.loop = options->loop;
    share->commands = new_commands(share, options, servers);
    const struct share_parts parts = share_parts_of(share, options);
    share->reader = reader_new(&parts);
    share->writer = writer_new(&parts, options->max_hosts, options->key);
    return share->commands && share->reader && share->writer;
}

struct share *share_new(const struct share_options *options, char error[SHARE_ERROR_SIZE])
{
    struct servers *servers = malloc(sizeof *servers);
    struct share *share = calloc(1, sizeof *share);
    bool ok = false;

    snprintf(error, SHARE_ERROR_SIZE, "out of memory");
    if (!servers || !share) {
        free(share);
        share = NULL;
    } else if (strlen(options->prefix) > SHARE_PREFIX_MAX) {
        snprintf(error, SHARE_ERROR_SIZE, "the prefix is longer than %d bytes", SHARE_PREFIX_MAX);
    } else if (read_servers(options->server, servers, error)) {
        ok = build_share(share, options, servers);
    }
    if (servers) /* it holds passwords */
        explicit_bzero(servers, sizeof *servers);
    free(servers);
    if (!ok) {
        share_free(share);
        return NULL;
    }
    return share;
}

void share_free(struct share *share)
{
    if (!share)
        return;
    reader_stop(share->reader);
    commands_free(share->commands);
    reader_free(share->reader);
    writer_free(share->writer);
    free(share);
}

void share_set_times(struct share *share, const struct share_times *times)
{
    share->times = *times;
    nodes_set_timeout(commands_nodes(share->commands), times->timeout);
}

bool share_ask(struct share *share, struct share_query *query)
{
    return reader_ask(share->reader, query);
}

void share_cancel(struct share *share, struct share_query *query)
{
    (void)share;
    reader_cancel(query);
}

void share_write(struct share *share, const struct p0f_addr *addr, const struct p0f_host *host,
                 const char *sensor)
{
    writer_write(share->writer, addr, host, sensor);
}

unsigned share_connections(const struct share *share)
{
    return nodes_connections(commands_nodes(share->commands));
}

void share_status(const struct share *share, struct share_status *status)
{
    memset(status, 0, sizeof *status);
    nodes_status(commands_nodes(share->commands), status);
    reader_status(share->reader, status);
    status->counts = share->counts;
    status->written = writer_hosts(share->writer);
}
