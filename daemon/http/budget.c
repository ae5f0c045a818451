/* SPDX-License-Identifier: MIT */
#include "http/budget.h"

#include <stdatomic.h>
#include <stdlib.h>

struct budget {
    size_t limit;
    atomic_size_t taken;
    atomic_size_t held[FLOWS]; /* of that, by client */
};

struct budget *budget_new(size_t limit)
{
    struct budget *budget = calloc(1, sizeof *budget);

    if (budget)
        budget->limit = limit;
    return budget;
}

void budget_free(struct budget *budget)
{
    free(budget);
}

/* Takes first and checks then, so that only one of two gets the last bytes. */
bool budget_take(struct budget *budget, struct flow client, size_t bytes)
{
    bool fits = atomic_fetch_add(&budget->taken, bytes) + bytes <= budget->limit;

    for (unsigned i = 0; i < client.widths; i++)
        if (atomic_fetch_add(&budget->held[client.numbers[i]], bytes) + bytes > budget->limit / 2)
            fits = false;
    if (!fits)
        budget_give(budget, client, bytes);
    return fits;
}

void budget_give(struct budget *budget, struct flow client, size_t bytes)
{
    for (unsigned i = 0; i < client.widths; i++)
        atomic_fetch_sub(&budget->held[client.numbers[i]], bytes);
    atomic_fetch_sub(&budget->taken, bytes);
}

size_t budget_taken(const struct budget *budget)
{
    return budget->taken;
}
