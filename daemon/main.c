/* SPDX-License-Identifier: MIT */
/* The command line. */
#include "cmd_lookup.h"
#include "config/config.h"
#include "core/log.h"
#include "net/listener.h"
#include "server.h"
#include "json/batch_body.h"
#include "json/render.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2

enum mode { SERVE, TEST, PRINT };

extern char **environ;

static void print_help(void)
{
    printf("p0f-lookupd %s: answers over HTTP what p0f knows about a host\n"
           "\n"
           "usage: p0f-lookupd [-c FILE] [-o section.key=value]... [-t] [-T] [-V] [-h]\n"
           "       p0f-lookupd [-c FILE] [-o section.key=value]... lookup IP...\n"
           "\n"
           "  -c, --config FILE  read the settings from FILE (default: %s,\n"
           "                     if it exists)\n"
           "  -o, --option K=V   set section.key, overriding file and environment; repeatable\n"
           "  -t, --test         check the configuration and exit\n"
           "  -T, --print        check it, print all settings as a file, and exit\n"
           "  -V, --version      print the version and exit\n"
           "  -h, --help         print this and exit\n"
           "  lookup IP...       query p0f and print JSON; exit 0 found, 1 no match, 2 error\n"
           "\n"
           "Runs in the foreground and logs to stderr. SIGHUP reloads the settings; SIGTERM\n"
           "shuts down once p0f has answered all queries.\n"
           "Environment: P0F_LOOKUPD_SECTION_KEY=value.\n"
           "\n"
           "Settings and their defaults:\n",
           P0F_LOOKUPD_VERSION, P0F_LOOKUPD_CONF);
    config_print_options(stdout);
    printf("\nTry: curl http://127.0.0.1:5030/host/192.0.2.1\n"
           "More: p0f-lookupd(8), p0f-lookupd.conf(5)\n");
}

static int usage(void)
{
    fprintf(stderr, "Try p0f-lookupd -h.\n");
    return EXIT_USAGE;
}

/* Checks what config_load() does not: the addresses to listen on. False with errno. */
static bool check_listen(const struct config *config, char error[CONFIG_ERROR_SIZE])
{
    char reason[LISTENERS_ERROR_SIZE], prefix[CONFIG_ORIGIN_SIZE];
    struct listeners *listeners =
        listeners_parse(config->http.listen, config->http.allow_unauthenticated, reason);

    if (listeners) {
        listeners_free(listeners);
        return true;
    }
    int problem = errno;
    snprintf(error, CONFIG_ERROR_SIZE, "%shttp.listen: %s",
             config_prefix(config, "http.listen", prefix), reason);
    errno = problem;
    return false;
}

/* After config_load() or check_listen() has failed: with EINVAL, the settings are wrong, and with another
 * errno the next try may succeed. For the lookup command, status 1 would mean that p0f does not know
 * the host. */
static int refuse_config(const char *error, bool lookup)
{
    int status = errno == EINVAL || lookup ? EXIT_USAGE : EXIT_FAILURE;

    log_errx("%s", error);
    return status;
}

static void log_advice(const char *text)
{
    log_warnx("%s", text);
}

static int print_config(const struct config *config)
{
    config_print(config, stdout);
    if (fflush(stdout) == 0)
        return EXIT_SUCCESS;
    log_err("cannot print the settings");
    return EXIT_FAILURE;
}

static int run(const struct config_source *source, enum mode mode, char *const *command)
{
    char error[CONFIG_ERROR_SIZE];
    struct config *config = config_load(source, error);
    int status = EXIT_SUCCESS;

    if (!config)
        return refuse_config(error, *command);
    if (!*command || mode != SERVE)
        config_advise(config, log_advice);
    render_init();
    batch_body_init();
    if (*command && mode == SERVE) {
        status = (int)cmd_lookup(config, command + 1);
    } else if (!check_listen(config, error)) {
        status = refuse_config(error, false);
    } else if (mode == PRINT) {
        status = print_config(config);
    } else if (mode == TEST) {
        printf("p0f-lookupd: the configuration is valid (%s)\n",
               config->file ? config->file : "defaults, no file");
    } else {
        return server_run(config, source);
    }
    config_free(config);
    return status;
}

/* If a standard stream is closed, a socket (to p0f, perhaps) could get its number, and would be sent
 * what is logged and printed. What is opened here takes the number and cannot be written to. */
static void occupy_standard_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'},
        {"option", required_argument, NULL, 'o'},
        {"test", no_argument, NULL, 't'},
        {"print", no_argument, NULL, 'T'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    char *override[argc + 1];
    struct config_source source = {.environ = environ, .override = override};
    enum mode mode = SERVE;
    int option;

    occupy_standard_streams();
    signal(SIGPIPE, SIG_IGN); /* the reader of our output may exit before us */
    log_init();
    if (access(P0F_LOOKUPD_CONF, F_OK) == 0)
        source.file = P0F_LOOKUPD_CONF;
    else
        source.later_file = P0F_LOOKUPD_CONF;
    while ((option = getopt_long(argc, argv, "c:o:tTVh", long_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            source.file = optarg;
            break;
        case 'o':
            override[source.override_count++] = optarg;
            break;
        case 't':
            mode = mode == PRINT ? PRINT : TEST;
            break;
        case 'T':
            mode = PRINT;
            break;
        case 'V':
            printf("p0f-lookupd %s\n", P0F_LOOKUPD_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            print_help();
            return EXIT_SUCCESS;
        default:
            return usage(); /* getopt_long() has printed why */
        }
    }
    if (argv[optind] && strcmp(argv[optind], "lookup") != 0) {
        fprintf(stderr, "p0f-lookupd: unknown command %s\n", argv[optind]);
        return usage();
    }
    if (argv[optind] && !argv[optind + 1]) {
        fprintf(stderr, "p0f-lookupd: lookup: expected an address\n");
        return usage();
    }
    return run(&source, mode, argv + optind);
}
