/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];
static char error[CONFIG_ERROR_SIZE];

static void write_file(const char *text, size_t length)
{
    strcpy(path, "/tmp/test_config-XXXXXX");
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, length), (ssize_t)length);
    close(fd);
}

static struct config *load_bytes(const char *text, size_t length)
{
    struct config_source source = {.file = path};

    error[0] = '\0';
    write_file(text, length);
    struct config *config = config_load(&source, error);
    unlink(path);
    return config;
}

static struct config *load_file(const char *text)
{
    return load_bytes(text, strlen(text));
}

static struct config *load(char *variable, char *override)
{
    char *variables[] = {variable, NULL};
    struct config_source source = {
        .environ = variables, .override = &override, .override_count = override != NULL};

    error[0] = '\0';
    return config_load(&source, error);
}

static void expect_error(struct config *config, const char *where, const char *what)
{
    char start[128];

    snprintf(start, sizeof start, "%s%s", where[0] == ':' ? path : "", where);
    cr_assert_null(config, "expected %s: %s", where, what);
    cr_assert_eq(strncmp(error, start, strlen(start)), 0, "%s is not at %s", error, start);
    cr_assert_not_null(strstr(error, what), "%s lacks %s", error, what);
}

static void expect_good(char *override)
{
    struct config *config = load(NULL, override);

    cr_assert_not_null(config, "%s: %s", override, error);
    config_free(config);
}

Test(config, defaults)
{
    struct config *config = load(NULL, NULL);

    cr_assert_not_null(config, "%s", error);
    cr_assert_str_eq(config->http.listen, "127.0.0.1:5030");
    cr_assert_eq(config->http.threads, 0);
    cr_assert_eq(config->http.max_connections, 10000);
    cr_assert_eq(config->http.idle_timeout, 75000);
    cr_assert_eq(config->http.max_batch, 1000);
    cr_assert_not(config->http.allow_unauthenticated);
    cr_assert_str_eq(config->http.trusted_proxies, "127.0.0.0/8, ::1");
    cr_assert_str_eq(config->http.client_header, "X-Forwarded-For");
    cr_assert_str_empty(config->http.server_names);
    cr_assert_str_empty(config->http.cors_origins);
    cr_assert_not(config->http.access_log);
    cr_assert_str_eq(config->p0f.socket, P0F_DEFAULT_SOCKET);
    cr_assert_eq(config->p0f.dialect, P0F_DIALECT_AUTO);
    cr_assert_eq(config->p0f.connections, 4);
    cr_assert_eq(config->p0f.pipeline, 16);
    cr_assert_eq(config->p0f.timeout, 1000);
    cr_assert_not(config->p0f.ready_any);
    cr_assert_eq(config->p0f.max_pending, 10000);
    cr_assert_eq(config->p0f.max_rate, 0);
    cr_assert_eq(config->p0f.max_repeat_rate, 20000);
    cr_assert_eq(config->p0f.max_repeat_rate_per_client, 2000);
    cr_assert_eq(config->p0f.first_contact_wait, 25);
    cr_assert_str_empty(config->relay.listen);
    cr_assert_eq(config->http.socket_mode, 0666);
    cr_assert_str_empty(config->http.socket_group);
    cr_assert_eq(config->relay.socket_mode, 0666);
    cr_assert_str_empty(config->relay.socket_group);
    cr_assert_eq(config->relay.max_connections, 1000);
    cr_assert_str_empty(config->share.server);
    cr_assert_str_empty(config->share.sensor);
    cr_assert_str_eq(config->share.prefix, "p0f:");
    cr_assert_eq(config->share.ttl, 7200000);
    cr_assert_eq(config->share.timeout, 50);
    cr_assert_eq(config->share.write_interval, 30000);
    cr_assert_eq(config->cache.ttl, 30000);
    cr_assert_eq(config->cache.incomplete_ttl, 2000);
    cr_assert_eq(config->cache.negative_ttl, 1000);
    cr_assert_eq(config->cache.stale_while_revalidate, 30000);
    cr_assert_eq(config->cache.stale_if_error, 3600000);
    cr_assert_eq(config->cache.max_hosts, 100000);
    cr_assert_eq(config->cache.max_misses, 25000);
    config_free(config);
    config_free(NULL);
}

Test(config, no_file)
{
    struct config_source source = {.file = "/nonexistent/p0f-lookupd.conf"};

    expect_error(config_load(&source, error), "/nonexistent/p0f-lookupd.conf: ", "no such file");
}

Test(config, file_that_comes_later)
{
    struct config_source source = {.later_file = path};

    strcpy(path, "/nonexistent/p0f-lookupd.conf");
    struct config *config = config_load(&source, error);
    cr_assert_not_null(config, "%s", error);
    cr_assert_eq(config->cache.ttl, 30000);
    config_free(config);

    write_file("[cache]\nttl=1s\n", 15);
    config = config_load(&source, error);
    cr_assert_not_null(config, "%s", error);
    cr_assert_eq(config->cache.ttl, 1000);
    config_free(config);

    source.file = "/dev/null";
    config = config_load(&source, error);
    unlink(path);
    cr_assert_not_null(config, "%s", error);
    cr_assert_eq(config->cache.ttl, 30000, "of the file that was there from the start");
    config_free(config);
}

Test(config, file)
{
    struct config *config =
        load_file("# comment\n[http]\nlisten = unix:/run/x\naccess_log=yes\n"
                  "; comment\n\n[p0f] ; behind\ndialect = mss\n[cache]\nttl = 5m");

    cr_assert_not_null(config, "%s", error);
    cr_assert_str_eq(config->http.listen, "unix:/run/x");
    cr_assert(config->http.access_log);
    cr_assert_eq(config->p0f.dialect, P0F_DIALECT_MSS);
    cr_assert_eq(config->cache.ttl, 300000);
    config_free(config);
}

