// What is to be done: arguments of the form name=value. `say` and `hear` may come again and again, in order;
// `port` and `pid` once for each node of a server that has several.
#include "load.h"

#include <stdlib.h>
#include <string.h>

struct options options = {
    .rooms = 1, .members = 10, .window = 16, .size = 64, .bystander_steps = 1,
    .connections = 50, .depth = 1, .seconds = 1, .warm = 0.3, .quiet = 0.2,
};

enum kind { NUMBER, REAL, FLAG, TEXT };

static const struct {
    const char *name;
    enum kind kind;
    void *at;
} NAMES[] = {
    {"udp-port", NUMBER, &options.udp_port},
    {"engine-pid", NUMBER, &options.engine_pid}, // of what the nodes share; its CPU time is told apart
    {"seconds", REAL, &options.seconds},         // measured
    {"warm", REAL, &options.warm},               // before that, under the same load
    {"quiet", REAL, &options.quiet},             // nothing may come for so long before the load begins
    {"spin", FLAG, &options.spin},               // never sleep: for latencies, with a core of our own
    {"ws", TEXT, &options.websocket},            // path: everything goes through WebSocket frames
    {"ws-text", FLAG, &options.has_text_frames}, // of text instead of binary
    {"rooms", NUMBER, &options.rooms},
    {"members", NUMBER, &options.members},
    {"senders", NUMBER, &options.senders},       // how many members of each room send, in turn; default: at most 8
    {"window", NUMBER, &options.window},         // messages in flight in each room
    {"rate", REAL, &options.rate},               // messages a second, in place of a window
    {"size", NUMBER, &options.size},             // of the payload
    {"others", FLAG, &options.others},           // a sender gets no copy
    {"ordered", FLAG, &options.ordered},         // all members must get all messages in the same order
    {"together", FLAG, &options.together},       // all members of a room are on one node
    {"message", TEXT, &options.message},
    {"delivery", TEXT, &options.delivery},       // what becomes of a message; {id} is its sender's
    {"bystanders", NUMBER, &options.bystanders}, // further connections that only wait
    {"bystander-steps", NUMBER, &options.bystander_steps},
    {"udp-say", TEXT, &options.udp_say},         // binds a datagram socket; messages then go by datagram
    {"udp-hear", TEXT, &options.udp_hear},
    {"connections", NUMBER, &options.connections},
    {"depth", NUMBER, &options.depth},           // requests in flight on each connection
    {"request", TEXT, &options.request},
    {"reply", TEXT, &options.reply},             // exact, of the same length every time; or
    {"reply-has", TEXT, &options.reply_has},     // contained in a reply that ends with `reply-end`
};

static void set(enum kind kind, void *at, const char *value) {
    if (kind == TEXT) *(const char **)at = value;
    else if (kind == REAL) *(double *)at = atof(value);
    else if (kind == FLAG) *(bool *)at = atoi(value) != 0;
    else *(int *)at = atoi(value);
}

static bool set_named(const char *name, size_t length, const char *value) {
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strlen(NAMES[i].name) != length || strncmp(NAMES[i].name, name, length)) continue;
        set(NAMES[i].kind, NAMES[i].at, value);
        return true;
    }
    return false;
}

static void add_number(int *numbers, int *count, const char *name, const char *value) {
    if (*count == MAX_NODES) fail("more than %d times %s=", MAX_NODES, name);
    numbers[(*count)++] = atoi(value);
}

static enum mode mode_of(const char *name) {
    if (!strcmp(name, "relay")) return RELAY;
    if (!strcmp(name, "ask")) return ASK;
    if (!strcmp(name, "idle")) return IDLE;
    fail("mode=%s: it must be relay, ask or idle", name);
}

static void read_option(const char *argument) {
    const char *equals = strchr(argument, '=');
    if (!equals) fail("%s: arguments are name=value", argument);
    size_t length = (size_t)(equals - argument);
    const char *value = equals + 1;
    if (!strncmp(argument, "mode=", 5)) {
        options.mode = mode_of(value);
    } else if (!strncmp(argument, "port=", 5)) {
        add_number(options.ports, &options.port_count, "port", value);
    } else if (!strncmp(argument, "pid=", 4)) { // of the server whose CPU time is read
        add_number(options.pids, &options.pid_count, "pid", value);
    } else if (!strncmp(argument, "say=", 4)) {
        if (options.step_count == MAX_STEPS) fail("more than %d times say=", MAX_STEPS);
        options.steps[options.step_count++].say = value;
    } else if (!strncmp(argument, "hear=", 5)) {
        // A server that speaks first is heard before anything is said.
        if (options.step_count == 0) options.steps[options.step_count++].say = "";
        options.steps[options.step_count - 1].hear = value;
    } else if (!strncmp(argument, "ignore=", 7)) {
        if (options.ignored_count == MAX_IGNORED) fail("more than %d times ignore=", MAX_IGNORED);
        options.ignored[options.ignored_count++] = plain_text(value);
    } else if (!strncmp(argument, "reply-end=", 10)) {
        options.reply_end = plain_text(value);
    } else if (!set_named(argument, length, value)) {
        fail("%.*s: no such option", (int)length, argument);
    }
}

void read_options(int count, char **arguments) {
    for (int i = 0; i < count; i++) read_option(arguments[i]);
    struct options *o = &options;
    if (!o->port_count || !o->ports[0]) fail("port= is needed");
    if (o->udp_say && o->port_count > 1) fail("datagrams go to one node: one port=");
    if (o->mode == RELAY) {
        if (!o->message || !o->delivery) fail("relay needs message= and delivery=");
        if (o->members < 2 || o->rooms < 1 || o->window < 1) fail("relay needs rooms, two members, a window");
        if (!o->senders) o->senders = 8;
        if (o->senders > o->members) o->senders = o->members;
        if (o->senders > MAX_SENDERS) fail("at most %d senders in a room", MAX_SENDERS);
    }
    if (o->mode == ASK) {
        if (!o->request) fail("ask needs request=");
        if (!o->reply && !(o->reply_has && o->reply_end.length)) fail("ask needs reply=, or reply-end= and reply-has=");
        if (o->depth < 1) fail("depth must be 1 or more");
    }
}
