/* SPDX-License-Identifier: MIT */
/* Any bytes are a script for a connection and the p0f at its other end: what is asked, what p0f
 * writes and where it is cut, when it is read. A reader of the same stream that has all of it before
 * it says what each requester must be told, so however the stream is cut, each hears it once and in order;
 * what went wrong stays so, and nothing is closed while an answer is outstanding. */
#include "../support/c/stand_in.h"
#include "holds.h"
#include "p0fclient.h"

#include <poll.h>
#include <string.h>

#define ASKED_MAX 512u
#define WRITTEN_MAX (16u * 1024) /* that is received at one call */
#define PROBES 2u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum p0f_error error;
    uint32_t mark; /* total_conn */
};

static struct play {
    const uint8_t *at, *end; /* of the script */
    struct p0f_conn *conn;
    unsigned pipeline;
    unsigned asked, told;
    unsigned more; /* to be asked within callbacks */
    bool retired;
    bool hung_up;
    unsigned outstanding; /* when last looked at */
    enum p0f_error error;

    /* What p0f wrote, and what that means. */
    uint8_t written[WRITTEN_MAX];
    size_t length, read;
    unsigned sent; /* queries, probes too */
    unsigned answered;
    enum p0f_dialect wanted, spoken;
    enum p0f_error wrong;
    struct outcome expected[ASKED_MAX];
} play;

static struct stand_in p0f;

static uint8_t next_byte(void)
{
    return play.at < play.end ? *play.at++ : 0;
}

/* ---- What must come of the stream */

static uint32_t number_at(size_t at)
{
    uint32_t number;

    memcpy(&number, play.written + at, sizeof number);
    return number;
}

static bool has(size_t size)
{
    return play.length - play.read >= size;
}

/* The first magic behind the smallest answer tells. */
static void expect_dialect(void)
{
    static const size_t sizes[] = {
        [P0F_DIALECT_P0F3] = 232, [P0F_DIALECT_MTU] = 234, [P0F_DIALECT_MSS] = 236,
        [P0F_DIALECT_API2] = 243, [P0F_DIALECT_SIG] = 744,
    };
    size_t size = 232;

    if (has(4) && number_at(0) != P0F_ANSWER_MAGIC)
        play.wrong = P0F_MALFORMED;
    if (play.wrong)
        return;
    while (has(size + 4) && number_at(size) != P0F_ANSWER_MAGIC)
        size++;
    if (!has(size + 4) && !has(744 + 4))
        return;
    for (enum p0f_dialect d = P0F_DIALECT_P0F3; d <= P0F_DIALECT_SIG; d++)
        if (has(size + 4) && sizes[d] == size)
            play.spoken = d;
    if (play.spoken == P0F_DIALECT_AUTO)
        play.wrong = P0F_MALFORMED;
    else if (play.wanted != P0F_DIALECT_AUTO && play.wanted != play.spoken)
        play.wrong = P0F_WRONG_DIALECT;
}

/* False when there is no more to be said. */
static bool expect_answer(void)
{
    size_t size = p0f_answer_size(play.spoken);
    bool api2 = play.spoken == P0F_DIALECT_API2;
    uint32_t status;

    if (!has(1))
        return false;
    if (play.answered == play.sent || (has(4) && number_at(play.read) != P0F_ANSWER_MAGIC)) {
        play.wrong = P0F_MALFORMED;
        return false;
    }
    if (!has(8))
        return false;
    status = number_at(play.read + 4);
    if (status != P0F_STATUS_OK && status != P0F_STATUS_NOMATCH && status != P0F_STATUS_BADQUERY) {
        play.wrong = P0F_MALFORMED;
        return false;
    }
    if (!has(size))
        return false;
    if (play.answered >= PROBES)
        play.expected[play.answered - PROBES] = (struct outcome){
            .error = status == P0F_STATUS_OK        ? P0F_OK
                     : status == P0F_STATUS_NOMATCH ? P0F_NO_MATCH
                                                    : P0F_BAD_QUERY,
            .mark = status == P0F_STATUS_OK ? number_at(play.read + (api2 ? 27 : 16)) : 0,
        };
    play.answered++;
    play.read += size;
    return true;
}