Test(config, precedence)
{
    char *variables[] = {"HOME=/", "P0F_LOOKUPD_CACHE_TTL=2s", "P0F_LOOKUPD_P0F_MAX_RATE=2", NULL};
    char *overrides[] = {"p0f.max_rate=3", "p0f.max_rate=4"};
    struct config_source source = {
        .file = path, .environ = variables, .override = overrides, .override_count = 2};

    static const char text[] = "[cache]\nttl=1s\nnegative_ttl=9s\n[p0f]\nmax_rate=1\n";
    write_file(text, sizeof text - 1);
    struct config *config = config_load(&source, error);
    unlink(path);
    cr_assert_not_null(config, "%s", error);
    cr_assert_eq(config->cache.negative_ttl, 9000, "of the file");
    cr_assert_eq(config->cache.ttl, 2000, "of the environment");
    cr_assert_eq(config->p0f.max_rate, 4, "of the last override");
    config_free(config);
}

Test(config, unknown_in_the_file)
{
    expect_error(load_file("\n[nothing]\n"),
                 ":2: unknown section nothing:", "http, p0f, relay, cache or share");
    expect_error(load_file("[]\n"), ":1: unknown section", "http, p0f, relay, cache or share");
    expect_error(load_file("[http]\n [web]\nport=1\n"), ":2: unknown section web:", "http, p0f");
    expect_error(load_file("\xef\xbb\xbf[web]\n"), ":1: unknown section web:", "http, p0f");
    expect_error(load_file("[http\n"), ":1: section http:", "expected a closing bracket");
    expect_error(load_file("[http] threads\n"), ":1: section http:", "nothing after");
    expect_error(load_file("[http]]\n"), ":1: section http:", "nothing after");
    expect_error(load_file("[cache]\n\nlifetime = 1s\n"), ":3: unknown key cache.lifetime; ",
                 "-h lists all keys");
    expect_error(load_file("root = 1s\n"), ":1: unknown key root; ", "-h lists all keys");
}

Test(config, bad_lines_in_the_file)
{
    char line[9100];

    expect_error(load_file("[cache]\nttl=1s\nttl=1s\n"),
                 ":3: duplicate key cache.ttl: ", "already set on line 2");
    expect_error(load_file("[cache]\nttl = soon\n"),
                 ":2: cache.ttl = soon:", "expected a duration with a unit (ms, s, m, h or d)");
    expect_error(load_file("[cache]\n# x\nttl\n"),
                 ":3: syntax error: ", "expected [section], key = value");
    expect_error(load_bytes("[cache]\nttl = 1s\0x\n", 19), ":2: NUL byte", "expected text");
    memset(line, 'x', sizeof line);
    memcpy(line, "[http]\nlisten = ", 16);
    line[sizeof line - 1] = '\0';
    line[sizeof line - 2] = '\n';
    expect_error(load_file(line), ":2: line too long", "expected fewer than 8190 bytes");
}

Test(config, unknown_in_the_environment)
{
    const char *where = "environment variable P0F_LOOKUPD_";

    expect_error(load("P0F_LOOKUPD_CACHE_TTL=1", NULL), where,
                 "cache.ttl = 1: expected a duration");
    expect_error(load("P0F_LOOKUPD_CACHE_LIFE=1s", NULL), where,
                 "CACHE_LIFE: unknown key; p0f-lookupd -h lists all keys");
    expect_error(load("P0F_LOOKUPD_CACHE_TTLL=1s", NULL), where,
                 "CACHE_TTLL: unknown key; did you mean P0F_LOOKUPD_CACHE_TTL?");
    expect_error(load("P0F_LOOKUPD_CACHE_TIMEOUT=1s", NULL), where,
                 "CACHE_TIMEOUT: unknown key; did you mean P0F_LOOKUPD_P0F_TIMEOUT?");
    expect_error(load("P0F_LOOKUPD_HTTP_PORT=80", NULL), where,
                 "HTTP_PORT: unknown key; did you mean P0F_LOOKUPD_HTTP_LISTEN?");
    expect_error(load("P0F_LOOKUPD_HTTP_=80", NULL), where, "HTTP_: unknown key; ");
    expect_error(load("P0F_LOOKUPD_HTTP=80", NULL), where, "HTTP: unknown key; ");
}

/* What Kubernetes and Docker set for services named p0f-lookupd and p0f-lookupd-http. */
Test(config, variables_of_a_service)
{
    char *variables[] = {"P0F_LOOKUPD_PORT=tcp://10.0.0.1:5030",
                         "P0F_LOOKUPD_PORT_5030_TCP=tcp://10.0.0.1:5030",
                         "P0F_LOOKUPD_PORT_5030_TCP_ADDR=10.0.0.1",
                         "P0F_LOOKUPD_PORT_5030_TCP_PORT=5030",
                         "P0F_LOOKUPD_PORT_5030_TCP_PROTO=tcp",
                         "P0F_LOOKUPD_SERVICE_HOST=10.0.0.1",
                         "P0F_LOOKUPD_SERVICE_PORT=5030",
                         "P0F_LOOKUPD_SERVICE_PORT_HTTP=5030",
                         "P0F_LOOKUPD_NAME=/web/p0f-lookupd",
                         "P0F_LOOKUPD_HTTP_PORT=tcp://10.0.0.1:5030",
                         "P0F_LOOKUPD_HTTP_PORT_5030_TCP=tcp://10.0.0.1:5030",
                         "P0F_LOOKUPD_HTTP_PORT_5030_TCP_ADDR=10.0.0.1",
                         "P0F_LOOKUPD_HTTP_SERVICE_HOST=10.0.0.1",
                         "P0F_LOOKUPD_HTTP_SERVICE_PORT=5030",
                         "P0F_LOOKUPD_HTTP_SERVICE_PORT_HTTP=5030",
                         "P0F_LOOKUPD_=",
                         "P0F_LOOKUPD_TTL",
                         "P0F_LOOKUPD",
                         NULL};
    struct config_source source = {.environ = variables};
    struct config *config = config_load(&source, error);

    cr_assert_not_null(config, "%s", error);
    cr_assert_str_eq(config->http.listen, "127.0.0.1:5030");
    config_free(config);
}

