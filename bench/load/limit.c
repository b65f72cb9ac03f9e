// The yardstick: the least work that a server of one thread can do for these protocols. It checks nothing, limits nothing
// and never waits for a reader, so it is no server to use; it is what a server can be compared with on any machine.
//
//   limit     takes free ports and prints one line: limit ready {"pid":...,"colon":...,"udp":...,"comma":...,"varint":...}
//
//   colon     0:name:password   2:room:password   3:way:message; datagrams 0:id and 3:way:message
//   comma     req,ID,... answered with req,ID
//   varint    handshake, status request, ping answered with the same bytes
//
// A message is encoded once, into the log of its room; once a tick the log goes to every member with one send().
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_ID 1000000000 // ids of ten digits, as long as a server's that are drawn at random
#define MAX_CLIENTS 65536
#define ROOM_LISTS 16384
#define READ_BYTES 65536
#define DATAGRAMS 64
#define DATAGRAM_BYTES 2048
#define SENT_AT_ONCE 1024

enum wire { COLON, COMMA, VARINT, WIRES };

struct bytes {
    char *at;
    size_t length, capacity;
};

struct client {
    int fd, number, place, head_length;
    enum wire wire;
    char head[16];          // how its messages begin when they are delivered
    struct room *room;
    int first_own, last_own; // messages in the room's log that it gets no copy of; -1: none
    bool is_queued, waits_to_write, has_shaken_hands, has_datagrams;
    struct sockaddr_in address;
    struct bytes unread, unsent;
};

// Where in the log a message stands that its sender gets no copy of, and which is the sender's next.
struct own {
    size_t from, to;
    int next;
};

struct room {
    struct room *next;
    struct client **members;
    int count, capacity;
    struct bytes log;
    struct own *own;
    int own_count, own_capacity;
    bool is_queued;
    size_t name_length;
    char name[];
};

static struct client *clients[MAX_CLIENTS], *by_port[65536], *queued[MAX_CLIENTS];
static struct room *room_lists[ROOM_LISTS], *queued_rooms[MAX_CLIENTS];
static int listeners[WIRES], epoll_fd, datagrams_fd, last_number, queued_count, queued_room_count;
static char input[READ_BYTES];

static void *need(void *memory) {
    if (memory) return memory;
    fputs("limit: out of memory\n", stderr);
    exit(1);
}

static void append(struct bytes *to, const void *from, size_t length) {
    if (to->length + length > to->capacity) {
        if (!to->capacity) to->capacity = 256;
        while (to->capacity < to->length + length) to->capacity *= 2;
        to->at = need(realloc(to->at, to->capacity));
    }
    memcpy(to->at + to->length, from, length);
    to->length += length;
}

// ---- sending

