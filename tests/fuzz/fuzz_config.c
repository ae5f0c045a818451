/* SPDX-License-Identifier: MIT */
/* Any bytes are a settings file, and what follows it, cut at each byte 0xfe, are variables of the
 * environment (P0F_...) or overrides: they make settings, or an error that says where. Settings
 * printed as a file or written as overrides, and read again, are the same. */
#include "config/config.h"
#include "holds.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PARTS_MAX 16
#define CUT 0xfe

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    int fd; /* 0: none yet */
    char path[32];
} file;

struct parts {
    char *all; /* the texts */
    char *variables[PARTS_MAX + 1];
    char *overrides[PARTS_MAX];
    size_t variable_count, override_count;
};

static void end(void)
{
    close(file.fd);
}

static void write_file(const void *bytes, size_t length)
{
    if (file.fd == 0) {
        file.fd = memfd_create("settings", MFD_CLOEXEC);
        HOLDS(file.fd > 0 && atexit(end) == 0);
        snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
    }
    HOLDS(ftruncate(file.fd, 0) == 0);
    HOLDS(pwrite(file.fd, bytes, length, 0) == (ssize_t)length);
}

static size_t part_length(const uint8_t *data, size_t size)
{
    const uint8_t *cut = memchr(data, CUT, size);

    return cut ? (size_t)(cut - data) : size;
}

/* Texts end at a NUL, as these do. */
static void take_parts(const uint8_t *data, size_t size, struct parts *parts)
{
    char *text = parts->all = malloc(size + 1);

    HOLDS(text);
    while (size > 0 && parts->variable_count < PARTS_MAX && parts->override_count < PARTS_MAX) {
        size_t length = part_length(++data, --size);
        memcpy(text, data, length);
        text[length] = '\0';
        if (strncmp(text, "P0F_", 4) == 0)
            parts->variables[parts->variable_count++] = text;
        else
            parts->overrides[parts->override_count++] = text;
        text += length + 1;
        data += length;
        size -= length;
    }
}

static void check_error(const char error[CONFIG_ERROR_SIZE])
{
    char at[64];

    HOLDS(memchr(error, '\0', CONFIG_ERROR_SIZE));
    snprintf(at, sizeof at, "%s:", file.path);
    if (strncmp(error, at, strlen(at)) == 0)
        HOLDS(atoi(error + strlen(at)) > 0);
    else
        HOLDS(strncmp(error, "environment variable P0F_", 25) == 0 || strncmp(error, "-o", 2) == 0);
    HOLDS(strstr(error, ": expected ") || strstr(error, "p0f-lookupd -h lists") ||
          strstr(error, ": already set on line ") || strstr(error, "did you mean "));
}

/* ---- The settings as text */

struct text {
    char *bytes;
    size_t length;
    FILE *stream;
};

static void start(struct text *text)
{
    *text = (struct text){0};
    text->stream = open_memstream(&text->bytes, &text->length);
    HOLDS(text->stream);
}

static void add_override(void *ctx, const char *section, const char *key, const char *value)
{
    struct text *text = ctx;

    fprintf(text->stream, "%s.%s=%s%c", section, key, value, '\0');
}

/* One NUL-terminated "section.key=value" after the other. */
static struct text overrides_of(const struct config *config)
{
    struct text text;

    start(&text);
    config_each(config, add_override, &text);
    fclose(text.stream);
    return text;
}

static void check_same(const struct config *config, struct config_source source)
{
    char error[CONFIG_ERROR_SIZE];
    struct config *again = config_load(&source, error);

    if (!again)
        fprintf(stderr, "%s\n", error);
    HOLDS(again);
    struct text expected = overrides_of(config), text = overrides_of(again);
    HOLDS(text.length == expected.length);
    HOLDS(memcmp(text.bytes, expected.bytes, text.length) == 0);
    free(expected.bytes);
    free(text.bytes);
    config_free(again);
}

static void check_through_overrides(const struct config *config)
{
    struct text text = overrides_of(config);
    char *overrides[64];
    size_t count = 0;

    for (char *at = text.bytes; at < text.bytes + text.length; at += strlen(at) + 1) {
        HOLDS(count < sizeof overrides / sizeof overrides[0]);
        overrides[count++] = at;
    }
    check_same(config, (struct config_source){.override = overrides, .override_count = count});
    free(text.bytes);
}

static void check_through_file(const struct config *config)
{
    struct text text;

    start(&text);
    config_print(config, text.stream);
    fclose(text.stream);
    write_file(text.bytes, text.length);
    check_same(config, (struct config_source){.file = file.path});
    free(text.bytes);
}

static size_t restarts;

static void count_restart(void *ctx, const struct config_change *change)
{
    (void)ctx;
    HOLDS(strcmp(change->in_force, change->waiting) != 0);
    restarts++;
}

static size_t count_differences(const struct config *a, const struct config *b)
{
    struct text one = overrides_of(a), other = overrides_of(b);
    const char *in_one = one.bytes, *in_other = other.bytes;
    size_t count = 0;

    while (in_one < one.bytes + one.length) {
        count += strcmp(in_one, in_other) != 0;
        in_one += strlen(in_one) + 1;
        in_other += strlen(in_other) + 1;
    }
    free(one.bytes);
    free(other.bytes);
    return count;
}

/* As on a reload: what needs no restart is as in `fresh`, and the rest as it was. */
static void check_adopted(const struct config *fresh)
{
    char error[CONFIG_ERROR_SIZE];
    struct config *running = config_load(&(struct config_source){0}, error);
    struct config *before = config_load(&(struct config_source){0}, error);

    HOLDS(running && before);
    config_adopt(running, fresh);
    restarts = 0;
    config_restart_needed(before, running, count_restart, NULL);
    HOLDS(restarts == 0);
    config_restart_needed(running, fresh, count_restart, NULL);
    HOLDS(count_differences(running, fresh) == restarts);
    config_free(running);
    config_free(before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length = part_length(data, size);
    char error[CONFIG_ERROR_SIZE];
    struct parts parts = {0};

    write_file(data, length);
    take_parts(data + length, size - length, &parts);
    memset(error, 'x', sizeof error);
    struct config *config =
        config_load(&(struct config_source){.file = file.path,
                                            .environ = parts.variables,
                                            .override = parts.overrides,
                                            .override_count = parts.override_count},
                    error);
    if (config) {
        check_through_overrides(config);
        check_adopted(config);
        check_through_file(config);
    } else {
        check_error(error);
    }
    config_free(config);
    free(parts.all);
    return 0;
}