static void redirect_stderr(void)
{
    cr_redirect_stderr();
}

Test(config, a_mistyped_or_missing_section_in_the_environment, .init = redirect_stderr)
{
    config_free(load("P0F_LOOKUPD_CAHCE_TTL=1s", NULL));
    config_free(load("P0F_LOOKUPD_TLS_KEY=/x", NULL));
    config_free(load("P0F_LOOKUPD_SOCKET=/x", NULL));
    fflush(stderr);
    cr_assert_stderr_eq_str("p0f-lookupd: ignoring environment variable P0F_LOOKUPD_CAHCE_TTL; "
                            "did you mean P0F_LOOKUPD_CACHE_TTL?\n"
                            "p0f-lookupd: ignoring environment variable P0F_LOOKUPD_TLS_KEY; "
                            "did you mean P0F_LOOKUPD_HTTP_TLS_KEY?\n"
                            "p0f-lookupd: ignoring environment variable P0F_LOOKUPD_SOCKET; "
                            "did you mean P0F_LOOKUPD_P0F_SOCKET?\n");
}

Test(config, what_was_meant)
{
    expect_error(load_file("[cache]\nttl = 30\n"), ":2: cache.ttl = 30: expected a duration",
                 "; did you mean 30s?");
    expect_error(load_file("[cache]\nttll = 30\n"), ":2: unknown key cache.ttll; ",
                 "did you mean ttl?");
    expect_error(load_file("[cache]\ntimeout = 1s\n"), ":2: unknown key cache.timeout; ",
                 "did you mean timeout in the section [p0f]?");
    expect_error(load_file("ttl = 1s\n"), ":1: unknown key ttl; ",
                 "did you mean ttl in the section [cache]?");
    expect_error(load_file("[http]\ncache.ttl = 1s\n"), ":2: unknown key http.cache.ttl; ",
                 "did you mean ttl in the section [cache]?");
    expect_error(load_file("http:\n"), ":1: unknown key http; ", "did you mean [http]?");
    expect_error(load_file("[http]\nlisten 127.0.0.1:80\n"),
                 ":2: unknown key http.listen 127.0.0.1; ", "did you mean listen = 127.0.0.1:80?");
    expect_error(load_file("[htpp]\n"), ":1: unknown section htpp: ",
                 "expected http, p0f, relay, cache or share; did you mean [http]?");
    expect_error(load(NULL, "http.cors_origins=https://x/"), "-o http.cors_origins",
                 "did you mean https://x?)");
}

/* So that what is in force can always be printed as a file. */
Test(config, values_that_no_file_can_hold)
{
    char line[9000] = "http.listen=unix:/";
    char *spaces[] = {"p0f.socket=/x\n", "p0f.socket= /x", "p0f.socket=/x\t", "p0f.socket= "};
    char *comments[] = {"p0f.socket=/x ;y", "p0f.socket=/x\t#y", "p0f.socket=#x", "p0f.socket=;x"};

    for (size_t i = 0; i < 4; i++) {
        expect_error(load(NULL, spaces[i]), "-o p0f.socket = ", "expected no space at its");
        expect_error(load(NULL, comments[i]), "-o p0f.socket = ", "expected no comment");
    }
    expect_error(load(NULL, "p0f.socket=/x\ny"), "-o p0f.socket = ", "no control characters");
    expect_error(load(NULL, "p0f.socket=/caf\xe9"), "-o p0f.socket = ", "text in UTF-8");
    expect_good("p0f.socket=/x#y;z");
    expect_error(load(NULL, "p0f.socket=/x\n"), "-o p0f.socket = /x?: ", "; did you mean /x?");
    for (size_t length = strlen(line); length < sizeof line - 20; length = strlen(line))
        strcpy(line + length, ", unix:/x");
    expect_error(load(NULL, line), "-o http.listen = unix:/, unix:/x",
                 "expected at most 7800 bytes");
}

Test(config, where_a_setting_comes_from)
{
    char *variables[] = {"P0F_LOOKUPD_CACHE_TTL=2s", NULL};
    char *overrides[] = {"p0f.max_rate=3"};
    struct config_source source = {
        .file = path, .environ = variables, .override = overrides, .override_count = 1};
    char space[CONFIG_ORIGIN_SIZE], expected[128];

    write_file("[cache]\nttl=1s\nnegative_ttl=9s\n", 30);
    struct config *config = config_load(&source, error);
    unlink(path);
    cr_assert_not_null(config, "%s", error);
    cr_assert_str_eq(config->file, path);
    snprintf(expected, sizeof expected, "%s:3: ", path);
    cr_assert_str_eq(config_prefix(config, "cache.negative_ttl", space), expected);
    cr_assert_str_eq(config_prefix(config, "cache.ttl", space),
                     "environment variable P0F_LOOKUPD_CACHE_TTL: ");
    cr_assert_str_eq(config_prefix(config, "p0f.max_rate", space), "-o ");
    cr_assert_str_eq(config_prefix(config, "http.listen", space), "default ");
    config_free(config);
}

Test(config, unknown_override)
{
    expect_error(load(NULL, "cache.ttl"), "-o cache.ttl:", "expected section.key=value");
    expect_error(load(NULL, "ttl=1.5"),
                 "-o ttl:", "expected section.key=value; did you mean cache.ttl?");
    expect_error(load(NULL, "root=1.5"),
                 "-o root:", "expected section.key=value; p0f-lookupd -h lists all keys");
    expect_error(load(NULL, "cache.life=1s"),
                 "-o cache.life:", "unknown key; p0f-lookupd -h lists all keys");
    expect_error(load(NULL, "cache.tttl=1s"),
                 "-o cache.tttl:", "unknown key; did you mean cache.ttl?");
    expect_error(load(NULL, "CACHE.ttl=1s"), "-o CACHE.ttl:", "unknown key");
    expect_error(load(NULL, "cache.ttl = 1s"),
                 "-o cache.ttl =  1s:", "no space at its beginning or end; did you mean 1s?");
    expect_error(load(NULL, "cache.ttl=x"), "-o cache.ttl = x:", "expected a duration");
}

