/* SPDX-License-Identifier: MIT */
/* Replaces the daemon's log: silent, or with the model's own messages. */
#include "core/log.h"

#include "model.h"

#include <stdarg.h>
#include <stdio.h>

static void tell(const char *format, va_list arguments)
{
    char line[512];

    vsnprintf(line, sizeof line, format, arguments);
    model_tell("log: %s", line);
}

#define LOG(name)                                                                                  \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        tell(format, arguments);                                                                   \
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
