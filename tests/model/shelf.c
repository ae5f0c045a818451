/* SPDX-License-Identifier: MIT */
#include "shelf.h"

#include "model.h"
#include "told.h"
#include "truth.h"
#include "json/shared_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#define SENSORS TOLD_SENSORS
/* What is wrong with a value. */
enum flaw {
    SOUND,
    CUT_SHORT,
    OF_ANOTHER_HOST,
    OF_ANOTHER_SENSOR,
    NO_JSON,
    TOO_LONG,
    EMPTY,
    FLAWS,
};

/* A field, whose value is made when it is told. */
struct field {
    bool there;
    enum flaw flaw;
    uint32_t number;
    int64_t observed_at;
};

/* What the daemon wrote last of a sensor, and was told that it is done: it does not write it again. After a trouble it
 * may, since it forgets that one, too, when it learns that the one before has failed. */
struct written {
    bool known;
    bool done;
    struct told_since since; /* it was written */
    uint32_t number;
};

struct hash {
    struct field fields[SENSORS];
    struct mono expires; /* 0: never */
    uint32_t last;       /* sensor whose field was written last */
    struct written written[MODEL_SENSORS_MAX];
};

static struct {
    struct share_times times;
    struct boottime times_at; /* since when they are in force; 0: always */
    bool evicts;
    uint64_t clock_sets; /* when the life began */
    struct hash hashes[TRUTH_HOSTS];
} shelf;

static struct chance *const chance = &model.chance;

void shelf_start(const struct share_times *times, bool evicts)
{
    memset(&shelf, 0, sizeof shelf);
    shelf.times = *times;
    told_start(times->ttl);
    shelf.evicts = evicts;
    shelf.clock_sets = model.counts.clock_sets;
}

void shelf_forget_written(void)
{
    for (uint32_t i = 0; i < TRUTH_HOSTS; i++)
        memset(shelf.hashes[i].written, 0, sizeof shelf.hashes[i].written);
}

void shelf_new_times(const struct share_times *times)
{
    shelf.times_at = model_boottime();
    shelf.times = *times;
    told_new_ttl(times->ttl);
    shelf_forget_written();
}

void shelf_clear(void)
{
    memset(shelf.hashes, 0, sizeof shelf.hashes);
}

uint32_t shelf_host(const char *key, size_t length)
{
    const size_t prefix = strlen(SHELF_PREFIX);
    struct p0f_addr addr;

    model_check(length > prefix && memcmp(key, SHELF_PREFIX, prefix) == 0, "the key %.*s",
                (int)length, key);
    model_check(p0f_addr_parse(key + prefix, length - prefix, &addr) == P0F_OK, "the key %.*s",
                (int)length, key);
    return truth_host(&addr);
}

/* ---- Other machines */

static void put_field(uint32_t host, unsigned sensor, struct field field)
{
    field.there = true;
    shelf.hashes[host].fields[sensor] = field;
    shelf.hashes[host].expires = (struct mono){0};
}

/* Their clocks may be off, and their sensors may have seen it long ago. */
static void write_elsewhere(uint32_t host)
{
    unsigned sensor = chance_below(chance, TRUTH_ELSEWHERE);
    int64_t ago = (int64_t)CHANCE_ONE_OF(chance, 0, 0, 1, 2, 5, 60, 3600, 100000);
    int64_t ahead = (int64_t)CHANCE_ONE_OF(chance, 0, 0, 0, 0, 1, 3600, 86400, 86401, 200000);
    struct field field = {.observed_at =
                              model_wall() - (int64_t)CHANCE_ONE_OF(chance, 0, 0, 1, 30) + ahead};

    if (chance_permille(chance, 100))
        field.observed_at -= 10000; /* expired, by most settings */
    if (chance_permille(chance, 100))
        ago = -ago; /* that clock has been set back */
    int64_t seen = field.observed_at - ago;
    field.number = truth_say_elsewhere(sensor, host, model_wall() - seen).total_conn;
    if (chance_permille(chance, 200))
        field.flaw = (enum flaw)chance_between(chance, 1, FLAWS - 1);
    put_field(host, MODEL_SENSORS_MAX + sensor, field);
}

void shelf_put_elsewhere(uint32_t host)
{
    struct field field = {.observed_at = model_wall()};

    field.number = truth_say_elsewhere(0, host, 0).total_conn;
    put_field(host, MODEL_SENSORS_MAX, field);
}

/* ---- Telling */

static size_t spoil_value(struct shelf_field *field, enum flaw flaw)
{
    switch (flaw) {
    case CUT_SHORT:
        return field->length - 1 - chance_below(chance, (uint32_t)field->length - 1);
    case NO_JSON:
        return (size_t)snprintf(field->value, sizeof field->value, "{\"ip\":nonsense}");
    case TOO_LONG:
        memset(field->value + field->length, ' ', sizeof field->value - field->length);
        return sizeof field->value;
    case EMPTY:
        return 0;
    default:
        return field->length;
    }
}

static void expire_hash(struct hash *hash)
{
    if (hash->expires.ns == 0 || mono_before(model.now, hash->expires))
        return;
    memset(hash->fields, 0, sizeof hash->fields);
    hash->expires = (struct mono){0};
    model.counts.tier_expired++;
}

