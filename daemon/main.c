/* SPDX-License-Identifier: MIT */
/* The command line. */
#include "cmd_health.h"
#include "cmd_lookup.h"
#include "cmd_token.h"
#include "config/config_check.h"
#include "config/tls_files.h"
#include "config/token_file.h"
#include "core/clock.h"
#include "core/log.h"
#include "server.h"
#include "signals.h"
#include "systemd.h"
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

/* Options without a letter. */
enum { OPTION_RAW = 256, OPTION_TEXT, OPTION_READY };

/* What is to be done instead of serving. */
struct command_line {
    enum mode mode;
    bool ready;
    enum cmd_lookup_format format;
    char *const *command; /* with its arguments */
};

extern char **environ;

static void print_help(void)
{
    printf(
        "p0f-lookupd %s: answers over HTTP what p0f knows about a host\n"
        "\n"
        "usage: p0f-lookupd [-c FILE] [-o section.key=value]... [-t] [-T] [-V] [-h]\n"
        "       p0f-lookupd [-c FILE] [-o section.key=value]... lookup [--raw|--text] [IP...|-]\n"
        "       p0f-lookupd [-c FILE] [-o section.key=value]... health [--ready] [URL|SOCKET]\n"
        "       p0f-lookupd token NAME [ROLE]\n"
        "\n"
        "  -c, --config FILE  read the settings from FILE (default: %s,\n"
        "                     if it exists)\n"
        "  -o, --option K=V   set section.key, overriding file and environment; repeatable\n"
        "  -t, --test         check the settings and exit\n"
        "  -T, --print        check the settings, print all that are in force, and exit\n"
        "  -V, --version      print the version and exit\n"
        "  -h, --help         print this and exit\n"
        "\n"
        "  lookup [IP...]     query p0f, without the daemon, and print a line of JSON for each\n"
        "                     address; without one, and for -, those on standard input.\n"
        "                     Exit status: 0 all found, 1 no match, 2 error\n"
        "      --raw          p0f's own fields, as with ?format=raw\n"
        "      --text         a line for people\n"
        "  health [URL|SOCKET]  ask the running daemon for /livez, for containers without curl,\n"
        "                     at the first address of http.listen or at the given one:\n"
        "                     http[s]://host:port, unix:/path or /path.\n"
        "                     Exit status: 0 or 1\n"
        "      --ready        for /readyz: whether p0f answers, too\n"
        "  token NAME [ROLE]  make a token: print the line for http.token_file on standard output\n"
        "                     and the token on standard error. Roles: lookup (the default), self,\n"
        "                     metrics, all\n"
        "  help               print this and exit\n"
        "\n"
        "Runs in the foreground and logs to stderr. SIGHUP reloads the settings; SIGTERM\n"
        "shuts down once p0f has answered all queries, or after 20 s.\n"
        "Environment: P0F_LOOKUPD_SECTION_KEY=value.\n"
        "\n"
        "Settings and their defaults:\n",
        P0F_LOOKUPD_VERSION, P0F_LOOKUPD_CONF);
    config_print_options(stdout);
    printf("\nTry: curl http://127.0.0.1:5030/host/192.0.2.1\n"
           "More: p0f-lookupd(8), p0f-lookupd.conf(5)\n");
}

/* Docker reserves all statuses of a health check but 0 and 1. */
static int usage(char *const *argv)
{
    fprintf(stderr, "Try p0f-lookupd -h.\n");
    for (; *argv; argv++)
        if (strcmp(*argv, "health") == 0)
            return EXIT_FAILURE;
    return EXIT_USAGE;
}

