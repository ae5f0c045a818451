/* SPDX-License-Identifier: MIT */
/* In the place of the daemon's log: messages are composed, and go nowhere. */
#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>

#define LOG(name)                                                                                  \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        char line[1024];                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        vsnprintf(line, sizeof line, format, arguments);                                           \
        va_end(arguments);                                                                         \
    }

LOG(log_info)
LOG(log_warn)
LOG(log_warnx)
LOG(log_err)
LOG(log_errx)

void log_init(void)
{
}
