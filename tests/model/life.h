/* SPDX-License-Identifier: MIT */
/* One life: a daemon from start to shutdown, with settings, luck and visitors from the seed. */
#ifndef LIFE_H
#define LIFE_H

#include <stdint.h>

void life_run(uint64_t seed, uint64_t steps);

#endif
