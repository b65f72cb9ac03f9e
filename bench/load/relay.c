// Rooms: some members send, all receive, and every delivery is compared with what it must be, byte by byte.
//
// A payload says who sent it, as which of its messages, and when:
//
//   ^ slot room(3) number(5) time(8) filler...
//
// in digits of base 64 that no protocol here escapes. `slot` counts the senders of a room, `number` the messages of a
// sender, and `time` is in nanoseconds since this program began.
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define MARK '^'
#define SLOT_AT 1
#define ROOM_AT 2
#define NUMBER_AT 5
#define NUMBER_DIGITS 5
#define TIME_AT 10
#define TIME_DIGITS 8
#define FILLER_AT 18
#define LONGEST_PREFIX 512

static const char DIGITS[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
static unsigned char values[256];

struct room {
    uint64_t owed;      // deliveries of what was sent that have not come yet
    int next;           // whose turn to send it is
    bool is_touched;
    uint32_t *expected; // the next number, for each member and slot
};

static struct room *rooms;
static int *touched, touched_count, *unflushed, unflushed_count, next_room;
static uint64_t deliveries, messages, bad, lost, began_at, next_due, fan_out;
static bool is_sending;
static bool has_fixed_prefix; // then a delivery is found by its length, else by its mark
static size_t prefix_length, suffix_length;

// ---- payloads

static void put_number(char *at, int digits, uint64_t value) {
    for (int i = digits - 1; i >= 0; i--, value >>= 6) at[i] = DIGITS[value & 63];
}

static uint64_t get_number(const char *at, int digits) {
    uint64_t value = 0;
    for (int i = 0; i < digits; i++) value = value << 6 | values[(unsigned char)at[i]];
    return value;
}

static void fill_payload(char *at, const struct connection *sender) {
    at[0] = MARK;
    put_number(at + SLOT_AT, 1, (uint64_t)sender->member);
    put_number(at + ROOM_AT, 3, (uint64_t)sender->room);
    memset(at + NUMBER_AT, '0', FILLER_AT - NUMBER_AT);
    for (int i = FILLER_AT; i < options.size; i++) at[i] = (char)('a' + i % 26);
}

// Writes one message of the sender and its delivery: all but number and time stays as it is.
static void write_message(struct connection *sender) {
    struct values v = values_of(sender);
    write_template(&sender->text, options.message, &v, &sender->places);
    write_template(&sender->expected, options.delivery, &v, &sender->expected_places);
    if (!sender->places.has_payload || !sender->expected_places.has_payload) {
        fail("message= and delivery= must have a {payload}");
    }
    fill_payload(sender->text.at + sender->places.payload, sender);
    fill_payload(sender->expected.at + sender->expected_places.payload, sender);
    size_t before = sender->expected_places.payload;
    if (before > LONGEST_PREFIX || memchr(sender->expected.at, MARK, before)) fail("delivery=: bad start");
    prefix_length = before;
    suffix_length = sender->expected.length - before - (size_t)options.size;
}

// ---- rooms

void relay_make_rooms(void) {
    if (options.size < FILLER_AT + 1) fail("size must be %d or more", FILLER_AT + 1);
    int in_rooms = options.rooms * options.members;
    make_connections(in_rooms + options.bystanders);
    rooms = zeroed((size_t)options.rooms, sizeof *rooms);
    touched = zeroed((size_t)options.rooms, sizeof *touched);
    unflushed = zeroed((size_t)connection_count, sizeof *unflushed);
    for (int i = 0; i < connection_count; i++) {
        connections[i].room = i / options.members;
        connections[i].member = i % options.members;
        connections[i].is_bystander = i >= in_rooms;
    }
    for (int i = 0; i < options.rooms; i++) {
        rooms[i].expected = zeroed((size_t)options.members * (size_t)options.senders, sizeof(uint32_t));
    }
    for (int i = 0; i < 64; i++) values[(unsigned char)DIGITS[i]] = (unsigned char)i;
    fan_out = (uint64_t)(options.others ? options.members - 1 : options.members);
    has_fixed_prefix = !strstr(options.delivery, "{id}");
}

static struct connection *member_of(int room, int member) {
    return &connections[room * options.members + member];
}

static void touch(int room) {
    if (rooms[room].is_touched) return;
    rooms[room].is_touched = true;
    touched[touched_count++] = room;
}

// ---- sending

static void send_message(int room, uint64_t time) {
    struct connection *sender = member_of(room, rooms[room].next);
    rooms[room].next = (rooms[room].next + 1) % options.senders;
    char *payload = sender->text.at + sender->places.payload;
    put_number(payload + NUMBER_AT, NUMBER_DIGITS, sender->sent++);
    put_number(payload + TIME_AT, TIME_DIGITS, time - began_at);
    rooms[room].owed += fan_out;
    messages++;
    if (options.udp_say) {
        // One that the kernel does not take is lost like any other.
        if (send(sender->udp_fd, sender->text.at, sender->text.length, 0) < 0) return;
    } else {
        if (sender->out.length == 0) unflushed[unflushed_count++] = sender->index;
        queue_bytes(sender, sender->text.at, sender->text.length);
    }
}

static void flush_all(void) {
    for (int i = 0; i < unflushed_count; i++) flush_bytes(&connections[unflushed[i]]);
    unflushed_count = 0;
}

// Fills up the windows of rooms that had deliveries.
void relay_after_poll(void) {
    uint64_t time = touched_count ? now() : 0, full = (uint64_t)(options.window - 1) * fan_out;
    for (int i = 0; i < touched_count; i++) {
        struct room *room = &rooms[touched[i]];
        room->is_touched = false;
        while (is_sending && options.rate <= 0 && room->owed <= full) send_message(touched[i], time);
    }
    touched_count = 0;
    flush_all();
}

uint64_t relay_send_due(uint64_t time) {
    while (is_sending && next_due <= time) {
        // Stamped with the time when it was due: what we are late ourselves must not hide what the server is late.
        send_message(next_room, next_due);
        next_room = (next_room + 1) % options.rooms;
        next_due += (uint64_t)(1e9 / options.rate);
    }
    flush_all();
    return next_due;
}

void relay_stalled(void) {
    for (int i = 0; i < options.rooms; i++) {
        rooms[i].owed = 0;
        touch(i);
    }
}

void relay_begin(void) {
    for (int room = 0; room < options.rooms; room++) {
        for (int i = 0; i < options.senders; i++) write_message(member_of(room, i));
        touch(room);
    }
    is_sending = true;
    began_at = next_due = now();
    relay_after_poll();
}

void relay_stop(void) { is_sending = false; }

// ---- receiving

static void tell_bad(const char *at, size_t length) {
    if (bad++ > 0) return;
    fputs("load: not what was expected: ", stderr);
    for (size_t i = 0; i < length && i < 160; i++) {
        if (at[i] >= 32 && at[i] < 127) fputc(at[i], stderr);
        else fprintf(stderr, "\\x%02x", (unsigned char)at[i]);
    }
    fputc('\n', stderr);
}

// Is this a delivery of our room, whole and unchanged? @returns its sender, NULL where it is not
static struct connection *sender_of(const struct connection *c, const char *at, const char *payload) {
    int slot = values[(unsigned char)payload[SLOT_AT]];
    if (slot >= options.senders) return NULL;
    struct connection *sender = member_of(c->room, slot);
    size_t before = sender->expected_places.payload;
    const char *expected = sender->expected.at + before;
    if ((size_t)(payload - at) != before || memcmp(at, sender->expected.at, before + NUMBER_AT)) return NULL;
    size_t rest = (size_t)(options.size - FILLER_AT) + suffix_length;
    if (memcmp(payload + FILLER_AT, expected + FILLER_AT, rest)) return NULL;
    return options.others && sender == c ? NULL : sender;
}

static void take_delivery(struct connection *c, const struct connection *sender, const char *payload) {
    struct room *room = &rooms[c->room];
    uint32_t number = (uint32_t)get_number(payload + NUMBER_AT, NUMBER_DIGITS);
    uint32_t *expected = &room->expected[c->member * options.senders + sender->member];
    uint32_t skipped = number - *expected;
    // A gap is a loss where losses can happen. Everything else is a duplicate, or the wrong order.
    if (options.udp_say && skipped < 1u << 24) lost += skipped;
    else if (skipped != 0) tell_bad(payload, FILLER_AT);
    *expected = number + 1;
    c->order = c->order * 0x9e3779b97f4a7c15u + ((uint64_t)sender->member << 32 | number) + 1;
    uint64_t time = began_at + get_number(payload + TIME_AT, TIME_DIGITS);
    histogram_add(received_at > time ? received_at - time : 0);
    deliveries++;
    if (room->owed > 0) room->owed--;
    touch(c->room);
}

size_t relay_read(struct connection *c, const char *at, size_t length) {
    const char *start = at, *end = at + length;
    size_t after = (size_t)options.size + suffix_length;
    while (at < end) {
        const char *payload = has_fixed_prefix ? at + prefix_length : memchr(at, MARK, (size_t)(end - at));
        bool is_partial = !payload || (size_t)(end - at) < (size_t)(payload - at) + after;
        struct connection *sender = is_partial ? NULL : sender_of(c, at, payload);
        if (sender) {
            take_delivery(c, sender, payload);
            at = payload + after;
        } else if (!skip_ignored(&at, end, &is_partial) && !is_partial) {
            tell_bad(at, (size_t)(end - at));
            return length;
        }
        if (is_partial) break;
    }
    return (size_t)(at - start);
}

void relay_datagram(struct connection *c, const char *at, size_t length) {
    const char *payload = has_fixed_prefix ? at + prefix_length : memchr(at, MARK, length);
    bool is_whole = payload && length == (size_t)(payload - at) + (size_t)options.size + suffix_length;
    struct connection *sender = is_whole ? sender_of(c, at, payload) : NULL;
    if (sender) take_delivery(c, sender, payload);
    else tell_bad(at, length);
}

// ---- the account

struct totals relay_totals(void) {
    return (struct totals){.work = deliveries, .sent = messages, .bad = bad};
}

bool relay_is_drained(void) { return deliveries + lost >= messages * fan_out; }

void relay_verify(struct totals *totals) {
    uint64_t owed = messages * fan_out;
    totals->missing = owed > deliveries ? owed - deliveries : 0;
    totals->bad = bad;
    if (!options.ordered || options.others) return; // a sender that gets no copy has seen other messages than the rest
    for (int room = 0; room < options.rooms; room++) {
        for (int member = 1; member < options.members; member++) {
            if (member_of(room, member)->order != member_of(room, 0)->order) totals->bad++;
        }
    }
}