Test(config, bounds_are_said_as_they_are_written)
{
    expect_error(load(NULL, "cache.ttl=366d"), "-o cache.ttl",
                 "(ms, s, m, h or d), from 0 to 365d");
    expect_error(load(NULL, "p0f.timeout=0"), "-o p0f.timeout", "from 1ms to 1d");
    expect_error(load(NULL, "http.idle_timeout=10ms"), "-o http.idle_timeout", "from 1s to 365d");
    expect_error(load(NULL, "http.max_batch=0"), "-o http.max_batch",
                 "a number from 1 to 1000000 (k, m or g may follow)");
    expect_error(load(NULL, "http.threads=0"), "-o http.threads",
                 "expected auto or a number from 1 to 256; did");
}

Test(config, which_address_cannot_be_listened_on)
{
    char long_path[160] = "http.listen=127.0.0.1:1, unix:/";

    expect_error(load(NULL, "http.listen=[::1]:1, ::1:1"), "-o http.listen", "('::1:1' has ");
    expect_error(load(NULL, "http.listen=[::1]:1,,[::1]:2"), "-o http.listen",
                 "(an item is empty)");
    expect_error(load(NULL, "http.listen=127.0.0.1"), "-o http.listen",
                 "('127.0.0.1' has no port)");
    memset(long_path + strlen(long_path), 'x', 107);
    expect_error(load(NULL, long_path), "-o http.listen", "path has 107 bytes at most");
}

Test(config, the_relay_is_not_for_tcp)
{
    expect_error(
        load(NULL, "relay.listen=127.0.0.1:5030"), "-o relay.listen = 127.0.0.1:5030: ",
        "expected comma-separated unix:/path ('127.0.0.1:5030' is not a unix socket; p0f's "
        "protocol has no authentication, so it is not served over TCP)");
    expect_error(load(NULL, "relay.listen=unix:/run/a, [::1]:1"), "-o relay.listen",
                 "('[::1]:1' is not a unix socket");
    expect_error(load(NULL, "relay.listen=/run/a"), "-o relay.listen",
                 "unix:/path ('/run/a' lacks unix:); did you mean unix:/run/a?");
    expect_error(load(NULL, "relay.listen=unix:a"), "-o relay.listen",
                 "expected comma-separated unix:/path ('unix:a' has no absolute path)");
    expect_error(load(NULL, "relay.listen=unix:/run/a unix:/run/b"), "-o relay.listen",
                 "has several addresses, which commas have to separate");
    expect_error(load(NULL, "relay.socket_mode=888"), "-o relay.socket_mode",
                 "expected permissions in octal, from 0000 to 0777, such as 0660");
    expect_error(load_file("[rely]\n"), ":1: unknown section rely", "did you mean [relay]?");
}

/* However it was written. */
Test(config, a_mode_is_octal)
{
    char *written[] = {"relay.socket_mode=660", "relay.socket_mode=0660"};

    for (size_t i = 0; i < 2; i++) {
        struct config *config = load(NULL, written[i]);
        char *text = NULL;
        size_t size;
        cr_assert_not_null(config, "%s", error);
        cr_assert_eq(config->relay.socket_mode, 0660);
        FILE *out = open_memstream(&text, &size);
        config_print(config, out);
        fclose(out);
        cr_assert_not_null(strstr(text, "\nsocket_mode = 0660  ; -o\n"), "%s", text);
        free(text);
        config_free(config);
    }
}

Test(config, socket_path)
{
    char override[140] = "p0f.socket=/";

    memset(override + 12, 'x', 106);
    expect_good(override);
    override[118] = 'x';
    expect_error(
        load(NULL, override), "-o p0f.socket",
        "expected an absolute path, or comma-separated name=/path (longer than 107 bytes)");
    expect_error(load(NULL, "p0f.socket="), "-o p0f.socket",
                 "expected an absolute path, or comma-separated name=/path (it is empty)");
}