static void expect(void)
{
    if (!play.wrong && !play.hung_up)
        play.sent = play.asked + PROBES;
    if (!play.wrong && play.spoken == P0F_DIALECT_AUTO)
        expect_dialect();
    while (!play.wrong && play.spoken != P0F_DIALECT_AUTO && expect_answer())
        ;
    if (!play.wrong && play.hung_up)
        play.wrong = P0F_DISCONNECTED;
}

/* ---- The connection */

static void on_answer(void *ctx, enum p0f_error error, const struct p0f_host *host);

static void ask(void)
{
    struct p0f_addr addr = {.type = 4};

    if (play.asked == ASKED_MAX)
        return;
    memcpy(addr.bytes, &play.asked, sizeof play.asked);
    bool full = p0f_conn_pending(play.conn) == play.pipeline;
    enum p0f_error error = p0f_conn_ask(play.conn, &addr, on_answer, (void *)(uintptr_t)play.asked);
    if (error == P0F_OK) {
        HOLDS(!play.error && !play.retired && !full);
        play.expected[play.asked++] = (struct outcome){.error = P0F_TIMEOUT}; /* not answered yet */
    } else if (error == P0F_FULL) {
        HOLDS(full);
    } else if (error == P0F_RETIRED) {
        HOLDS(play.retired);
    } else {
        HOLDS(error == play.wrong);
    }
}

/* Whose turn it is to be told, and what, if its answer has not come. Who has got a malformed one is
 * told last, and the others that theirs is lost. */
static unsigned next_told(enum p0f_error *error)
{
    unsigned blamed = play.answered - PROBES;

    *error = play.wrong;
    if (play.wrong != P0F_MALFORMED || play.answered < PROBES || play.told < blamed)
        return play.told;
    if (play.told + 1 == play.asked)
        return blamed;
    *error = P0F_LOST;
    return play.told + 1;
}

static void on_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    enum p0f_error unanswered;
    unsigned next = next_told(&unanswered);
    struct outcome expected = play.expected[next];

    HOLDS((uintptr_t)ctx == next);
    play.told++;
    HOLDS(!host == (error != P0F_OK));
    if (expected.error == P0F_TIMEOUT)
        expected.error = unanswered;
    HOLDS(error == expected.error && error != P0F_TIMEOUT);
    if (host)
        HOLDS(host->total_conn == expected.mark && host->dialect == play.spoken);
    HOLDS(!p0f_conn_free(play.conn));
    if (play.more > 0) {
        play.more--;
        ask();
    }
}

static void look(void)
{
    struct pollfd end = {.fd = p0f.peer, .events = POLLRDHUP};
    unsigned outstanding = p0f_conn_outstanding(play.conn);

    HOLDS(p0f_conn_pending(play.conn) == play.asked - play.told);
    HOLDS(p0f_conn_dialect(play.conn) == play.spoken);
    HOLDS(p0f_conn_hung_up(play.conn) == (play.hung_up && play.wrong));
    if (!play.error && !play.wrong)
        HOLDS(outstanding == play.sent - play.answered);
    if (play.error && !play.hung_up)
        HOLDS(outstanding <= play.outstanding); /* nothing more is asked */
    if (!play.hung_up)
        HOLDS(poll(&end, 1, 0) == 0);
    play.outstanding = outstanding;
    play.error = play.wrong;
}

static void io(void)
{
    enum p0f_error before = play.error;

    expect();
    play.more = next_byte() % 4;
    if (play.hung_up)
        (void)p0f_conn_io(play.conn); /* the end is read by itself, behind the last bytes */
    enum p0f_error error = p0f_conn_io(play.conn);
    HOLDS(error == play.wrong && (!before || error == before));
    if (error)
        HOLDS(play.told == play.asked && !p0f_conn_wants_write(play.conn));
    else if (!play.hung_up)
        play.sent = play.asked + PROBES; /* what the callbacks asked has gone out too */
    look();
}

