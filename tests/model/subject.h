/* SPDX-License-Identifier: MIT */
/* The daemon under test: its modules, put together as modules.c does it, and the settings that chance has chosen. */
#ifndef SUBJECT_H
#define SUBJECT_H

#include "core/loop.h"
#include "lookup/lookup.h"
#include "lookup/recall.h"
#include "p0f/sensors.h"
#include "relay/relay.h"
#include "share/share.h"

struct subject {
    struct loop *loop;
    struct recall *recall;
    struct sensors *sensors;
    struct share *share; /* NULL: there is no tier */
    struct lookup *lookup;
    struct relay *relay;
    struct recall_options cache_options;
    struct lookup_limits limits;
    struct share_times share_times;
    uint32_t max_rate; /* 0: none, in all of this life */
};

extern struct subject subject;

/* With the settings of the model. */
void subject_start(void);

/* In the order in which modules.c frees them. */
void subject_free(void);

/* Some settings change; the limits are those in `subject` now. In the loop's thread. */
void subject_change_settings(void);
void subject_set_limits(void);

#endif
