// Connections: opening, set-up (what is said and heard before the load begins), reading and writing.
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define OPENING_AT_ONCE 64
#define SET_UP_LIMIT (60 * SECOND)
#define SET_UP_BYTES (4u << 20)

struct connection *connections;
int connection_count, failed_connections;
bool is_discarding;
uint64_t received_at;

static int epoll_fd = -1, ready_count, bound_count;
static uint64_t bytes_received;
static char memory[2 * CHUNK]; // what is left of a stream's last bytes, and its next ones behind them

void make_connections(int count) {
    connection_count = count;
    connections = zeroed((size_t)count, sizeof *connections);
    for (int i = 0; i < count; i++) {
        connections[i].index = i;
        connections[i].fd = connections[i].udp_fd = -1;
    }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0) fail("epoll: %s", strerror(errno));
}

struct values values_of(const struct connection *c) {
    return (struct values){.conn = c->index, .room = c->room, .id = c->id, .token = c->token};
}

void close_connection(struct connection *c) {
    if (c->state == CLOSED) return;
    if (c->state == READY) ready_count--;
    c->state = CLOSED;
    failed_connections++;
    close(c->fd);
}

// ---- writing

static void watch(struct connection *c, int operation, bool writable) {
    struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.u64 = (uint64_t)c->index << 1};
    if (epoll_ctl(epoll_fd, operation, c->fd, &event) < 0) fail("epoll: %s", strerror(errno));
    c->waits_to_write = writable;
}

void queue_bytes(struct connection *c, const char *from, size_t length) {
    if (options.websocket) websocket_wrap(&c->out, from, length);
    else bytes_add(&c->out, from, length);
}

void flush_bytes(struct connection *c) {
    if (c->state == CLOSED || c->state == CONNECTING || c->out.length == 0) return;
    ssize_t sent = send(c->fd, c->out.at, c->out.length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        close_connection(c);
        return;
    }
    if (sent > 0) {
        c->out.length -= (size_t)sent;
        memmove(c->out.at, c->out.at + sent, c->out.length);
    }
    if (c->waits_to_write != (c->out.length > 0)) watch(c, EPOLL_CTL_MOD, c->out.length > 0);
}

// ---- set-up

static struct sockaddr_in server_address(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// Taking turns, so that each room has members, and senders, on all nodes.
static int port_of(const struct connection *c) {
    return options.ports[(options.together ? c->room : c->index) % options.port_count];
}

static void open_stream(struct connection *c) {
    struct sockaddr_in address = server_address(port_of(c));
    int yes = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fail("connection %d: %s", c->index, strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
        fail("connection %d: %s", c->index, strerror(errno));
    }
    c->state = CONNECTING;
    watch(c, EPOLL_CTL_ADD, true);
}

static void say_by_udp(struct connection *c, const char *template) {
    struct bytes text = {0};
    struct values values = values_of(c);
    write_template(&text, template, &values, NULL);
    if (send(c->udp_fd, text.at, text.length, 0) < 0) fail("datagram: %s", strerror(errno));
    free(text.at);
}

static void open_datagrams(struct connection *c) {
    struct sockaddr_in address = server_address(options.udp_port ? options.udp_port : options.ports[0]);
    int size = 4 << 20;
    c->udp_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->udp_fd < 0) fail("datagram socket: %s", strerror(errno));
    setsockopt(c->udp_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (connect(c->udp_fd, (struct sockaddr *)&address, sizeof address) < 0) fail("datagrams: %s", strerror(errno));
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)c->index << 1 | 1};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->udp_fd, &event);
    say_by_udp(c, options.udp_say);
}

static void become_ready(struct connection *c) {
    c->state = READY;
    ready_count++;
    if (options.udp_say && !c->is_bystander) open_datagrams(c);
}

