/* SPDX-License-Identifier: MIT */
/* Finds options by name, and those that a mistyped name probably means. Pure. */
#ifndef CONFIG_OPTION_SEARCH_H
#define CONFIG_OPTION_SEARCH_H

#include "config/option.h"
#include "core/span.h"

/* NULL when there is none. */
const struct option *option_find(struct span section, struct span key);

bool option_section_exists(struct span name);

/* What the key was probably meant to be, preferably in the same section; NULL without a good guess. */
const struct option *option_nearest(struct span section, struct span key);

/* What the section was probably meant to be; NULL without a good guess. */
const char *option_nearest_section(struct span name);

#endif
