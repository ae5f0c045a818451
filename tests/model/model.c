/* SPDX-License-Identifier: MIT */
#include "model.h"

#include "life.h"
#include "sim_p0f.h"
#include "sim_store.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIFE_STEPS_MAX 6000
#define LIFE_SECONDS_MAX 60 /* else it will never end; most take some hundredths of one */

struct model model;

struct mono model_clock(void)
{
    return model.now;
}

struct boottime model_boottime(void)
{
    return (struct boottime){model.now.ns + model.slept_ns};
}

int64_t model_wall(void)
{
    return INT64_C(1700000000) + model_boottime().ns / 1000000000 + model.wall_off;
}

void model_digest(uint64_t value)
{
    model.digest = (model.digest ^ value ^ (uint64_t)model.now.ns) * UINT64_C(0x100000001b3);
}

static uint64_t life_steps(uint64_t life)
{
    struct chance chance = {life ^ UINT64_C(0x5deece66d)};

    return chance_between(&chance, 1, CHANCE_ONE_OF(&chance, 50, 1000, LIFE_STEPS_MAX));
}

static void print_where(void)
{
    fprintf(stderr,
            "model: in step %" PRIu64 " of %" PRIu64 " (%" PRIu64
            " in all), at %.3f ms; again with: -v -l %#" PRIx64 "\n",
            model.step, life_steps(model.life), model.counts.steps,
            (double)(model.now.ns - model.began.ns) * 1e-6, model.life);
}

void model_fail(const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fprintf(stderr, "model: ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    print_where();
    sim_p0f_close();
    sim_store_close();
    _exit(1);
}

/* It is the end anyway, so what a handler may not do may be tried. */
static void on_fatal_signal(int number)
{
    fprintf(stderr, "model: %s\n", strsignal(number));
    print_where();
    signal(number, SIG_DFL);
    raise(number);
}

/* Under a sanitizer. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void expect_the_worst(void)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGALRM};

    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(print_where);
        signal(SIGALRM, on_fatal_signal);
        return;
    }
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
        signal(fatal[i], on_fatal_signal);
}

void model_tell(const char *format, ...)
{
    va_list arguments;

    if (!model.verbose)
        return;
    fprintf(stderr, "%6" PRIu64 " %14.3f  ", model.step,
            (double)(model.now.ns - model.began.ns) * 1e-6);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static void print_counts(void)
{
    const struct {
        const char *name;
        uint64_t count;
    } all[] = {
#define ROW(name) {#name, model.counts.name},
        MODEL_COUNTS(ROW)
#undef ROW
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        printf("%s%s %" PRIu64, i ? ", " : "  ", all[i].name, all[i].count);
    printf("\n");
}

/* Whether everything that the model can do has been done. */
static bool all_counted(void)
{
#define COUNTED(name) model.counts.name > 0 &&
    return MODEL_COUNTS(COUNTED) true;
#undef COUNTED
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 0);

    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "model: %s: not a number\n", text);
        exit(2);
    }
    return value;
}

static void live(uint64_t life)
{
    alarm(LIFE_SECONDS_MAX);
    life_run(life, life_steps(life));
    alarm(0);
}

static void run(uint64_t seed, uint64_t steps)
{
    struct chance lives = {seed};
    uint64_t before = model.counts.steps;

    model.digest = UINT64_C(0xcbf29ce484222325);
    while (model.counts.steps - before < steps)
        live(chance_next(&lives));
    printf("seed %#" PRIx64 ": %" PRIu64 " steps, digest %016" PRIx64 "\n", seed,
           model.counts.steps - before, model.digest);
}

static int usage(void)
{
    fprintf(stderr, "usage: model [-n STEPS] [-c] [-v] SEED... | -l LIFE\n"
                    "  -n  steps for each seed (default 200000)\n"
                    "  -c  fail unless everything that can happen has happened\n"
                    "  -v  tell what happens\n"
                    "  -l  one life, by the seed that a failure has named\n");
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t steps = 200000, life = 0;
    bool all = false, alone = false;
    int option;

    while ((option = getopt(argc, argv, "n:cvl:")) != -1) {
        switch (option) {
        case 'n':
            steps = number(optarg);
            break;
        case 'c':
            all = true;
            break;
        case 'v':
            model.verbose = true;
            break;
        case 'l':
            life = number(optarg);
            alone = true;
            break;
        default:
            return usage();
        }
    }
    if (alone == (optind < argc))
        return usage();
    signal(SIGPIPE, SIG_IGN); /* as the daemon has it */
    expect_the_worst();
    sim_p0f_open();
    sim_store_open();
    if (alone)
        live(life);
    for (; optind < argc; optind++)
        run(number(argv[optind]), steps);
    sim_p0f_close();
    sim_store_close();
    print_counts();
    if (all && !all_counted()) {
        fprintf(stderr, "model: something that can happen has not\n");
        return 1;
    }
    return 0;
}
