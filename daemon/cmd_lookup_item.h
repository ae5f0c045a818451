/* SPDX-License-Identifier: MIT */
/* An address that the lookup command queries all sensors about, and their answers. */
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
    bool repeated;   /* sent again on a second connection */
    bool unanswered; /* sent, and its answer is outstanding */
    enum p0f_error error;
    int cause; /* errno, with an error */
    struct p0f_host host;
};

struct cmd_lookup_item {
    STAILQ_ENTRY(cmd_lookup_item) link;
    struct mono deadline;
    struct p0f_addr addr;
    enum p0f_error error; /* of the address; then there are no questions */
    bool raw;             /* accept values out of p0f's range */
    bool dropped;         /* freed when the last answer comes */
    unsigned count;       /* of questions: one for each sensor */
    char *text;
    struct cmd_lookup_question questions[];
};

/* Copies `text`; borrows the sensors until the last of their connections is closed. NULL when out of memory. */
struct cmd_lookup_item *cmd_lookup_item_new(const char *text, struct cmd_lookup_sensor *sensors,
                                            unsigned count, struct mono deadline, bool raw);

/* Queries each sensor that it has not queried yet and whose pipeline has room. Of several sensors, one that is
 * overdue is left out. */
void cmd_lookup_item_ask(struct cmd_lookup_item *item);

/* Whether all sensors have answered, failed or been left out. */
bool cmd_lookup_item_settled(const struct cmd_lookup_item *item);

/* At its deadline: settles the questions without an answer, and their sensors are overdue. */
void cmd_lookup_item_expire(struct cmd_lookup_item *item);

/* Finds what to print: the newest host or, if no sensor knows the host, the first failure. `finding` borrows from
 * the item and `detail`. */
void cmd_lookup_item_find(const struct cmd_lookup_item *item, struct cmd_lookup_finding *finding,
                          char detail[CMD_LOOKUP_DETAIL_SIZE]);

/* Whether the sensor has failed, and so may know the host. */
bool cmd_lookup_question_failed(const struct cmd_lookup_question *question);

/* Frees it as soon as no answer is outstanding. */
void cmd_lookup_item_drop(struct cmd_lookup_item *item);

#endif
