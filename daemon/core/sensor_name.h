/* SPDX-License-Identifier: MIT */
/* Names of sensors: letters, digits, "-", "_", "." and "/", so that they need no escaping anywhere. Pure. */
#ifndef CORE_SENSOR_NAME_H
#define CORE_SENSOR_NAME_H

#include "core/span.h"

#include <stdbool.h>

#define SENSOR_NAME_MAX 63 /* bytes of a name in the settings */

/* A name in p0f.socket or share.sensor: not empty, and without "/". */
bool sensor_name_valid(struct span name);

/* A name in answers: perhaps that of the machine, "/", and that of the socket. */
bool sensor_name_valid_in_answer(struct span name);

#endif
