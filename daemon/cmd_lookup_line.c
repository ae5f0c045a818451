/* SPDX-License-Identifier: MIT */
#include "cmd_lookup_line.h"

#include "core/rfc3339.h"
#include "core/utf8.h"
#include "http/problem.h"
#include "json/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As UTF-8, of which Latin-1 needs up to two bytes for each of its own. NULL when out of memory. */
static char *as_utf8(const char *bytes)
{
    size_t size = 2 * strlen(bytes) + 1;
    char *text = malloc(size);

    if (text && utf8_valid(bytes))
        strcpy(text, bytes);
    else if (text)
        utf8_from_latin1(bytes, text, size);
    return text;
}

/* ---- JSON */

static enum problem problem_of_error(enum p0f_error error)
{
    switch (error) {
    case P0F_NO_MATCH:
        return PROBLEM_NO_MATCH;
    case P0F_BAD_QUERY:
    case P0F_MALFORMED:
    case P0F_LOST:
    case P0F_OUT_OF_RANGE:
        return PROBLEM_BAD_RESPONSE;
    case P0F_TIMEOUT:
        return PROBLEM_TIMEOUT;
    default:
        return error >= P0F_ADDR_EMPTY ? PROBLEM_BAD_ADDRESS : PROBLEM_UNAVAILABLE;
    }
}

static char *render_problem_line(const struct cmd_lookup_finding *finding, size_t *length)
{
    const struct problem_kind *kind = problem_kind(problem_of_error(finding->error));
    char *query = as_utf8(finding->query);

    if (!query)
        return NULL;
    const struct render_result result = {
        .query = query,
        .query_length = strlen(query),
        .status = kind->status,
        .code = kind->code,
        .detail = finding->detail,
    };
    char *line = malloc(render_result_length(&result));
    if (line)
        *length = (size_t)(render_result(line, &result, RENDER_RESULTS_LINES, true) - line);
    free(query);
    return line;
}

/* ---- Text */

/* Nothing that a terminal obeys. */
static void put_printable(FILE *out, const char *bytes)
{
    char *text = as_utf8(bytes);

    for (const char *p = text ? text : "?"; *p; p++) {
        bool c1 = p[0] == '\xc2' && (unsigned char)p[1] < 0xa0; /* U+0080 to U+009F */
        if ((unsigned char)*p < ' ' || *p == '\x7f' || c1)
            fputc('?', out);
        else
            fputc(*p, out);
        p += c1;
    }
    free(text);
}

static void put_pair(FILE *out, const char *label, const char *name, const char *flavor)
{
    if (!name[0] && !flavor[0])
        return;
    fputs(label, out);
    put_printable(out, name);
    if (name[0] && flavor[0])
        fputc(' ', out);
    put_printable(out, flavor);
}

static void put_moment(FILE *out, const char *label, uint32_t seconds)
{
    char text[RFC3339_SIZE];

    if (seconds != 0 && rfc3339_format(seconds, text))
        fprintf(out, "%s%s", label, text);
}

static void put_uptime(FILE *out, const struct p0f_host *host)
{
    if (host->uptime_min == 0)
        return;
    fprintf(out, "; uptime: %u days %u hrs %u min", (unsigned)(host->uptime_min / 60 / 24),
            (unsigned)(host->uptime_min / 60 % 24), (unsigned)(host->uptime_min % 60));
    if (host->up_mod_days != 0)
        fprintf(out, " (modulo %u days)", (unsigned)host->up_mod_days);
}

/* In the words of p0f-client. */
static void put_host_text(FILE *out, const struct p0f_host *host, const char *sensor)
{
    static const char *const honesty[] = {"", " (OS mismatch)", " (ID is fake)"};

    fputs("OS: ", out);
    put_pair(out, "", host->os_name[0] ? host->os_name : "???", host->os_flavor);
    fputs(host->os_match_q & 2 ? " [generic]" : "", out);
    fputs(host->os_match_q & 1 ? " [fuzzy]" : "", out);
    put_pair(out, "; HTTP: ", host->http_name, host->http_flavor);
    fputs(host->bad_sw <= 2 ? honesty[host->bad_sw] : "", out);
    put_pair(out, "; link: ", host->link_type, "");
    put_pair(out, "; language: ", host->language, "");
    if (host->distance >= 0 && host->distance != P0F_DISTANCE_UNKNOWN)
        fprintf(out, "; distance: %d", host->distance);
    put_uptime(out, host);
    put_moment(out, "; NAT: ", host->last_nat);
    put_moment(out, "; changed: ", host->last_chg);
    fprintf(out, "; connections: %u", (unsigned)host->total_conn);
    put_moment(out, "; first seen: ", host->first_seen);
    put_moment(out, "; last seen: ", host->last_seen);
    put_pair(out, "; sensor: ", sensor, "");
}

static char *render_text_line(const struct cmd_lookup_finding *finding, size_t *length)
{
    char *line = NULL;
    FILE *out = open_memstream(&line, length);

    if (!out)
        return NULL;
    put_printable(out, finding->query);
    fputs(": ", out);
    if (finding->host)
        put_host_text(out, finding->host, finding->sensor);
    else
        fputs(finding->detail, out);
    fputc('\n', out);
    bool failed = ferror(out);
    if (fclose(out) == 0 && !failed)
        return line;
    free(line);
    return NULL;
}

char *cmd_lookup_line(const struct cmd_lookup_finding *finding, enum cmd_lookup_format format,
                      size_t *length)
{
    if (format == CMD_LOOKUP_TEXT)
        return render_text_line(finding, length);
    if (!finding->host)
        return render_problem_line(finding, length);
    return render_host(&finding->addr, finding->host, finding->sensor[0] ? finding->sensor : NULL,
                       format == CMD_LOOKUP_RAW ? RENDER_RAW : RENDER_PARSED, length);
}