/* What is written elsewhere. */
Test(config, not_a_socket_path)
{
    static const struct {
        char *override;
        const char *why;
    } bad[] = {
        {"p0f.socket=unix:/run/p0f/p0f.sock",
         "(without unix:, which only http.listen and relay.listen have)"},
        {"p0f.socket=@p0f", "(p0f makes no abstract sockets)"},
        {"p0f.socket=\"/run/p0f.sock\"", "(without quotes)"},
        {"p0f.socket='/run/p0f.sock'", "(without quotes)"},
        {"p0f.socket=/run/a.sock, /run/b.sock",
         "('/run/a.sock' has no name; each of several sockets needs one); did you mean "
         "a=/run/a.sock, b=/run/b.sock?"},
        {"p0f.socket=a=/run/a.sock, b=run/b.sock", "('b=run/b.sock': it does not begin with /)"},
        {"p0f.socket=run/p0f.sock", "(it does not begin with /)"},
        {"p0f.socket=./p0f.sock", "(it does not begin with /)"},
        {"p0f.socket= /run/p0f.sock", "did you mean /run/p0f.sock?"},
        {"p0f.socket=localhost:5030", "(it does not begin with /)"},
        {"p0f.socket=/run/p0f/", "(it is a directory; expected the socket in it)"},
        {"p0f.socket=/", "(it is a directory; expected the socket in it)"},
        {"p0f.socket=/run/p0f.sock ", "did you mean /run/p0f.sock?"},
        {"p0f.socket=/run/p0f.sock\t", "did you mean /run/p0f.sock?"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_error(load(NULL, bad[i].override), "-o p0f.socket", bad[i].why);
    expect_good("p0f.socket=/run/a socket.sock");
    expect_good("p0f.socket=wan=/run/a.sock");
    expect_good("p0f.socket=wan=/run/a.sock, lan=/run/b.sock");
}

Test(config, ready)
{
    struct config *config = load(NULL, "p0f.ready=any");

    cr_assert(config->p0f.ready_any);
    config_free(config);
    config = load(NULL, "p0f.ready=all");
    cr_assert_not(config->p0f.ready_any);
    config_free(config);
    expect_error(load(NULL, "p0f.ready=yes"), "-o p0f.ready = yes: ", "expected any or all");
}

static unsigned advised;

static void on_advice(const char *text)
{
    cr_assert_eq(strncmp(text, "p0f.connections = ", 18), 0, "%s", text);
    advised++;
}

Test(config, all_that_p0f_has)
{
    struct config *config = load(NULL, "p0f.connections=19");

    config_advise(config, on_advice);
    cr_assert_eq(advised, 0);
    config_free(config);
    config = load(NULL, "p0f.connections=20");
    config_advise(config, on_advice);
    cr_assert_eq(advised, 1);
    config_free(config);
}

static char advice[200];

static void keep_advice(const char *text)
{
    snprintf(advice, sizeof advice, "%s", text);
}

Test(config, proxy_protocol_without_a_proxy)
{
    static const struct {
        char *trusted, *listen;
        bool useless;
    } of[] = {
        {"http.trusted_proxies=", "http.listen=127.0.0.1:5030, [::1]:5030", true},
        {"http.trusted_proxies=", "http.listen=127.0.0.1:5030,unix:/run/x", false},
        {"http.trusted_proxies=192.0.2.1", "http.listen=127.0.0.1:5030", false},
    };

    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        for (int on = 0; on < 2; on++) {
            char *override[] = {of[i].trusted, of[i].listen,
                                on ? "http.proxy_protocol=yes" : "http.proxy_protocol=no"};
            const struct config_source source = {.override = override, .override_count = 3};
            char reason[CONFIG_ERROR_SIZE];
            struct config *config = config_load(&source, reason);
            cr_assert_not_null(config, "%s", reason);
            advice[0] = '\0';
            config_advise(config, keep_advice);
            bool told = strncmp(advice, "http.proxy_protocol = yes changes nothing", 41) == 0;
            cr_assert_eq(told, on && of[i].useless, "%s, %s", of[i].trusted, of[i].listen);
            config_free(config);
        }
    }
}

/* `expected` is the beginning, or "" for none. */
static void expect_advice(char *override[3], const char *expected)
{
    const struct config_source source = {.override = override, .override_count = 3};
    struct config *config = config_load(&source, error);

    cr_assert_not_null(config, "%s", error);
    advice[0] = '\0';
    config_advise(config, keep_advice);
    cr_assert_eq(strncmp(advice, expected, expected[0] ? strlen(expected) : 1), 0, "%s: %s",
                 override[1], advice);
    config_free(config);
}

Test(config, a_group_for_what_is_open_to_everybody)
{
    for (unsigned mode = 0; mode < 01000; mode++) {
        char text[32];
        snprintf(text, sizeof text, "relay.socket_mode=%04o", mode);
        expect_advice((char *[]){"relay.socket_group=daemon", text, "relay.listen=unix:/x"},
                      mode & 2 ? "relay.socket_group changes nothing: with relay.socket_mode" : "");
        snprintf(text, sizeof text, "http.socket_mode=%04o", mode);
        expect_advice((char *[]){"http.socket_group=daemon", text, "http.listen=unix:/x"},
                      mode & 2 ? "http.socket_group changes nothing: with http.socket_mode" : "");
    }
}

Test(config, access_to_no_socket)
{
    expect_advice((char *[]){"http.socket_group=", "http.socket_mode=0660", "cache.ttl=0"},
                  "http.socket_mode changes nothing: there is no unix socket in http.listen");
    expect_advice((char *[]){"http.socket_group=daemon", "http.socket_mode=0660", "cache.ttl=0"},
                  "http.socket_group changes nothing: there is no unix socket in http.listen");
    expect_advice((char *[]){"relay.socket_group=", "relay.socket_mode=0660", "cache.ttl=0"},
                  "relay.socket_mode changes nothing: there is no unix socket in relay.listen");
    expect_advice((char *[]){"http.socket_group=", "http.socket_mode=0666", "cache.ttl=0"}, "");
    expect_advice((char *[]){"http.socket_group=daemon", "http.socket_mode=0660",
                             "http.listen=127.0.0.1:1, unix:/x"},
                  "");
}

Test(config, units_and_bounds)
{
    char *good[] = {"cache.ttl=0",
                    "cache.ttl=1ms",
                    "cache.ttl=365d",
                    "cache.ttl=8760h",
                    "cache.max_hosts=100m",
                    "cache.max_hosts=5k",
                    "p0f.max_rate=1g",
                    "p0f.connections=1",
                    "p0f.connections=100",
                    "http.threads=256",
                    "http.idle_timeout=1s",
                    "p0f.first_contact_wait=5s",
                    "p0f.dialect=api2",
                    "http.socket_group=www-data",
                    "http.listen=",
                    "http.tls_listen=",
                    "http.tls_listen=0.0.0.0:1, [::]:1",
                    "http.tls_key=/x",
                    "http.socket_mode=0000",
                    "relay.listen=",
                    "relay.socket_group=",
                    "relay.socket_group=0",
                    "relay.socket_group=_rspamd",
                    "relay.socket_mode=0",
                    "relay.socket_mode=777",
                    "relay.max_connections=1m",
                    "relay.listen=unix:/a, unix:/b"};
    char *bad[] = {"cache.ttl=",
                   "http.tls_listen=unix:/x",
                   "http.tls_listen=1",
                   "http.tls_certificate=x.pem",
                   "http.tls_key=/x/",
                   "cache.ttl=1",
                   "cache.ttl=-1s",
                   "cache.ttl=1.5s",
                   "cache.ttl=1 s",
                   "cache.ttl=1S",
                   "cache.ttl=366d",
                   "cache.ttl=999999999999999999d",
                   "cache.ttl=9999999999999999999s",
                   "cache.max_hosts=101m",
                   "cache.max_hosts=1ms",
                   "p0f.max_rate=2g",
                   "p0f.connections=0",
                   "p0f.connections=101",
                   "http.threads=0",
                   "http.threads=257",
                   "http.threads=AUTO",
                   "http.idle_timeout=999ms",
                   "p0f.first_contact_wait=5001ms",
                   "p0f.dialect=p0f2",
                   "p0f.timeout=0",
                   "http.access_log=true",
                   "http.access_log=",
                   "http.socket_mode=1777",
                   "http.socket_group=a, b",
                   "p0f.socket=",
                   "relay.listen=unix:",
                   "relay.listen=unix:/a,",
                   "relay.listen=/a",
                   "relay.socket_mode=",
                   "relay.socket_mode=1000",
                   "relay.socket_mode=00660",
                   "relay.socket_mode=0668",
                   "relay.socket_mode=rw-rw----",
                   "relay.socket_group=a b",
                   "relay.socket_group=a:b",
                   "relay.max_connections=0",
                   "relay.max_connections=1000001",
                   "share.server=store:6379",
                   "share.server=redis://a, redis://a",
                   "share.server=redis://a,",
                   "share.sensor=a/b",
                   "share.sensor=a b",
                   "share.prefix=a b",
                   "share.prefix=\"p0f:\"",
                   "share.prefix=\xc3\xa9",
                   "share.prefix=0123456789012345678901234567890123456789012345678901234567890123x",
                   "share.ttl=999ms",
                   "share.ttl=366d",
                   "share.timeout=0",
                   "share.timeout=5001ms",
                   "share.write_interval=30"};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        expect_good(good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_error(load(NULL, bad[i]), "-o", "expected ");
}

Test(config, batches)
{
    struct config *config = load(NULL, "http.max_batch=5");

    cr_assert_not_null(config, "%s", error);
    cr_assert_eq(config->http.max_batch, 5);
    config_free(config);
    expect_good("http.max_batch=1");
    expect_good("http.max_batch=1m");
    expect_error(load(NULL, "http.max_batch=0"),
                 "-o http.max_batch = 0: ", "expected a number from 1 to 1000000");
    expect_error(load(NULL, "http.max_batch=1000001"), "-o http.max_batch", "from 1 to 1000000");
}

Test(config, trusted_proxies)
{
    struct config *config = load_file("[http]\ntrusted_proxies = 10.0.0.0/8,::1\n");

    cr_assert_not_null(config, "%s", error);
    cr_assert_str_eq(config->http.trusted_proxies, "10.0.0.0/8,::1");
    config_free(config);
    expect_good("http.trusted_proxies=");
    expect_good("http.trusted_proxies=0.0.0.0/0, ::/0");
    expect_error(
        load_file("[http]\n\ntrusted_proxies = ::1, 10.0.0.1/8\n"),
        ":3: http.trusted_proxies = ::1, 10.0.0.1/8: expected comma-separated networks such as ",
        "(10.0.0.1/8 has host bits set; did you mean 10.0.0.0/8?)");
    expect_error(load(NULL, "http.trusted_proxies=nginx"),
                 "-o http.trusted_proxies = nginx: ", "(nginx: not an IPv4 or IPv6 address)");
    expect_error(load(NULL, "http.trusted_proxies=::1,"),
                 "-o http.trusted_proxies = ::1,: ", "(item 2 is empty)");
}

Test(config, client_header)
{
    struct config *config = load_file("[http]\nclient_header = x-real-ip\n");

    cr_assert_not_null(config, "%s", error);
    cr_assert_str_eq(config->http.client_header, "x-real-ip");
    config_free(config);
    expect_good("http.client_header=Forwarded");
    expect_error(load_file("[http]\nclient_header =\n"),
                 ":2: http.client_header = : expected X-Forwarded-For, Forwarded or the name of a "
                 "field with "
                 "one address, such as X-Real-IP ",
                 "(it is empty)");
    expect_error(load(NULL, "http.client_header=Host"),
                 "-o http.client_header = Host: ", "(this field has another meaning)");
    expect_error(load(NULL, "http.client_header=\"X-Real-IP\""),
                 "-o http.client_header = \"X-Real-IP\": ",
                 "(invalid character in a field name); did you mean X-Real-IP?");
}

Test(config, cors_origins)
{
    struct config *config = load_file("[http]\ncors_origins = https://a.example, http://b:81\n");

    cr_assert_not_null(config, "%s", error);
    cr_assert_str_eq(config->http.cors_origins, "https://a.example, http://b:81");
    config_free(config);
    expect_good("http.cors_origins=");
    expect_good("http.cors_origins=*");
    expect_error(
        load_file("[http]\ncors_origins = https://a.example/\n"),
        ":2: http.cors_origins = https://a.example/: expected comma-separated origins such as ",
        "(https://a.example/: an origin has no trailing slash; "
        "did you mean https://a.example?)");
    expect_error(load(NULL, "http.cors_origins=null"),
                 "-o http.cors_origins = null: ", "any page can have this origin");
}

Test(config, server_names)
{
    struct config *config = load_file("[http]\nserver_names = p0f.example.org, p0f\n");

    cr_assert_not_null(config, "%s", error);
    cr_assert_str_eq(config->http.server_names, "p0f.example.org, p0f");
    config_free(config);
    expect_good("http.server_names=");
    expect_error(load_file("[http]\nserver_names = https://p0f.example.org:5030\n"),
                 ":2: http.server_names = https://p0f.example.org:5030: expected comma-separated "
                 "host names such as ",
                 "a URL is not a host name; did you mean p0f.example.org?)");
}

/* The longest of everything still ends with what helps. */
Test(config, long_messages_are_whole)
{
    char line[600], letters[200];

    memset(letters, 'N', sizeof letters - 1);
    letters[sizeof letters - 1] = '\0';
    snprintf(line, sizeof line, "http.cors_origins=https://%s", letters);
    expect_error(load(NULL, line), "-o http.cors_origins = https://NNN", "?)");
    snprintf(line, sizeof line, "http.cors_origins=http:%s", letters);
    expect_error(load(NULL, line), "-o http.cors_origins = http:NNN", "?)");
    snprintf(line, sizeof line, "http.server_names=%.60s.%.60s.org:80", letters, letters);
    expect_error(load(NULL, line), "-o http.server_names = NNN", "?)");
}

static char named[512];

static void note(void *ctx, const struct config_change *change)
{
    size_t length = strlen(named);

    cr_assert_eq(ctx, named);
    snprintf(named + length, sizeof named - length, "%s%s.%s: %s, %s. ", change->prefix,
             change->section, change->key, change->in_force, change->waiting);
}

Test(config, restart_needed)
{
    struct config *before = load("P0F_LOOKUPD_P0F_SOCKET=/a", "http.threads=2");
    struct config *after = load("P0F_LOOKUPD_P0F_SOCKET=/b", "cache.ttl=1s");

    named[0] = '\0';
    config_restart_needed(before, before, note, named);
    cr_assert_str_empty(named);
    config_restart_needed(before, after, note, named);
    cr_assert_str_eq(named, "default http.threads: 2, auto. "
                            "environment variable P0F_LOOKUPD_P0F_SOCKET: p0f.socket: /a, /b. ");
    config_free(before);
    config_free(after);
}

Test(config, restart_needed_for_lists)
{
    struct config *before = load("P0F_LOOKUPD_HTTP_CORS_ORIGINS=*", NULL);
    struct config *after = load("P0F_LOOKUPD_HTTP_TRUSTED_PROXIES=::1", "http.server_names=x");

    named[0] = '\0';
    config_restart_needed(before, after, note, named);
    cr_assert_str_eq(named,
                     "environment variable P0F_LOOKUPD_HTTP_TRUSTED_PROXIES: http.trusted_proxies: "
                     "127.0.0.0/8, ::1, ::1. -o http.server_names: , x. "
                     "default http.cors_origins: *, . ");
    config_free(before);
    config_free(after);
}

Test(config, adopts_what_needs_no_restart)
{
    struct config *running = load("P0F_LOOKUPD_P0F_SOCKET=/a", "cache.ttl=1s");
    struct config *fresh = load("P0F_LOOKUPD_P0F_SOCKET=/b", "cache.ttl=2s");

    config_adopt(running, fresh);
    cr_assert_eq(running->cache.ttl, 2000);
    cr_assert_str_eq(running->p0f.socket, "/a");
    config_free(fresh);
    cr_assert_str_eq(running->p0f.socket, "/a");
    config_free(running);
}

struct lookup {
    const char *name;
    char value[64];
};

static void look_up(void *ctx, const char *section, const char *key, const char *value)
{
    struct lookup *lookup = ctx;
    char name[64];

    snprintf(name, sizeof name, "%s.%s", section, key);
    if (strcmp(name, lookup->name) == 0)
        strcpy(lookup->value, value);
}

static void expect_text(const char *name, const char *given, const char *text)
{
    char override[128];
    struct lookup lookup = {.name = name, .value = "not there"};

    snprintf(override, sizeof override, "%s=%s", name, given);
    struct config *config = load(NULL, override);
    cr_assert_not_null(config, "%s", error);
    config_each(config, look_up, &lookup);
    cr_assert_str_eq(lookup.value, text, "%s is %s", override, lookup.value);
    config_free(config);
}

Test(config, values_as_text)
{
    expect_text("http.listen", "unix:/run/x", "unix:/run/x");
    expect_text("http.threads", "auto", "auto");
    expect_text("http.threads", "3", "3");
    expect_text("http.max_batch", "2k", "2000");
    expect_text("http.trusted_proxies", "::1, 10.0.0.0/8", "::1, 10.0.0.0/8");
    expect_text("http.client_header", "forwarded", "forwarded");
    expect_text("http.cors_origins", "*", "*");
    expect_text("http.cors_origins", "", "");
    expect_text("http.server_names", "", "");
    expect_text("http.server_names", "A.example., ::1", "A.example., ::1");
    expect_text("http.access_log", "yes", "yes");
    expect_text("http.allow_unauthenticated", "no", "no");
    expect_text("p0f.dialect", "api2", "api2");
    expect_text("p0f.max_rate", "100k", "100000");
    expect_text("p0f.max_rate", "0", "0");
    expect_text("cache.ttl", "0", "0");
    expect_text("cache.ttl", "1500ms", "1500ms");
    expect_text("cache.ttl", "30000ms", "30s");
    expect_text("cache.ttl", "90s", "90s");
    expect_text("cache.ttl", "60m", "1h");
    expect_text("cache.ttl", "365d", "365d");
}

static void set_again(void *ctx, const char *section, const char *key, const char *value)
{
    char override[128];
    unsigned *count = ctx;

    snprintf(override, sizeof override, "%s.%s=%s", section, key, value);
    expect_good(override);
    ++*count;
}

/* --help has a line for each option. */
static unsigned count_options(void)
{
    char *text = NULL;
    size_t length = 0;
    unsigned count = 0;
    FILE *out = open_memstream(&text, &length);

    config_print_options(out);
    fclose(out);
    for (const char *end = text; (end = strchr(end, '\n')); end++)
        count++;
    free(text);
    return count;
}

Test(config, every_value_can_be_read_back)
{
    struct config *config = load(NULL, NULL);
    unsigned count = 0;

    config_each(config, set_again, &count);
    cr_assert_gt(count, 0);
    cr_assert_eq(count, count_options());
    config_free(config);
}

static char *printed(const struct config *config)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    config_print(config, out);
    fclose(out);
    return text;
}

/* Ends `text` where the comments begin. */
static void cut_origins(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        if (strncmp(from, "  ; ", 4) == 0)
            from += strcspn(from, "\n");
        *to++ = *from;
    }
    *to = '\0';
}

