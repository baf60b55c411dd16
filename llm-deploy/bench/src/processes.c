#define _GNU_SOURCE
#include "processes.h"
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PROCESSES = 8192 };
static struct { long pid, parent; } all[MAX_PROCESSES];

static FILE *open_of(long pid, const char *name, const char *mode) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
  return fopen(path, mode);
}
static int read_all(void) {
  DIR *folder = opendir("/proc");
  int n = 0;
  for (struct dirent *entry; (entry = readdir(folder)) && n < MAX_PROCESSES;) {
    FILE *stat = isdigit(*entry->d_name) ? open_of(atol(entry->d_name), "stat", "r") : NULL;
    if (!stat) continue;
    char line[1024] = "";
    // The name in brackets may have any character.
    char *rest = fgets(line, sizeof line, stat) ? strrchr(line, ')') : NULL;
    fclose(stat);
    if (rest && sscanf(rest, ") %*c %ld", &all[n].parent) == 1) all[n++].pid = atol(line);
  }
  closedir(folder);
  return n;
}
static void add_value(FILE *file, const char *pattern, long *sum) {
  char line[256];
  if (!file) return;
  rewind(file);
  for (long value; fgets(line, sizeof line, file);) if (sscanf(line, pattern, &value) == 1) { *sum += value; return; }
}
static void add_cpu(long pid, usage *sum) {
  clockid_t clock;
  struct timespec t;
  if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t)) return;
  sum->cpu_ms += t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}
static void add_memory(long pid, usage *sum) {
  FILE *status = open_of(pid, "status", "r"), *rollup = open_of(pid, "smaps_rollup", "r");
  add_value(status, "VmHWM: %ld", &sum->peak_kb);
  add_value(status, "VmRSS: %ld", &sum->rss_kb);
  add_value(rollup, "Pss: %ld", &sum->pss_kb);
  if (status) fclose(status);
  if (rollup) fclose(rollup);
}
static void reset_peak(long pid, usage *sum) {
  (void)sum;
  FILE *file = open_of(pid, "clear_refs", "w");
  if (file) { fputs("5", file); fclose(file); }
}
// Parents come before their children in the list of those that were found.
static void each_of(long root, void (*action)(long, usage *), usage *sum) {
  static long found[MAX_PROCESSES];
  int processes = read_all(), n = 0;
  if (root) found[n++] = root;
  for (int i = 0; i < n; i++) {
    action(found[i], sum);
    for (int k = 0; k < processes; k++) if (all[k].parent == found[i]) found[n++] = all[k].pid;
  }
}

usage cpu_of(long pid) {
  usage sum = {0};
  each_of(pid, add_cpu, &sum);
  return sum;
}
usage usage_of(long pid) {
  usage sum = cpu_of(pid);
  each_of(pid, add_memory, &sum);
  return sum;
}
void forget_peaks(long pid) { each_of(pid, reset_peak, NULL); }

double machine_cpu_ms(double *stolen_ms) {
  enum { USER, NICE, SYSTEM, IDLE, WAIT, IRQ, SOFT, STOLEN, FIELDS };
  unsigned long ticks[FIELDS] = {0};
  FILE *file = fopen("/proc/stat", "r");
  if (file && fscanf(file, "cpu") == 0) for (int i = 0; i < FIELDS && fscanf(file, "%lu", &ticks[i]) == 1; i++) {}
  if (file) fclose(file);
  double ms = 1e3 / sysconf(_SC_CLK_TCK);
  *stolen_ms = ticks[STOLEN] * ms;
  return (ticks[USER] + ticks[NICE] + ticks[SYSTEM] + ticks[IRQ] + ticks[SOFT]) * ms;
}
