// What processes use, as the system tells.
#pragma once

typedef struct {
  double cpu_ms;  // their CPU clocks: user and system time
  long rss_kb, peak_kb, pss_kb;
} usage;

/** CPU of a process and its descendants. */
usage cpu_of(long pid);
/** And their memory. peak_kb: the highest since forget_peaks, summed up, shared pages in each process. */
usage usage_of(long pid);
void forget_peaks(long pid);
/** CPU that the machine used, in ms, and that others took from this virtual machine. */
double machine_cpu_ms(double *stolen_ms);