/* After config_load() or config_check() has failed: with EINVAL, the settings are wrong, and with another
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

static bool check_certificate(const struct config *config, char error[CONFIG_ERROR_SIZE])
{
    struct tls_certificate *certificate;

    if (!tls_files_load(config, &certificate, error))
        return false;
    tls_files_warn(config, certificate, clock_wall(), log_advice);
    tls_certificate_unref(certificate);
    return true;
}

static int print_config(const struct config *config)
{
    config_print(config, stdout);
    if (fflush(stdout) == 0)
        return EXIT_SUCCESS;
    log_err("cannot print the settings");
    return EXIT_FAILURE;
}

static bool is_command(const struct command_line *line, const char *name)
{
    return line->command[0] && strcmp(line->command[0], name) == 0;
}

static int run_command(const struct config *config, const struct command_line *line)
{
    if (is_command(line, "health"))
        return cmd_health(config, line->command[1], line->ready);
    return (int)cmd_lookup(config, line->command + 1, line->format);
}

static int run(const struct config_source *source, const struct command_line *line)
{
    char error[CONFIG_ERROR_SIZE];
    struct config *config = config_load(source, error);
    int status = EXIT_SUCCESS;

    if (!config) {
        if (is_command(line, "health") && line->command[1])
            return cmd_health(NULL, line->command[1], line->ready);
        status = refuse_config(error, is_command(line, "lookup"));
        return is_command(line, "health") ? EXIT_FAILURE : status;
    }
    if (!line->command[0] || line->mode != SERVE)
        config_advise(config, log_advice);
    render_init();
    batch_body_init();
    if (line->command[0] && line->mode == SERVE) {
        status = run_command(config, line);
    } else if (!config_check(config, true, error) || !token_file_check(config, error) ||
               !check_certificate(config, error)) {
        status = refuse_config(error, false);
    } else if (line->mode == PRINT) {
        status = print_config(config);
    } else if (line->mode == TEST) {
        printf("p0f-lookupd: the configuration is valid (%s)\n",
               config->file ? config->file : "defaults, no file");
    } else {
        return server_run(config, source);
    }
    config_free(config);
    return status;
}

static int run_daemon(struct config_source *source, const struct command_line *line)
{
    struct inherited_sockets inherited;
    char error[INHERITED_SOCKETS_ERROR_SIZE];
    int status;

    signals_hold();
    if (!systemd_inherit(&inherited, error))
        return refuse_config(error, false);
    source->inherited = &inherited;
    log_start();
    status = run(source, line);
    log_stop();
    source->inherited = NULL;
    inherited_sockets_free(&inherited);
    return status;
}

static int count_words(char *const *words)
{
    int count = 0;

    while (words[count])
        count++;
    return count;
}

/* Whether there is such a command, and the options and arguments are for it. Says so if not. */
static bool is_usable(const struct command_line *line)
{
    const char *command = line->command[0];

    if (command && !is_command(line, "lookup") && !is_command(line, "health") &&
        !is_command(line, "token"))
        fprintf(stderr, "p0f-lookupd: unknown command %s\n", command);
    else if (line->format != CMD_LOOKUP_PARSED && !is_command(line, "lookup"))
        fprintf(stderr, "p0f-lookupd: --raw and --text are options of lookup\n");
    else if (line->ready && !is_command(line, "health"))
        fprintf(stderr, "p0f-lookupd: --ready is an option of health\n");
    else if (is_command(line, "health") && line->command[1] && line->command[2])
        fprintf(stderr, "p0f-lookupd: health: unexpected argument %s\n", line->command[2]);
    else if (is_command(line, "token") && (!line->command[1] || count_words(line->command) > 3))
        fprintf(stderr, "p0f-lookupd: token: expected NAME [ROLE]\n");
    else
        return true;
    return false;
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
        {"config", required_argument, NULL, 'c'},   {"option", required_argument, NULL, 'o'},
        {"test", no_argument, NULL, 't'},           {"print", no_argument, NULL, 'T'},
        {"version", no_argument, NULL, 'V'},        {"help", no_argument, NULL, 'h'},
        {"raw", no_argument, NULL, OPTION_RAW},     {"text", no_argument, NULL, OPTION_TEXT},
        {"ready", no_argument, NULL, OPTION_READY}, {NULL, 0, NULL, 0},
    };
    char *override[argc + 1];
    struct config_source source = {.environ = environ, .override = override};
    struct command_line line = {0};
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
            line.mode = line.mode == PRINT ? PRINT : TEST;
            break;
        case 'T':
            line.mode = PRINT;
            break;
        case 'V':
            printf("p0f-lookupd %s\n", P0F_LOOKUPD_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            print_help();
            return EXIT_SUCCESS;
        case OPTION_RAW:
            line.format = CMD_LOOKUP_RAW;
            break;
        case OPTION_TEXT:
            line.format = CMD_LOOKUP_TEXT;
            break;
        case OPTION_READY:
            line.ready = true;
            break;
        default:
            return usage(argv); /* getopt_long() has printed why */
        }
    }
    line.command = argv + optind;
    if (is_command(&line, "help")) {
        print_help();
        return EXIT_SUCCESS;
    }
    if (!is_usable(&line))
        return usage(argv);
    if (is_command(&line, "token")) /* without the settings, which may not be valid yet */
        return cmd_token(line.command[1], line.command[2]);
    if (line.mode != SERVE || line.command[0])
        return run(&source, &line);
    return run_daemon(&source, &line);
}