// Begins the connection's next step, and those after it for as long as there is nothing to hear.
static void next_step(struct connection *c) {
    int last = c->is_bystander ? options.bystander_steps : options.step_count;
    if (last > options.step_count) last = options.step_count;
    for (; c->step < last; c->step++) {
        const struct step *step = &options.steps[c->step];
        struct bytes text = {0};
        struct values values = values_of(c);
        write_template(&text, step->say, &values, NULL);
        if (text.length > 0) queue_bytes(c, text.at, text.length);
        free(text.at);
        if (step->hear) return;
    }
    become_ready(c);
}

// Looks for what ends the step, and takes an id or a token from it. @returns what comes after, NULL while it is not all there
static char *find_heard(struct connection *c, const char *hear) {
    const char *id = strstr(hear, "{id}"), *token = strstr(hear, "{token}"), *capture = id ? id : token;
    size_t before = capture ? (size_t)(capture - hear) : strlen(hear);
    char *template = strndup(hear, before);
    struct bytes start = {0};
    struct values values = values_of(c);
    write_template(&start, template, &values, NULL);
    char *at = memmem(c->in.at, c->in.length, start.at, start.length);
    if (at) at += start.length;
    free(start.at);
    free(template);
    if (!at || !capture) return at;

    struct bytes end = plain_text(strchr(capture, '}') + 1);
    if (end.length == 0) fail("hear=%s: something must follow what is captured", hear);
    char *after = memmem(at, (size_t)(c->in.at + c->in.length - at), end.at, end.length);
    if (after) {
        char **place = id ? &c->id : &c->token;
        free(*place);
        *place = strndup(at, (size_t)(after - at));
        after += end.length;
    }
    free(end.at);
    return after;
}

static void drop_heard(struct connection *c, const char *rest) {
    size_t used = (size_t)(rest - c->in.at);
    c->in.length -= used;
    memmove(c->in.at, rest, c->in.length);
}

static void hear(struct connection *c, const char *at, size_t length) {
    if (c->in.length + length > SET_UP_BYTES) fail("connection %d: too much in set-up", c->index);
    bytes_add(&c->in, at, length);
    while (c->state == GREETING) {
        char *rest = find_heard(c, options.steps[c->step].hear);
        if (!rest) break;
        drop_heard(c, rest);
        c->step++;
        next_step(c);
    }
    if (c->state == READY) c->in.length = 0;
    flush_bytes(c);
}

static void begin_greeting(struct connection *c) {
    c->state = GREETING;
    next_step(c);
    flush_bytes(c);
}

static void hear_upgrade(struct connection *c, const char *at, size_t length) {
    bytes_add(&c->in, at, length);
    char *end = memmem(c->in.at, c->in.length, "\r\n\r\n", 4);
    if (!end) return;
    if (strncmp(c->in.at, "HTTP/1.1 101", 12)) fail("the server takes no WebSocket at %s", options.websocket);
    drop_heard(c, end + 4);
    // Frames may have come with it.
    struct bytes rest = c->in;
    c->in = (struct bytes){0};
    begin_greeting(c);
    long left = websocket_unwrap(&c->frames, rest.at, rest.length);
    if (left > 0) hear(c, rest.at, (size_t)left);
    free(rest.at);
}

static void connected(struct connection *c) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) fail("connection %d: %s", c->index, strerror(error));
    if (!options.websocket) {
        begin_greeting(c);
    } else {
        c->state = UPGRADING;
        websocket_request(&c->out, options.websocket, port_of(c));
        flush_bytes(c);
    }
    if (c->waits_to_write && c->out.length == 0) watch(c, EPOLL_CTL_MOD, false);
}

static void hear_datagram(struct connection *c, const char *at, size_t length) {
    struct bytes text = {0};
    struct values values = values_of(c);
    write_template(&text, options.udp_hear, &values, NULL);
    bool is_it = text.length == length && !memcmp(text.at, at, length);
    free(text.at);
    if (!is_it || c->is_bound) return;
    c->is_bound = true;
    bound_count++;
}

static bool is_open(void) {
    int datagrams = options.udp_say ? connection_count - options.bystanders : 0;
    return ready_count == connection_count && bound_count == datagrams;
}

