/* SPDX-License-Identifier: MIT */
#include "core/sensor_name.h"

static bool is_sensor_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
}

bool sensor_name_valid(struct span name)
{
    if (name.length == 0 || name.length > SENSOR_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.length; i++)
        if (!is_sensor_byte(name.at[i]))
            return false;
    return true;
}

bool sensor_name_valid_in_answer(struct span name)
{
    struct span rest = name, machine = span_split(&rest, '/');

    return sensor_name_valid(machine) && (machine.length == name.length || sensor_name_valid(rest));
}
