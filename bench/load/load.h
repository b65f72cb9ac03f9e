// What the files of the load generator share. load.c tells what it is.
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECOND 1000000000ull // all times are nanoseconds of the monotonic clock
#define MAX_STEPS 8
#define MAX_IGNORED 4
#define MAX_SENDERS 64
#define MAX_NODES 16
#define CHUNK (256 * 1024)

// ---- bytes.c: growing memory, and templates that are written into it

struct bytes {
    char *at;
    size_t length, capacity;
};

char *bytes_reserve(struct bytes *b, size_t more);
void bytes_add(struct bytes *b, const void *from, size_t length);
void *zeroed(size_t count, size_t size);
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t now(void);

// What a template's placeholders stand for.
struct values {
    int conn, room;
    const char *id, *token;
    uint64_t number; // {n} and {long}
};

// Where in a written template something stands that changes from message to message.
struct places {
    size_t payload, digits, binary;
    bool has_payload, has_digits, has_binary;
};

void write_template(struct bytes *to, const char *template, const struct values *values, struct places *places);
// Undoes the escapes of a text that has no placeholders.
struct bytes plain_text(const char *template);

// ---- options.c

enum mode { RELAY, ASK, IDLE };

struct step {
    const char *say;    // sent when the step begins
    const char *hear;   // ends the step; NULL: nothing has to come
};

struct options {
    enum mode mode;
    int ports[MAX_NODES], port_count, udp_port;   // of nodes that serve together; connections take turns
    int pids[MAX_NODES], pid_count, engine_pid;
    int rooms, members, senders, window, size, bystanders, bystander_steps;
    int connections, depth;
    double seconds, warm, quiet, rate;
    bool others, ordered, together, spin, has_text_frames;
    const char *websocket;
    const char *message, *delivery, *udp_say, *udp_hear;
    const char *request, *reply, *reply_has;
    struct bytes reply_end, ignored[MAX_IGNORED];
    int ignored_count;
    struct step steps[MAX_STEPS];
    int step_count;
};

extern struct options options;
void read_options(int count, char **arguments);

// ---- usage.c: what the server has used, all its nodes together, and how busy the rest of the machine was

struct usage {
    double server, server_user, server_system; // CPU-seconds
    double engine;                             // of what the nodes share
    double load, machine, stolen;
    long private_kib;
};

struct usage usage_now(void);

void histogram_reset(void);
void histogram_add(uint64_t nanoseconds);
double histogram_quantile(double quantile); // microseconds
uint64_t histogram_count(void);

// ---- websocket.c: a client's frames around the bytes of a stream

struct websocket {
    unsigned char head[14];
    int head_length;
    uint64_t left; // of the frame's payload
};

void websocket_request(struct bytes *to, const char *path, int port);
void websocket_wrap(struct bytes *to, const char *from, size_t length);
// Takes the frames off, in place. @returns how many bytes of stream are left at `at`; -1 for a frame that ends it.
long websocket_unwrap(struct websocket *socket, char *at, size_t length);

// ---- sockets.c: connections, from connecting to the first measured byte

struct connection {
    int fd, udp_fd, index, room, member;
    enum { CONNECTING, UPGRADING, GREETING, READY, CLOSED } state;
    int step;
    bool is_bystander, waits_to_write, is_bound;
    char *id, *token;         // heard in set-up
    struct bytes out, in;     // not sent yet; the beginning of something not complete yet
    struct websocket frames;

    struct bytes text;        // its own message or request, written once
    struct places places;     // what of it changes
    struct bytes expected;    // relay: one of its messages as it is delivered; ask: a reply, or what a reply contains
    struct places expected_places;

    uint32_t sent, received;  // numbers of its next message or request, and of the next reply
    uint64_t order;           // of all that it received: a running hash
    uint64_t *asked_at;       // ask: when each request in flight was sent
};

extern struct connection *connections;
extern int connection_count, failed_connections;
extern bool is_discarding;    // between set-up and start, what comes is no concern
extern uint64_t received_at;  // when the bytes at hand were

void make_connections(int count);
struct values values_of(const struct connection *c);
void open_all(void);
void queue_bytes(struct connection *c, const char *from, size_t length);
void flush_bytes(struct connection *c);
void close_connection(struct connection *c);
void poll_sockets(uint64_t wait);
bool skip_ignored(const char **at, const char *end, bool *is_partial);

// ---- relay.c and ask.c: what is sent, and what is made of the answers

struct totals {
    uint64_t work, sent;   // deliveries or replies, and messages or requests
    uint64_t missing, bad; // `missing` once all is drained
};

struct totals relay_totals(void);
void relay_make_rooms(void);             // before the connections are opened
void relay_begin(void);                  // after that
void relay_stop(void);
bool relay_is_drained(void);
void relay_verify(struct totals *totals);
size_t relay_read(struct connection *c, const char *at, size_t length); // @returns bytes used
void relay_datagram(struct connection *c, const char *at, size_t length);
void relay_after_poll(void);
uint64_t relay_send_due(uint64_t time);  // at a fixed rate. @returns when the next message is due
void relay_stalled(void);                // nothing has come for a while: datagrams were lost

struct totals ask_totals(void);
void ask_begin(void);
void ask_stop(void);
bool ask_is_drained(void);
void ask_verify(struct totals *totals);
size_t ask_read(struct connection *c, const char *at, size_t length);

#endif
