/* SPDX-License-Identifier: MIT */
#include "share/share_log.h"

#include "core/log.h"
#include "share/share_status.h"

#include <stdio.h>

#define MORE_SIZE 64

/* `more` says how often it has happened since the last message. */
static void log_message(enum share_trouble trouble, const char *server, const char *detail,
                        const char *more)
{
    switch (trouble) {
    case SHARE_TROUBLE_WRONG_TYPE:
        log_warnx("shared tier: %s: a key that begins with '%.200s' is not a hash and is ignored; "
                  "delete it, or set another share.prefix%s",
                  server, detail, more);
        break;
    case SHARE_TROUBLE_BAD_FIELD:
        log_warnx(
            "shared tier: %s: a host's field %.200s is not what a sensor writes, and is ignored%s",
            server, detail, more);
        break;
    case SHARE_TROUBLE_FULL:
        log_warnx(
            "shared tier: %s is out of memory and stores no hosts; raise its maxmemory, or set its "
            "maxmemory-policy to volatile-lru%s",
            server, more);
        break;
    case SHARE_TROUBLE_READ_ONLY:
        log_warnx("shared tier: %s is a read-only replica and stores no hosts; set share.server to "
                  "its master%s",
                  server, more);
        break;
    case SHARE_TROUBLE_NOT_PERMITTED:
        log_warnx(
            "shared tier: %s: the user of share.server lacks permissions; allow hscan, hset and "
            "pexpire on the keys of share.prefix: %.200s%s",
            server, detail, more);
        break;
    case SHARE_TROUBLE_REFUSED:
        log_warnx("shared tier: %s refused to store a host: %.200s%s", server, detail, more);
        break;
    case SHARE_TROUBLE_NO_MAP:
        log_warnx("shared tier: %s: cannot read the slots of the cluster, so every command is "
                  "redirected: CLUSTER SLOTS: %.200s%s",
                  server, detail, more);
        break;
    case SHARE_TROUBLE_NO_CLUSTER:
        log_errx("shared tier: %s is not a cluster node and is not used; several servers in "
                 "share.server must be nodes of one cluster%s",
                 server, more);
        break;
    case SHARE_TROUBLE_TOO_MANY:
        log_warnx("shared tier: %s: the cluster has more than %d masters; not using %.200s%s",
                  server, SHARE_NODES_MAX, detail, more);
        break;
    case SHARE_TROUBLES:
        break;
    }
}

void share_log_trouble(struct share_log *log, enum share_trouble trouble, const char *server,
                       const char *detail)
{
    struct share_log_trouble *entry = &log->troubles[trouble];
    struct mono now = loop_now(log->loop);
    int64_t passed = mono_ms_between(entry->at, now);
    char more[MORE_SIZE] = "";

    if (entry->logged && passed < entry->pause_ms) {
        entry->suppressed++;
        return;
    }
    if (entry->suppressed > 0)
        snprintf(more, sizeof more, " (%u more time%s in %lld s)", entry->suppressed,
                 entry->suppressed == 1 ? "" : "s", (long long)(passed / 1000));
    bool goes_on = entry->logged && passed < 2 * entry->pause_ms;
    entry->pause_ms = goes_on ? 2 * entry->pause_ms : SHARE_LOG_PAUSE_MS;
    if (entry->pause_ms > SHARE_LOG_PAUSE_MAX_MS)
        entry->pause_ms = SHARE_LOG_PAUSE_MAX_MS;
    entry->logged = true;
    entry->at = now;
    entry->suppressed = 0;
    log_message(trouble, server, detail, more);
}