void open_all(void) {
    uint64_t limit = now() + SET_UP_LIMIT;
    int opened = 0;
    is_discarding = true; // who is ready hears who joins after it
    while (!is_open()) {
        while (opened < connection_count && opened - ready_count < OPENING_AT_ONCE) open_stream(&connections[opened++]);
        poll_sockets(SECOND / 20);
        if (failed_connections) fail("the server closed a connection in set-up (%d of %d ready)", ready_count, connection_count);
        if (now() > limit) fail("set-up: %d of %d connections ready after a minute", ready_count, connection_count);
    }
    // The last news of others who joined may still be under way.
    uint64_t quiet_since = now(), seen = bytes_received;
    while (now() - quiet_since < (uint64_t)(options.quiet * 1e9) && now() < limit) {
        poll_sockets(SECOND / 100);
        if (bytes_received != seen) quiet_since = now();
        seen = bytes_received;
    }
    is_discarding = false;
}

// ---- reading

bool skip_ignored(const char **at, const char *end, bool *is_partial) {
    *is_partial = false;
    for (int i = 0; i < options.ignored_count; i++) {
        const struct bytes *text = &options.ignored[i];
        size_t there = (size_t)(end - *at), length = there < text->length ? there : text->length;
        if (memcmp(*at, text->at, length)) continue;
        *is_partial = length < text->length;
        if (!*is_partial) *at += length;
        return true;
    }
    return false;
}

static void read_load(struct connection *c, size_t kept, size_t length) {
    length += kept;
    size_t used = options.mode == RELAY ? relay_read(c, memory, length)
                  : options.mode == ASK ? ask_read(c, memory, length) : length;
    c->in.length = 0;
    bytes_add(&c->in, memory + used, length - used);
}

static void read_stream(struct connection *c) {
    size_t kept = c->state == READY ? c->in.length : 0;
    if (kept > CHUNK) fail("a message of more than %d bytes came", CHUNK);
    if (kept > 0) memcpy(memory, c->in.at, kept);
    ssize_t length = recv(c->fd, memory + kept, CHUNK, 0);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) {
        close_connection(c);
        return;
    }
    bytes_received += (uint64_t)length;
    if (c->state == UPGRADING) {
        hear_upgrade(c, memory, (size_t)length);
        return;
    }
    long left = length;
    if (options.websocket) left = websocket_unwrap(&c->frames, memory + kept, (size_t)length);
    if (left < 0) close_connection(c);
    else if (c->state == GREETING) hear(c, memory, (size_t)left);
    else if (is_discarding || c->is_bystander) c->in.length = 0;
    else read_load(c, kept, (size_t)left);
}

static void read_datagrams(struct connection *c) {
    for (;;) {
        ssize_t length = recv(c->udp_fd, memory, CHUNK, 0);
        if (length < 0) return;
        bytes_received += (uint64_t)length;
        if (!c->is_bound || is_discarding) hear_datagram(c, memory, (size_t)length);
        else relay_datagram(c, memory, (size_t)length);
    }
}

void poll_sockets(uint64_t wait) {
    static struct epoll_event events[1024];
    // An epoll is itself a file that can be waited for, and ppoll() counts in nanoseconds.
    struct pollfd any = {.fd = epoll_fd, .events = POLLIN};
    struct timespec time = {(time_t)(wait / SECOND), (long)(wait % SECOND)};
    if (wait > 0) ppoll(&any, 1, &time, NULL);
    int count = epoll_wait(epoll_fd, events, 1024, 0);
    received_at = now();
    for (int i = 0; i < count; i++) {
        struct connection *c = &connections[events[i].data.u64 >> 1];
        if (c->state == CLOSED) continue;
        if (events[i].data.u64 & 1) {
            read_datagrams(c);
            continue;
        }
        if (c->state == CONNECTING) {
            connected(c);
            continue;
        }
        if (events[i].events & EPOLLOUT) flush_bytes(c);
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_stream(c);
    }
}
