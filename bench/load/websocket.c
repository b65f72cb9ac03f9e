// WebSocket frames of a client (RFC 6455). To the rest of the load generator a WebSocket is a stream of bytes: a server
// may put one message or many into a frame.
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <string.h>

// Not zero: servers skip the work of unmasking then, which no browser lets them.
static const unsigned char MASK[4] = {0x5b, 0xa1, 0x07, 0xe4};

void websocket_request(struct bytes *to, const char *path, int port) {
    char head[512];
    int length = snprintf(head, sizeof head,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: d2lyZXlhcmQgYmVuY2ggMQ==\r\n\r\n",
                          path, port);
    if (length >= (int)sizeof head) fail("ws=%s is too long", path);
    bytes_add(to, head, (size_t)length);
}

void websocket_wrap(struct bytes *to, const char *from, size_t length) {
    if (length > 65535) fail("a message of %zu bytes is too long for one frame", length);
    unsigned char head[8] = {options.has_text_frames ? 0x81 : 0x82}; // one whole message
    size_t used = 2;
    head[1] = (unsigned char)(0x80 | (length < 126 ? length : 126));
    if (length >= 126) {
        head[2] = (unsigned char)(length >> 8);
        head[3] = (unsigned char)length;
        used = 4;
    }
    memcpy(head + used, MASK, sizeof MASK);
    bytes_add(to, head, used + sizeof MASK);
    char *masked = bytes_reserve(to, length);
    for (size_t i = 0; i < length; i++) masked[i] = (char)(from[i] ^ MASK[i & 3]);
    to->length += length;
}

static int head_size(const unsigned char *head, int known) {
    if (known < 2) return 2;
    int length = head[1] & 127;
    return length == 127 ? 10 : length == 126 ? 4 : 2;
}

static uint64_t payload_length(const unsigned char *head) {
    int first = head[1] & 127, more = first == 127 ? 8 : first == 126 ? 2 : 0;
    uint64_t length = more ? 0 : (uint64_t)first;
    for (int i = 0; i < more; i++) length = length << 8 | head[2 + i];
    return length;
}

long websocket_unwrap(struct websocket *socket, char *at, size_t length) {
    char *to = at;
    const char *end = at + length;
    for (const char *from = at; from < end;) {
        if (socket->left > 0) {
            size_t part = (size_t)(end - from) < socket->left ? (size_t)(end - from) : socket->left;
            // Pings and pongs carry nothing of the stream.
            if ((socket->head[0] & 15) < 8) {
                memmove(to, from, part);
                to += part;
            }
            from += part;
            socket->left -= part;
            continue;
        }
        int wanted = head_size(socket->head, socket->head_length);
        if (socket->head_length < wanted) socket->head[socket->head_length++] = (unsigned char)*from++;
        if (socket->head_length < 2 || socket->head_length < head_size(socket->head, socket->head_length)) continue;
        if ((socket->head[0] & 15) == 8) return -1;
        socket->left = payload_length(socket->head);
        socket->head_length = 0;
    }
    return to - at;
}
