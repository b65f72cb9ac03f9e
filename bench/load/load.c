// A load generator: one thread, one epoll, no dependencies. It knows no protocol. What it says, what it must hear and what
// a message looks like on the wire are templates (see bytes.c) among its arguments (see options.c).
//
//   load mode=relay ...   rooms of members: `window` messages in flight in each, or `rate` messages a second in all
//   load mode=ask ...     requests and replies: `depth` in flight on each connection
//   load mode=idle ...    connections that wait: what they cost the server in memory
//
// It prints one line of JSON. `per_cpu_second` is what to compare: work done for each second of CPU time, user and
// system, that the server's processes used meanwhile. `missing` and `bad` must be 0, else nothing else counts.
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/prctl.h>

#define DRAIN_LIMIT (2 * SECOND)
#define DATAGRAMS_LOST_AFTER (SECOND / 20)
#define LONGEST_WAIT (SECOND / 10)

static struct totals totals(void) {
    return options.mode == RELAY ? relay_totals() : ask_totals();
}

// Polls until `end`. Nothing here sleeps past the time when a message is due.
static void run_until(uint64_t end) {
    bool has_rate = options.mode == RELAY && options.rate > 0;
    uint64_t work = totals().work, progress_at = now();
    for (uint64_t time = now(); time < end; time = now()) {
        uint64_t wait = end - time < LONGEST_WAIT ? end - time : LONGEST_WAIT;
        if (has_rate) {
            uint64_t due = relay_send_due(time);
            if (due < time + wait) wait = due > time ? due - time : 0;
        }
        if (options.udp_say && wait > SECOND / 100) wait = SECOND / 100;
        poll_sockets(options.spin ? 0 : wait);
        if (options.mode == RELAY) relay_after_poll();
        if (!options.udp_say) continue;
        if (totals().work != work || has_rate) {
            work = totals().work;
            progress_at = now();
        } else if (now() - progress_at > DATAGRAMS_LOST_AFTER) {
            relay_stalled();
            progress_at = now();
        }
    }
}

static void drain(void) {
    uint64_t limit = now() + DRAIN_LIMIT;
    bool is_relay = options.mode == RELAY;
    while (!(is_relay ? relay_is_drained() : ask_is_drained()) && now() < limit) {
        poll_sockets(SECOND / 100);
        if (is_relay) relay_after_poll();
    }
}

static void print_result(double seconds, double work, double sent, struct totals end, struct usage a, struct usage b) {
    double server = b.server - a.server, engine = b.engine - a.engine, load = b.load - a.load;
    double others = (b.machine - a.machine) - server - engine - load;
    printf("{\"seconds\":%.3f,\"work\":%.0f,\"work_per_second\":%.0f,\"sent_per_second\":%.0f,", seconds, work,
           work / seconds, sent / seconds);
    printf("\"per_cpu_second\":%.0f,\"server_cpu\":%.4f,\"server_user\":%.2f,\"server_system\":%.2f,",
           server > 0 ? work / server : 0, server, b.server_user - a.server_user, b.server_system - a.server_system);
    printf("\"per_cpu_second_with_engine\":%.0f,\"engine_cpu\":%.4f,",
           server > 0 ? work / (server + engine) : 0, engine);
    printf("\"p50_us\":%.1f,\"p95_us\":%.1f,\"p99_us\":%.1f,\"latencies\":%llu,", histogram_quantile(0.50),
           histogram_quantile(0.95), histogram_quantile(0.99), (unsigned long long)histogram_count());
    printf("\"missing\":%llu,\"bad\":%llu,\"closed\":%d,", (unsigned long long)end.missing,
           (unsigned long long)end.bad, failed_connections);
    printf("\"load_cpu\":%.3f,\"other_cpu\":%.3f,\"stolen\":%.3f}\n", load, others > 0 ? others : 0,
           b.stolen - a.stolen);
}

static void measure(void) {
    if (options.mode == RELAY) relay_make_rooms();
    else make_connections(options.connections);
    open_all();
    if (options.mode == RELAY) relay_begin();
    else ask_begin();
    run_until(now() + (uint64_t)(options.warm * 1e9));

    histogram_reset();
    struct totals before = totals();
    struct usage used_before = usage_now();
    uint64_t start = now();
    run_until(start + (uint64_t)(options.seconds * 1e9));
    double seconds = (double)(now() - start) / 1e9;
    struct usage used_after = usage_now();
    struct totals after = totals(), end = after;

    if (options.mode == RELAY) relay_stop();
    else ask_stop();
    drain();
    if (options.mode == RELAY) relay_verify(&end);
    else ask_verify(&end);
    print_result(seconds, (double)(after.work - before.work), (double)(after.sent - before.sent), end, used_before,
                 used_after);
}

static void measure_idle(void) {
    struct usage before = usage_now();
    make_connections(options.connections);
    uint64_t start = now();
    open_all();
    double seconds = (double)(now() - start) / 1e9;
    uint64_t until = now() + (uint64_t)(options.seconds * 1e9);
    while (now() < until) poll_sockets(SECOND / 10);
    struct usage after = usage_now();
    printf("{\"seconds\":%.3f,\"private_before_kib\":%ld,\"private_kib\":%ld,\"bytes_per_connection\":%.0f,", seconds,
           before.private_kib, after.private_kib,
           (double)(after.private_kib - before.private_kib) * 1024 / options.connections);
    printf("\"server_cpu\":%.4f,\"missing\":0,\"bad\":0,\"closed\":%d}\n", after.server - before.server,
           failed_connections);
}

int main(int count, char **arguments) {
    read_options(count - 1, arguments + 1);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    // The kernel may otherwise wake us 50 us late, to save power.
    prctl(PR_SET_TIMERSLACK, 1);
    if (options.mode == IDLE) measure_idle();
    else measure();
    return 0;
}
