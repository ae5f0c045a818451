/* SPDX-License-Identifier: MIT */
#include "config/edit_distance.h"

#include <ctype.h>
#include <stdbool.h>
#include <sys/param.h>

#define NAME_MAX_LENGTH 48   /* of longer names nothing is near */
#define ABBREVIATED_LENGTH 4 /* of a name with letters left out, at least */

static bool same_letter(char a, char b)
{
    int one = a == '-' ? '_' : (unsigned char)a, other = b == '-' ? '_' : (unsigned char)b;

    return tolower(one) == tolower(other);
}

/* Whether `typed` is `name` with letters left out, though not the first. */
static bool is_abbreviation(struct span typed, struct span name)
{
    size_t found = 0;

    for (size_t i = 0; i < name.length && found < typed.length; i++)
        found += same_letter(typed.at[found], name.at[i]);
    return found == typed.length && typed.length >= ABBREVIATED_LENGTH &&
           same_letter(typed.at[0], name.at[0]);
}

/* Optimal string alignment: cost[i][j] is for the first i and j letters. */
static unsigned count_edits(struct span a, struct span b)
{
    unsigned cost[NAME_MAX_LENGTH + 1][NAME_MAX_LENGTH + 1];

    for (size_t i = 0; i <= a.length; i++)
        cost[i][0] = (unsigned)i;
    for (size_t j = 0; j <= b.length; j++)
        cost[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.length; i++) {
        for (size_t j = 1; j <= b.length; j++) {
            unsigned replaced = cost[i - 1][j - 1] + !same_letter(a.at[i - 1], b.at[j - 1]);
            cost[i][j] = MIN(MIN(cost[i - 1][j], cost[i][j - 1]) + 1, replaced);
            if (i > 1 && j > 1 && same_letter(a.at[i - 1], b.at[j - 2]) &&
                same_letter(a.at[i - 2], b.at[j - 1]))
                cost[i][j] = MIN(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a.length][b.length];
}

unsigned edit_distance(struct span typed, struct span name)
{
    if (typed.length > NAME_MAX_LENGTH || name.length > NAME_MAX_LENGTH)
        return EDIT_DISTANCE_FAR;
    unsigned edits = count_edits(typed, name);
    if (edits <= MAX(1, MIN(typed.length, name.length) / 3))
        return edits;
    return is_abbreviation(typed, name) ? 1 : EDIT_DISTANCE_FAR;
}
