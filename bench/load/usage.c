// What the server has used, from /proc; and a histogram of latencies.
#define _GNU_SOURCE
#include "load.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// CPU time of all threads in nanoseconds, where the kernel keeps it: ticks of 10 ms are coarse for short runs.
static double fine_cpu_seconds(int pid) {
    char path[300];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *threads = opendir(path);
    if (!threads) return -1;
    double seconds = 0;
    for (struct dirent *entry; (entry = readdir(threads));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.200s/schedstat", pid, entry->d_name);
        FILE *file = fopen(path, "r");
        unsigned long long on_cpu;
        if (!file) continue;
        if (fscanf(file, "%llu", &on_cpu) == 1) seconds += (double)on_cpu / 1e9;
        fclose(file);
    }
    closedir(threads);
    return seconds;
}

static void read_ticks(int pid, struct usage *usage) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return;
    // The name before the last parenthesis may hold anything.
    char *fields = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    unsigned long user, system;
    const char *format = ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu";
    if (fields && sscanf(fields, format, &user, &system) == 2) {
        double ticks = (double)sysconf(_SC_CLK_TCK);
        usage->server_user += (double)user / ticks;
        usage->server_system += (double)system / ticks;
    }
    fclose(file);
}

// @returns the CPU time of one process; its ticks are added to `usage`
static double cpu_seconds(int pid, struct usage *usage) {
    double ticks_before = usage->server_user + usage->server_system;
    read_ticks(pid, usage);
    double fine = fine_cpu_seconds(pid);
    return fine > 0 ? fine : usage->server_user + usage->server_system - ticks_before;
}

// Memory that the process has written and shares with nobody. Resident size would count the program's own file pages,
// which the kernel drops and loads again as it likes.
static long private_kib(int pid) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    long kib = 0;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "Private_Dirty: %ld", &kib) == 1) break;
    }
    fclose(file);
    return kib;
}

static void read_machine(struct usage *usage) {
    FILE *file = fopen("/proc/stat", "r");
    if (!file) return;
    double t[8]; // user nice system idle iowait irq softirq steal
    if (fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", t, t + 1, t + 2, t + 3, t + 4, t + 5, t + 6, t + 7) == 8) {
        double ticks = (double)sysconf(_SC_CLK_TCK);
        usage->machine = (t[0] + t[1] + t[2] + t[5] + t[6]) / ticks;
        usage->stolen = t[7] / ticks;
    }
    fclose(file);
}

struct usage usage_now(void) {
    struct usage usage = {0};
    for (int i = 0; i < options.pid_count; i++) {
        usage.server += cpu_seconds(options.pids[i], &usage);
        // Slow for a large process, and of interest only here.
        if (options.mode == IDLE) usage.private_kib += private_kib(options.pids[i]);
    }
    struct usage engine = {0};
    if (options.engine_pid) usage.engine = cpu_seconds(options.engine_pid, &engine);
    read_machine(&usage);
    struct rusage self;
    getrusage(RUSAGE_SELF, &self);
    usage.load = (double)(self.ru_utime.tv_sec + self.ru_stime.tv_sec) +
                 (double)(self.ru_utime.tv_usec + self.ru_stime.tv_usec) / 1e6;
    return usage;
}

// ---- latencies: 16 classes for each power of two, so each is known within 6 %

#define CLASSES 16

static uint64_t counts[64 * CLASSES], total;

static unsigned class_of(uint64_t value) {
    if (value < CLASSES) return (unsigned)value;
    unsigned power = 63u - (unsigned)__builtin_clzll(value);
    return (power - 3) * CLASSES + (unsigned)((value >> (power - 4)) & (CLASSES - 1));
}

static double middle_of(unsigned class) {
    if (class < CLASSES) return class;
    unsigned power = class / CLASSES + 3;
    return ((double)(CLASSES + class % CLASSES) + 0.5) * (double)(1ull << (power - 4));
}

void histogram_reset(void) {
    memset(counts, 0, sizeof counts);
    total = 0;
}

void histogram_add(uint64_t nanoseconds) {
    counts[class_of(nanoseconds)]++;
    total++;
}

uint64_t histogram_count(void) { return total; }

double histogram_quantile(double quantile) {
    double wanted = quantile * (double)total;
    uint64_t seen = 0;
    for (unsigned class = 0; class < 64 * CLASSES; class++) {
        seen += counts[class];
        if (counts[class] && (double)seen >= wanted) return middle_of(class) / 1e3;
    }
    return 0;
}
