// Growing memory, and templates: texts with C's escapes (\n \r \t \\ \xHH) and these placeholders.
//
//   {conn} {room}   numbers of the connection and its room, always five digits, so that lengths can be told beforehand
//   {id} {token}    what was heard in set-up
//   {payload}       relay: `size` bytes, to be filled in by the relay
//   {n} {long}      ask: the number of the request, as six digits or as eight bytes
//
// Any other brace is itself: JSON needs no escaping.
#define _GNU_SOURCE
#include "load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

void *zeroed(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory) fail("out of memory");
    return memory;
}

uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

char *bytes_reserve(struct bytes *b, size_t more) {
    if (b->length + more > b->capacity) {
        size_t capacity = b->capacity ? b->capacity : 128;
        while (capacity < b->length + more) capacity *= 2;
        b->at = realloc(b->at, capacity);
        if (!b->at) fail("out of memory");
        b->capacity = capacity;
    }
    return b->at + b->length;
}

void bytes_add(struct bytes *b, const void *from, size_t length) {
    if (length == 0) return;
    memcpy(bytes_reserve(b, length), from, length);
    b->length += length;
}

static void add_digits(struct bytes *to, int width, uint64_t number) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%0*llu", width, (unsigned long long)number);
    bytes_add(to, digits, (size_t)length);
}

// Writes the escape that `at` points behind the backslash of. @returns what comes after it
static const char *add_escape(struct bytes *to, const char *at) {
    char value = *at;
    if (*at == 'x' && at[1] && at[2]) {
        char hex[3] = {at[1], at[2], 0};
        value = (char)strtol(hex, NULL, 16);
        at += 2;
    } else if (*at == 'n') {
        value = '\n';
    } else if (*at == 'r') {
        value = '\r';
    } else if (*at == 't') {
        value = '\t';
    }
    bytes_add(to, &value, 1);
    return at + 1;
}

static bool starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

// @returns what comes after the placeholder, or `at` where there is none
static const char *add_placeholder(struct bytes *to, const char *at, const struct values *v, struct places *p) {
    if (starts_with(at, "{conn}")) {
        add_digits(to, 5, (uint64_t)v->conn);
    } else if (starts_with(at, "{room}")) {
        add_digits(to, 5, (uint64_t)v->room);
    } else if (starts_with(at, "{id}")) {
        if (v->id) bytes_add(to, v->id, strlen(v->id));
    } else if (starts_with(at, "{token}")) {
        if (v->token) bytes_add(to, v->token, strlen(v->token));
    } else if (starts_with(at, "{payload}")) {
        p->has_payload = true;
        p->payload = to->length;
        memset(bytes_reserve(to, (size_t)options.size), 0, (size_t)options.size);
        to->length += (size_t)options.size;
    } else if (starts_with(at, "{n}")) {
        p->has_digits = true;
        p->digits = to->length;
        add_digits(to, 6, v->number);
    } else if (starts_with(at, "{long}")) {
        p->has_binary = true;
        p->binary = to->length;
        for (int shift = 56; shift >= 0; shift -= 8) {
            char byte = (char)(v->number >> shift);
            bytes_add(to, &byte, 1);
        }
    } else {
        return at;
    }
    return strchr(at, '}') + 1;
}

void write_template(struct bytes *to, const char *template, const struct values *values, struct places *places) {
    struct places unused;
    if (!places) places = &unused;
    *places = (struct places){0};
    for (const char *at = template; *at;) {
        if (*at == '\\' && at[1]) {
            at = add_escape(to, at + 1);
            continue;
        }
        const char *after = *at == '{' ? add_placeholder(to, at, values, places) : at;
        if (after == at) bytes_add(to, after++, 1);
        at = after;
    }
}

struct bytes plain_text(const char *template) {
    struct bytes text = {0};
    struct values none = {0};
    write_template(&text, template, &none, NULL);
    return text;
}
