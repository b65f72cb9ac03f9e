// Requests and replies: every connection keeps `depth` requests in flight, numbered, and every reply must be the one to
// the oldest of them.
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <string.h>

#define FIRST_NUMBER 100000u
#define NUMBERS 900000u // so that a number always has six digits

static uint64_t replies, requests, bad;
static bool is_sending;

static void put_number(struct bytes *text, const struct places *places, uint32_t count) {
    uint32_t number = FIRST_NUMBER + count % NUMBERS, rest = number;
    if (places->has_digits) {
        for (int i = 5; i >= 0; i--, rest /= 10) text->at[places->digits + (size_t)i] = (char)('0' + rest % 10);
    }
    if (places->has_binary) {
        for (int i = 0; i < 8; i++) text->at[places->binary + (size_t)i] = (char)((uint64_t)number >> (56 - 8 * i));
    }
}

static void send_requests(struct connection *c, uint32_t count) {
    uint64_t time = now();
    for (uint32_t i = 0; i < count; i++) {
        put_number(&c->text, &c->places, c->sent);
        queue_bytes(c, c->text.at, c->text.length);
        c->asked_at[c->sent++ % (uint32_t)options.depth] = time;
    }
    requests += count;
    flush_bytes(c);
}

void ask_begin(void) {
    is_sending = true;
    for (int i = 0; i < connection_count; i++) {
        struct connection *c = &connections[i];
        struct values values = values_of(c);
        values.number = FIRST_NUMBER;
        write_template(&c->text, options.request, &values, &c->places);
        write_template(&c->expected, options.reply ? options.reply : options.reply_has, &values, &c->expected_places);
        c->asked_at = zeroed((size_t)options.depth, sizeof(uint64_t));
    }
    for (int i = 0; i < connection_count; i++) send_requests(&connections[i], (uint32_t)options.depth);
}

void ask_stop(void) { is_sending = false; }

// @returns the length of the reply at `at`, 0 while it is not all there
static size_t reply_length(const struct connection *c, const char *at, size_t length) {
    if (options.reply) return length >= c->expected.length ? c->expected.length : 0;
    const char *end = memmem(at, length, options.reply_end.at, options.reply_end.length);
    return end ? (size_t)(end - at) + options.reply_end.length : 0;
}

static bool is_expected(const struct connection *c, const char *at, size_t length) {
    if (c->received == c->sent) return false; // nobody asked
    if (options.reply) return !memcmp(at, c->expected.at, length);
    return memmem(at, length, c->expected.at, c->expected.length) != NULL;
}

size_t ask_read(struct connection *c, const char *at, size_t length) {
    const char *start = at, *end = at + length;
    uint32_t answered = 0;
    while (at < end) {
        size_t reply = reply_length(c, at, (size_t)(end - at));
        put_number(&c->expected, &c->expected_places, c->received);
        if (reply > 0 && is_expected(c, at, reply)) {
            histogram_add(received_at - c->asked_at[c->received++ % (uint32_t)options.depth]);
            answered++;
            at += reply;
            continue;
        }
        bool is_partial = false;
        if (skip_ignored(&at, end, &is_partial) && !is_partial) continue;
        if (reply == 0 || is_partial) break;
        if (bad++ == 0) fprintf(stderr, "load: not the reply that was expected: %.*s\n", (int)reply, at);
        at = end;
    }
    replies += answered;
    if (is_sending && answered > 0) send_requests(c, answered);
    return (size_t)(at - start);
}

struct totals ask_totals(void) {
    return (struct totals){.work = replies, .sent = requests, .bad = bad};
}

bool ask_is_drained(void) { return replies >= requests; }

void ask_verify(struct totals *totals) {
    totals->missing = requests - replies;
    totals->bad = bad;
}