Test(config, what_is_printed_is_a_file)
{
    char *variables[] = {"P0F_LOOKUPD_HTTP_CORS_ORIGINS=https://a.example, https://b.example",
                         "P0F_LOOKUPD_HTTP_TRUSTED_PROXIES=", NULL};
    char *overrides[] = {"http.listen=unix:/a#b, [::1]:5030", "http.threads=3", "cache.ttl=90s"};
    struct config_source source = {
        .environ = variables, .override = overrides, .override_count = 3};
    struct config *config = config_load(&source, error);

    cr_assert_not_null(config, "%s", error);
    char *text = printed(config);
    cr_assert_not_null(strstr(text, "[http]\nlisten = unix:/a#b, [::1]:5030  ; -o\n"), "%s", text);
    cr_assert_not_null(strstr(text, "\ntrusted_proxies =   ; environment variable "
                                    "P0F_LOOKUPD_HTTP_TRUSTED_PROXIES\n"),
                       "%s", text);
    cr_assert_not_null(
        strstr(text, "\n\n[cache]\nttl = 90s  ; -o\nincomplete_ttl = 2s  ; default\n"), "%s", text);
    struct config *again = load_file(text);
    cr_assert_not_null(again, "%s", error);
    char *text_again = printed(again), line[128];
    snprintf(line, sizeof line, "[http]\nlisten = unix:/a#b, [::1]:5030  ; %s:2\n", path);
    cr_assert_eq(strncmp(text_again, line, strlen(line)), 0, "%s", text_again);
    cut_origins(text);
    cut_origins(text_again);
    cr_assert_str_eq(text_again, text);
    free(text);
    free(text_again);
    config_free(config);
    config_free(again);
}