/* ---- p0f */

static void put(const uint8_t *bytes, size_t length)
{
    if (play.hung_up || length > WRITTEN_MAX - play.length)
        return;
    memcpy(play.written + play.length, bytes, length);
    play.length += length;
    HOLDS(length == 0 || stand_in_write(&p0f, bytes, length));
}

static void put_raw(void)
{
    size_t length = next_byte(), left = (size_t)(play.end - play.at);

    if (length > left)
        length = left;
    put(play.at, length);
    play.at += length;
}

static void put_answer(enum p0f_dialect dialect, bool cut)
{
    static const uint32_t statuses[] = {P0F_STATUS_OK, P0F_STATUS_NOMATCH, P0F_STATUS_BADQUERY,
                                        P0F_STATUS_OK};
    uint8_t bytes[P0F_ANSWER_MAX];
    uint8_t kind = next_byte();
    size_t size = stand_in_pack(bytes, dialect, statuses[kind % 4], 1u + kind);

    if (!cut) {
        put(bytes, size);
        return;
    }
    size_t first = next_byte() % size;
    put(bytes, first);
    io();
    put(bytes + first, size - first);
}

static void hang_up(void)
{
    if (!play.hung_up)
        stand_in_hang_up(&p0f);
    play.hung_up = true;
}

/* Refused exactly as long as something is outstanding. */
static bool try_free(void)
{
    unsigned outstanding = p0f_conn_outstanding(play.conn), unsent = play.asked - play.told;

    play.wrong = play.wrong ? play.wrong : P0F_DISCONNECTED;
    play.more = 0;
    if (p0f_conn_free(play.conn)) {
        HOLDS(outstanding == 0 && play.told == play.asked);
        return true;
    }
    HOLDS(outstanding > 0 && play.asked - play.told == unsent);
    play.wrong = play.error;
    return false;
}

static void step(enum p0f_dialect dialect)
{
    uint8_t what = next_byte();

    switch (what % 16) {
    case 0:
    case 1:
        for (unsigned i = 0; i <= what / 64u; i++)
            ask();
        break;
    case 2:
    case 3:
    case 4:
        io();
        break;
    case 5:
    case 6:
        put_raw();
        break;
    case 7:
    case 8:
    case 9:
        put_answer(dialect, false);
        break;
    case 10:
    case 11:
        put_answer(dialect, true);
        break;
    case 12:
        put_answer(1 + next_byte() % 5, false); /* of whichever p0f */
        break;
    case 13:
        HOLDS(p0f_conn_flush(play.conn) == play.error);
        if (!play.error && !play.hung_up)
            play.sent = play.asked + PROBES;
        break;
    case 14:
        p0f_conn_retire(play.conn);
        play.retired = true;
        break;
    case 15:
        if (what == 255)
            hang_up();
        break;
    }
}

static void end(void)
{
    stand_in_stop(&p0f);
}

static void set_the_stage(void)
{
    uint8_t dialects = next_byte();

    if (!p0f.socket.path[0])
        HOLDS(stand_in_start(&p0f) && atexit(end) == 0);
    play.wanted = dialects % 6;
    play.pipeline = 1u + next_byte() % 8;
    HOLDS(p0f_conn_open(p0f.socket.path, play.wanted, play.pipeline, &play.conn) == P0F_OK);
    HOLDS(stand_in_accept(&p0f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memset(&play, 0, offsetof(struct play, written));
    play.length = play.read = play.sent = play.answered = 0;
    play.wanted = play.spoken = P0F_DIALECT_AUTO;
    play.wrong = P0F_OK;
    play.at = data;
    play.end = data + size;
    set_the_stage();
    enum p0f_dialect dialect = 1 + (size > 0 ? data[0] : 0) / 6u % 5;
    while (play.at < play.end)
        step(dialect);
    io();
    if (!try_free()) {
        hang_up();
        io();
        HOLDS(p0f_conn_outstanding(play.conn) == 0 && try_free());
    }
    return 0;
}
