/* SPDX-License-Identifier: MIT */
/* An address that the lookup command asks all sensors about, and what they have answered. */
#ifndef CMD_LOOKUP_ITEM_H
#define CMD_LOOKUP_ITEM_H

#include "cmd_lookup_line.h"
#include "cmd_lookup_sensor.h"
#include "core/clock.h"

#include <sys/queue.h>

struct cmd_lookup_question {
    struct cmd_lookup_item *item;
    struct cmd_lookup_sensor *sensor;
    enum { QUESTION_WAITING, QUESTION_ASKED, QUESTION_SETTLED } state;
    bool repeated;   /* asked on a second connection */
    bool unanswered; /* it is sent, and its answer will come */
    enum p0f_error error;
    int cause; /* errno, with an error */
    struct p0f_host host;
};

struct cmd_lookup_item {
    STAILQ_ENTRY(cmd_lookup_item) link;
    struct mono deadline;
    struct p0f_addr addr;
    enum p0f_error error; /* of the address; there are no questions then */
    bool raw;             /* values out of p0f's range are shown */
    bool dropped;         /* it is freed when the last answer comes */
    unsigned count;       /* of questions: one for each sensor */
    char *text;
    struct cmd_lookup_question questions[];
};

/* Copies `text`, and borrows the sensors until each of their connections has been left. NULL when out of memory. */
struct cmd_lookup_item *cmd_lookup_item_new(const char *text, struct cmd_lookup_sensor *sensors,
                                            unsigned count, struct mono deadline, bool raw);

/* Asks the sensors that it has not asked yet and that have room for it. Of several sensors, one that is overdue is
 * left out. */
void cmd_lookup_item_ask(struct cmd_lookup_item *item);

/* Whether every sensor has spoken. */
bool cmd_lookup_item_settled(const struct cmd_lookup_item *item);

/* Its time is over: who has not spoken will not. */
void cmd_lookup_item_expire(struct cmd_lookup_item *item);

/* What is to be printed: the newest that has been found or, if nobody knows the host, who has failed. `finding`
 * borrows from the item and `detail`. */
void cmd_lookup_item_find(const struct cmd_lookup_item *item, struct cmd_lookup_finding *finding,
                          char detail[CMD_LOOKUP_DETAIL_SIZE]);

/* Whether the sensor has failed, so that it might know the host. */
bool cmd_lookup_question_failed(const struct cmd_lookup_question *question);

/* Frees it as soon as no answer will come any more. */
void cmd_lookup_item_drop(struct cmd_lookup_item *item);

#endif
