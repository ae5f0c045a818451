/* SPDX-License-Identifier: MIT */
/* What the files about the settings share: the table of options, and the form of messages. */
#ifndef CONFIG_CONFIG_PRIVATE_H
#define CONFIG_CONFIG_PRIVATE_H

#include "config/config.h"
#include "config/option.h"

#define CONFIG_ENV_PREFIX "P0F_LOOKUPD_"
#define CONFIG_NAME_SIZE 64

size_t config_option_count(void);

/* The index is also that of its origin in struct config. */
const struct option *config_option_at(size_t index);

/* "section.key", in `space`. */
const char *config_option_name(const struct option *option, char space[CONFIG_NAME_SIZE]);

/* "P0F_LOOKUPD_SECTION_KEY", in `space`. */
const char *config_option_variable(const struct option *option, char space[CONFIG_NAME_SIZE]);

/* Of an option, which must exist. */
struct config_origin config_origin_of(const struct config *config, const char *section,
                                      const char *key);

/* "FILE:LINE", "environment variable P0F_LOOKUPD_SECTION_KEY", "-o" or "default": static or in
 * `space`. */
const char *config_option_origin(const struct config *config, const struct option *option,
                                 char space[CONFIG_ORIGIN_SIZE]);

/* Fails with a message about the setting "section.key", which says where it was read. Returns false, and
 * keeps errno. */
__attribute__((format(printf, 4, 5))) bool config_refuse(const struct config *config,
                                                         const char *name,
                                                         char error[CONFIG_ERROR_SIZE],
                                                         const char *format, ...);

/* As config_prefix(). */
const char *config_option_prefix(const struct config *config, const struct option *option,
                                 char space[CONFIG_ORIGIN_SIZE]);

#endif