/* ---- Passwords */

static void expect_no_secret(const char *text)
{
    cr_assert_null(strstr(text, "secret"), "%s", text);
}

static void check_value(void *ctx, const char *section, const char *key, const char *value)
{
    const char *expected = ctx;

    expect_no_secret(value);
    if (strcmp(section, "share") == 0 && strcmp(key, "server") == 0)
        cr_assert_str_eq(value, expected);
}

Test(config, passwords_are_not_shown)
{
    struct config *config =
        load("P0F_LOOKUPD_SHARE_SERVER=redis://a:secret1@h, redis://:secret2@i:1", NULL);

    cr_assert_str_eq(config->share.server, "redis://a:secret1@h, redis://:secret2@i:1");
    config_each(config, check_value, (void *)(uintptr_t) "redis://a:***@h, redis://:***@i:1");
    char *text = printed(config);
    expect_no_secret(text);
    cr_assert_not_null(strstr(text, "\nserver = redis://a:***@h, redis://:***@i:1  ; environment "
                                    "variable P0F_LOOKUPD_SHARE_SERVER\n"));
    free(text);
    config_free(config);
}

Test(config, another_password_needs_a_restart)
{
    struct config *before = load(NULL, "share.server=redis://:secret1@h");
    struct config *after = load(NULL, "share.server=redis://:secret2@h");

    named[0] = '\0';
    config_restart_needed(before, after, note, named);
    cr_assert_str_eq(named, "-o share.server: redis://:***@h, redis://:***@h. ");
    config_adopt(before, after);
    cr_assert_str_eq(before->share.server, "redis://:secret1@h");
    config_free(before);
    config_free(after);
}

