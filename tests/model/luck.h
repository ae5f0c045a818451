/* SPDX-License-Identifier: MIT */
/* Settings and moods as chance has them: from the least that is allowed to more than enough. */
#ifndef LUCK_H
#define LUCK_H

#include "lookup/lookup.h"
#include "lookup/recall.h"
#include "share/share_query.h"

struct recall_times luck_times(void);
struct lookup_limits luck_limits(void);
struct share_times luck_share_times(void);

/* Queries a second; not 0. */
uint32_t luck_rate(void);

enum p0f_dialect luck_dialect(void);

/* Another mood of the model's; one in which nothing goes wrong. */
void luck_mood(void);
void luck_calm(void);

#endif