static void wait_to_write(struct client *c, bool waits) {
    if (c->waits_to_write == waits) return;
    c->waits_to_write = waits;
    struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

// What the kernel does not take is kept.
static void send_now(struct client *c, const char *from, size_t length) {
    ssize_t sent = send(c->fd, from, length, MSG_NOSIGNAL);
    if (sent < 0) sent = 0;
    if ((size_t)sent == length) return;
    append(&c->unsent, from + sent, length - (size_t)sent);
    wait_to_write(c, true);
}

static void send_unsent(struct client *c) {
    ssize_t sent = send(c->fd, c->unsent.at, c->unsent.length, MSG_NOSIGNAL);
    if (sent > 0) {
        c->unsent.length -= (size_t)sent;
        memmove(c->unsent.at, c->unsent.at + sent, c->unsent.length);
    }
    wait_to_write(c, c->unsent.length > 0);
}

static void queue(struct client *c) {
    if (c->is_queued) return;
    c->is_queued = true;
    queued[queued_count++] = c;
}

static void tell(struct client *c, const char *format, int number) {
    char text[64];
    append(&c->unsent, text, (size_t)snprintf(text, sizeof text, format, FIRST_ID + number));
    queue(c);
}

static void send_log(struct room *room, struct client *c) {
    static struct bytes rest; // the log without the member's own messages
    const char *from = room->log.at;
    size_t length = room->log.length;
    if (c->first_own >= 0) {
        size_t at = 0;
        rest.length = 0;
        for (int i = c->first_own; i >= 0; i = room->own[i].next) {
            append(&rest, room->log.at + at, room->own[i].from - at);
            at = room->own[i].to;
        }
        append(&rest, room->log.at + at, room->log.length - at);
        c->first_own = -1;
        from = rest.at;
        length = rest.length;
    }
    if (length == 0) return;
    if (c->unsent.length == 0) {
        send_now(c, from, length);
    } else {
        append(&c->unsent, from, length);
        if (!c->waits_to_write) send_unsent(c);
    }
}

static void flush_room(struct room *room) {
    if (room->log.length == 0) return;
    for (int i = 0; i < room->count; i++) send_log(room, room->members[i]);
    room->log.length = 0;
    room->own_count = 0;
}

static void flush_all(void) {
    for (int i = 0; i < queued_room_count; i++) {
        queued_rooms[i]->is_queued = false;
        flush_room(queued_rooms[i]);
    }
    queued_room_count = 0;
    for (int i = 0; i < queued_count; i++) {
        queued[i]->is_queued = false;
        if (queued[i]->unsent.length > 0 && !queued[i]->waits_to_write) send_unsent(queued[i]);
    }
    queued_count = 0;
}

// ---- rooms

static struct room *room_named(const char *name, size_t length) {
    uint32_t hash = 5381;
    for (size_t i = 0; i < length; i++) hash = hash * 33 + (unsigned char)name[i];
    struct room **at = &room_lists[hash % ROOM_LISTS];
    for (; *at; at = &(*at)->next) {
        if ((*at)->name_length == length && !memcmp((*at)->name, name, length)) return *at;
    }
    *at = need(calloc(1, sizeof **at + length));
    (*at)->name_length = length;
    memcpy((*at)->name, name, length);
    return *at;
}

static void leave(struct client *c) {
    struct room *room = c->room;
    if (!room) return;
    flush_room(room);
    struct client *last = room->members[--room->count];
    room->members[c->place] = last;
    last->place = c->place;
    c->room = NULL;
    for (int i = 0; i < room->count; i++) tell(room->members[i], "2:%d:\n", c->number);
}

static void join(struct client *c, const char *name, size_t length) {
    leave(c);
    struct room *room = c->room = room_named(name, length);
    flush_room(room);
    if (room->count == room->capacity) {
        room->capacity = room->capacity ? room->capacity * 2 : 4;
        room->members = need(realloc(room->members, sizeof *room->members * (size_t)room->capacity));
    }
    c->place = room->count++;
    room->members[c->place] = c;
    char format[300];
    snprintf(format, sizeof format, "2:%%d:%.*s\n", length < 250 ? (int)length : 250, name);
    tell(c, format, c->number);
    for (int i = 0; i < c->place; i++) {
        tell(room->members[i], format, c->number);
        tell(c, format, room->members[i]->number);
    }
    tell(c, "4:%d\n", room->members[0]->number);
}

static void relay(struct client *c, const char *message, size_t length, bool to_all) {
    struct room *room = c->room;
    if (!room) return;
    size_t from = room->log.length;
    append(&room->log, c->head, (size_t)c->head_length);
    append(&room->log, message, length);
    if (!to_all) {
        if (room->own_count == room->own_capacity) {
            room->own_capacity = room->own_capacity ? room->own_capacity * 2 : 16;
            room->own = need(realloc(room->own, sizeof *room->own * (size_t)room->own_capacity));
        }
        int own = room->own_count++;
        room->own[own] = (struct own){from, room->log.length, -1};
        if (c->first_own < 0) c->first_own = own;
        else room->own[c->last_own].next = own;
        c->last_own = own;
    }
    if (room->is_queued) return;
    room->is_queued = true;
    queued_rooms[queued_room_count++] = room;
}

// ---- the three wire forms. Each returns how many bytes it has used.

static void take_line(struct client *c, const char *at, size_t length) { // with its end of line
    if (at[0] == '3' && length > 4) {
        relay(c, at + 4, length - 4, (at[2] & 1) == 1);
    } else if (at[0] == '2' && length > 3) {
        const char *name = at + 2, *colon = memchr(name, ':', length - 3);
        join(c, name, colon ? (size_t)(colon - name) : length - 3);
    } else if (at[0] == '0') {
        tell(c, "0:%d\n", c->number);
    }
}

static size_t take_lines(struct client *c, const char *at, size_t length) {
    const char *start = at, *end = at + length, *stop;
    while ((stop = memchr(at, '\n', (size_t)(end - at)))) {
        take_line(c, at, (size_t)(stop + 1 - at));
        at = stop + 1;
    }
    return (size_t)(at - start);
}

static size_t take_commands(struct client *c, const char *at, size_t length) {
    size_t used = 0;
    uint32_t size;
    for (; length - used >= 5; used += 5 + size) {
        memcpy(&size, at + used, 4);
        size = ntohl(size);
        if (length - used - 5 < size) break;
        const char *text = at + used + 5;
        const char *comma = size > 4 ? memchr(text + 4, ',', size - 4) : NULL;
        uint32_t reply = comma ? (uint32_t)(comma - text) : size, head = htonl(reply);
        append(&c->unsent, &head, 4);
        append(&c->unsent, text - 1, 1 + reply);
    }
    if (used > 0) queue(c);
    return used;
}

static size_t take_packets(struct client *c, const char *at, size_t length) {
    static const char status[] = "\x13\x00\x11{\"version\":\"..\"}"; // nobody reads it
    size_t used = 0;
    for (;;) {
        size_t size = 0, body = used;
        for (int shift = 0;; shift += 7) {
            if (body == length) return used;
            unsigned char byte = (unsigned char)at[body++];
            size |= (size_t)(byte & 127) << shift;
            if (byte < 128) break;
        }
        if (length - body < size) return used;
        if (!c->has_shaken_hands) c->has_shaken_hands = true;
        else if (at[body] == 1) append(&c->unsent, at + used, body - used + size);
        else append(&c->unsent, status, sizeof status - 1);
        used = body + size;
        queue(c);
    }
}

static size_t take(struct client *c, const char *at, size_t length) {
    return c->wire == COLON ? take_lines(c, at, length)
           : c->wire == COMMA ? take_commands(c, at, length) : take_packets(c, at, length);
}

// ---- connections

static void forget(struct client *c) {
    leave(c);
    flush_all(); // nothing may point to it afterwards
    clients[c->number] = NULL;
    if (c->has_datagrams) by_port[ntohs(c->address.sin_port)] = NULL;
    close(c->fd);
    free(c->unread.at);
    free(c->unsent.at);
    free(c);
}

static void read_client(struct client *c) {
    ssize_t got = recv(c->fd, input, sizeof input, 0);
    if (got <= 0) {
        forget(c);
        return;
    }
    size_t length = (size_t)got;
    if (c->unread.length == 0) {
        size_t used = take(c, input, length);
        if (used < length) append(&c->unread, input + used, length - used);
        return;
    }
    append(&c->unread, input, length);
    size_t used = take(c, c->unread.at, c->unread.length);
    c->unread.length -= used;
    memmove(c->unread.at, c->unread.at + used, c->unread.length);
}

static void accept_clients(enum wire wire) {
    int fd, yes = 1;
    while ((fd = accept4(listeners[wire], NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        do last_number = (last_number + 1) % MAX_CLIENTS;
        while (clients[last_number]); // there are fewer descriptors than numbers
        struct client *c = clients[last_number] = need(calloc(1, sizeof *c));
        c->fd = fd;
        c->wire = wire;
        c->number = last_number;
        c->first_own = -1;
        c->head_length = snprintf(c->head, sizeof c->head, "3:%d:", FIRST_ID + c->number);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

// ---- datagrams: read and sent many at once

static struct mmsghdr outgoing[SENT_AT_ONCE];
static unsigned outgoing_count;

static void send_datagrams(void) {
    if (outgoing_count > 0) sendmmsg(datagrams_fd, outgoing, outgoing_count, MSG_DONTWAIT);
    outgoing_count = 0;
}

static void send_datagram(struct sockaddr_in *to, struct iovec *parts, size_t count) {
    struct msghdr message = {.msg_name = to, .msg_namelen = sizeof *to, .msg_iov = parts, .msg_iovlen = count};
    outgoing[outgoing_count++].msg_hdr = message;
    if (outgoing_count == SENT_AT_ONCE) send_datagrams();
}

static void bind_datagrams(char *at, size_t length, const struct sockaddr_in *from) {
    at[length < DATAGRAM_BYTES ? length : DATAGRAM_BYTES - 1] = 0;
    int number = atoi(at + 2) - FIRST_ID;
    struct client *c = number >= 0 && number < MAX_CLIENTS ? clients[number] : NULL;
    if (!c) return;
    c->has_datagrams = true;
    c->address = *from;
    by_port[ntohs(from->sin_port)] = c;
    char reply[64];
    int size = snprintf(reply, sizeof reply, "0:%d:connected", FIRST_ID + number);
    sendto(datagrams_fd, reply, (size_t)size, MSG_DONTWAIT, (const struct sockaddr *)from, sizeof *from);
}

static void read_datagrams(void) {
    static char space[DATAGRAMS][DATAGRAM_BYTES];
    static struct sockaddr_in from[DATAGRAMS];
    static struct mmsghdr incoming[DATAGRAMS];
    static struct iovec into[DATAGRAMS], parts[DATAGRAMS][2];
    for (int i = 0; i < DATAGRAMS; i++) {
        into[i] = (struct iovec){space[i], DATAGRAM_BYTES};
        incoming[i].msg_hdr = (struct msghdr){
            .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &into[i], .msg_iovlen = 1};
    }
    int count = recvmmsg(datagrams_fd, incoming, DATAGRAMS, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        size_t length = incoming[i].msg_len;
        if (length > 2 && space[i][0] == '0') bind_datagrams(space[i], length, &from[i]);
        struct client *c = by_port[ntohs(from[i].sin_port)];
        if (length < 5 || space[i][0] != '3' || !c || !c->room) continue;
        parts[i][0] = (struct iovec){c->head, (size_t)c->head_length};
        parts[i][1] = (struct iovec){space[i] + 4, length - 4};
        for (int m = 0; m < c->room->count; m++) {
            struct client *member = c->room->members[m];
            if (member->has_datagrams && (member != c || (space[i][2] & 1))) send_datagram(&member->address, parts[i], 2);
        }
    }
    send_datagrams();
}

// ---- start

static int open_socket(int type, int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    if (bind(fd, (struct sockaddr *)&address, size) || (type == SOCK_STREAM && listen(fd, 4096)) ||
        getsockname(fd, (struct sockaddr *)&address, &size)) {
        perror("limit: port");
        exit(1);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static void watch(int fd, void *data) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

int main(void) {
    int ports[WIRES], datagram_port, big = 8 << 20;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    epoll_fd = epoll_create1(0);
    for (int wire = 0; wire < WIRES; wire++) {
        listeners[wire] = open_socket(SOCK_STREAM, &ports[wire]);
        watch(listeners[wire], &listeners[wire]);
    }
    datagrams_fd = open_socket(SOCK_DGRAM, &datagram_port);
    setsockopt(datagrams_fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
    setsockopt(datagrams_fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
    watch(datagrams_fd, &datagrams_fd);
    printf("limit ready {\"pid\":%d,\"colon\":%d,\"udp\":%d,\"comma\":%d,\"varint\":%d}\n", getpid(), ports[COLON],
           datagram_port, ports[COMMA], ports[VARINT]);
    fflush(stdout);
    for (;;) {
        static struct epoll_event events[1024];
        int count = epoll_wait(epoll_fd, events, 1024, -1);
        for (int i = 0; i < count; i++) {
            int *listener = events[i].data.ptr;
            if (listener == &datagrams_fd) {
                read_datagrams();
            } else if (listener >= listeners && listener < listeners + WIRES) {
                accept_clients((enum wire)(listener - listeners));
            } else {
                struct client *c = events[i].data.ptr;
                if (events[i].events & EPOLLOUT) send_unsent(c);
                if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_client(c);
            }
        }
        flush_all();
    }
}