/* Wherever the mistake is. */
Test(config, passwords_in_errors)
{
    static char *const overrides[] = {
        "share.server=redis://:secret@h:x",   "share.server=redis:secret@h",
        "share.server=redis://:se/secret@h",  "share.server=redis://:x,secret@h, redis://i",
        "share.server=redis://h:secret",      "share.server=redis://secret@h",
        "share.server=\"redis://:secret@h\"", "share.server=redis://:secret@h ",
        "share.server=redis://:secret@h ;x",  "share.server=redis://:secret@h\n",
        "share.servers=redis://:secret@h",    "shared.server=redis://:secret@h",
        "server=redis://:secret@h",           "p0f.socket=redis://:secret@h",
        "share.sensor=redis://:secret@h",     "share.server redis://:secret@h",
        "http.listen=redis://:secret@h",      "http.cors_origins=redis://:secret@h;",
        "share.prefix=\"redis://:secret@h\"", "share.prefix=redis://:secret@h\xff",
    };
    static const char *const files[] = {
        "[share]\nserver redis://:secret@h\n",
        "[share]\nservers = redis://:secret@h\n",
        "[share server = redis://:secret@h\n",
        "[share] server = redis://:secret@h\n",
        "[share]\nserver = redis://:secret@h/x\n",
        "[shared]\nserver = redis://:secret@h\n",
        "[share]\nredis://:secret@h\n",
    };
    char variable[200];

    for (size_t i = 0; i < sizeof overrides / sizeof overrides[0]; i++) {
        cr_assert_null(load(NULL, overrides[i]), "%s", overrides[i]);
        expect_no_secret(error);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        cr_assert_null(load_file(files[i]), "%s", files[i]);
        expect_no_secret(error);
    }
    snprintf(variable, sizeof variable, "P0F_LOOKUPD_SHARE_SERVER=redis://:secret@h:x");
    cr_assert_null(load(variable, NULL));
    expect_no_secret(error);
}
