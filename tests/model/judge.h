/* SPDX-License-Identifier: MIT */
/* What a visitor may be told. */
#ifndef JUDGE_H
#define JUDGE_H

#include "lookup/recall.h"
#include "visitor.h"

void judge_start(const struct lookup_limits *limits, const struct recall_times *times);

/* Settings have been changed. */
void judge_new_limits(const struct lookup_limits *limits);
void judge_new_times(const struct recall_times *times);

/* Fails the model unless the visitor may be told this; drops the record. `full`: so many were pending when it came
 * that it may have been refused. */
void judge_visitor(const struct visitor *visitor, bool at_once, bool full);

/* What the last one was told that was `sure`. */
enum lookup_outcome judge_sure_outcome(void);

#endif
