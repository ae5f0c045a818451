/* SPDX-License-Identifier: MIT */
/* The name of a sensor: letters, digits and "-", "_", "." and "/", so that it needs no escaping anywhere. Pure. */
#ifndef CORE_SENSOR_NAME_H
#define CORE_SENSOR_NAME_H

#include "core/span.h"

#include <stdbool.h>

#define SENSOR_NAME_MAX 63 /* bytes, of a name in the settings */

/* As in p0f.socket and share.sensor: no "/", and not empty. */
bool sensor_name_valid(struct span name);

/* As in answers: with "/" between the name of the machine and that of the socket. */
bool sensor_name_valid_in_answer(struct span name);

#endif