unsigned shelf_tell(uint32_t host)
{
    struct hash *hash = &shelf.hashes[host];
    unsigned count = 0;

    expire_hash(hash);
    if (!truth_is_nowhere(host) && chance_permille(chance, model.mood.store.others))
        write_elsewhere(host);
    struct told_hash *told = told_add(host);
    for (unsigned i = 0; i < SENSORS; i++) {
        const struct field *field = &hash->fields[i];
        told->fields[i] = (struct told_field){field->there && field->flaw == SOUND, field->number,
                                              field->observed_at};
        count += field->there;
    }
    return count;
}

void shelf_field(uint32_t host, unsigned index, struct shelf_field *told)
{
    const struct field *fields = shelf.hashes[host].fields;
    unsigned sensor = 0;

    for (; !fields[sensor].there || index > 0; sensor++)
        index -= fields[sensor].there;
    const struct field *field = &fields[sensor];
    struct p0f_addr addr = truth_addr(host);
    const struct p0f_host said = truth_answer(field->number);
    if (field->flaw == OF_ANOTHER_HOST)
        addr.bytes[1] = 1; /* for which nobody asks */
    memset(told->value, 0, sizeof told->value);
    told->name = truth_sensor(sensor);
    told->length =
        shared_host_write(&addr, &said, field->flaw == OF_ANOTHER_SENSOR ? "somebody" : told->name,
                          field->observed_at, told->value);
    told->length = spoil_value(told, field->flaw);
}

/* ---- What the daemon writes */

static unsigned own_sensor(const char *name, size_t length)
{
    unsigned sensor = 0;

    while (sensor < model.settings.sensors && (strlen(truth_sensor(sensor)) != length ||
                                               memcmp(truth_sensor(sensor), name, length) != 0))
        sensor++;
    model_check(sensor < model.settings.sensors, "the daemon writes a field of %.*s", (int)length,
                name);
    return sensor;
}

static int64_t number_after(const char *value, size_t length, const char *name)
{
    const char *at = memmem(value, length, name, strlen(name));

    model_check(at, "%s is not in what the daemon writes", name);
    return strtoll(at + strlen(name), NULL, 10);
}

/* It was decided after p0f had said so, and the one before after p0f had said that. */
static void check_interval(uint32_t host, const struct written *before, uint32_t number)
{
    const struct truth_said *said = truth_said(host, number);

    if (!before->done || told_trouble_since(&before->since) || shelf.evicts ||
        !truth_unchanged(before->number, number) || !boottime_before(shelf.times_at, said->at))
        return;
    int64_t passed = boottime_ms_between(truth_said(host, before->number)->at, model_boottime());
    model_check(passed >= shelf.times.write_interval,
                "host %u: written again after %lld ms at most", host, (long long)passed);
    model.counts.tier_unchanged++;
}

void shelf_write(uint32_t host, const char *name, size_t name_length, const char *value,
                 size_t length)
{
    unsigned sensor = own_sensor(name, name_length);
    struct hash *hash = &shelf.hashes[host];
    struct written *written = &hash->written[sensor];
    char want[SHARED_HOST_MAX];
    const struct p0f_addr addr = truth_addr(host);
    const uint32_t number = (uint32_t)number_after(value, length, "\"total_conn\":");
    const int64_t observed_at = number_after(value, length, "\"observed_at\":");
    const struct truth_said *said = truth_said(host, number);
    const struct p0f_host answer = truth_answer(number);

    model_check(said->sensor == sensor, "host %u: %s writes what %s has said", host,
                truth_sensor(sensor), truth_sensor(said->sensor));
    model_check(shared_host_write(&addr, &answer, truth_sensor(sensor), observed_at, want) ==
                        length &&
                    memcmp(value, want, length) == 0,
                "host %u: what is written is not what p0f has said", host);
    model_check(model.counts.clock_sets > shelf.clock_sets ||
                    (observed_at >= said->wall && observed_at <= model_wall()),
                "host %u: observed at %lld, and p0f said so at %lld", host, (long long)observed_at,
                (long long)said->wall);
    check_interval(host, written, number);
    *written = (struct written){.known = true, .number = number, .since = told_now()};
    expire_hash(hash);
    hash->last = sensor;
    hash->fields[sensor] =
        (struct field){.there = true, .number = number, .observed_at = observed_at};
    model.counts.tier_writes++;
}

void shelf_expire(uint32_t host, int64_t ms)
{
    model_check(ms == shelf.times.ttl || shelf.times_at.ns > 0,
                "host %u: expires after %lld ms, and the ttl is %lld", host, (long long)ms,
                (long long)shelf.times.ttl);
    shelf.hashes[host].expires = mono_add_ms(model.now, ms);
}

void shelf_written(uint32_t host)
{
    struct hash *hash = &shelf.hashes[host];
    struct written *written = &hash->written[hash->last];

    written->done = written->known;
}

bool shelf_has_own(uint32_t host)
{
    bool has = false;

    for (unsigned i = 0; i < model.settings.sensors; i++)
        has = has || shelf.hashes[host].fields[i].there;
    return has;
}
