// Times in microseconds: one by one up to a second, by the millisecond up to 120 s.
#pragma once
#include <stdint.h>

enum { FINE = 1000000, COARSE = 120001 };
typedef struct { uint32_t fine[FINE], coarse[COARSE]; uint64_t count, max; } histogram;

static inline void histogram_add(histogram *h, uint64_t us) {
  h->count++;
  if (us > h->max) h->max = us;
  if (us < FINE) h->fine[us]++;
  else h->coarse[us / 1000 < COARSE ? us / 1000 : COARSE - 1]++;
}
/** In ms; -1 if there is none. */
static inline double histogram_quantile(const histogram *h, double q) {
  uint64_t wanted = q * h->count, sum = 0;
  if (!h->count) return -1;
  for (int i = 0; i < FINE; i++) if ((sum += h->fine[i]) > wanted) return i / 1e3;
  for (int i = 0; i < COARSE; i++) if ((sum += h->coarse[i]) > wanted) return i;
  return h->max / 1e3;
}
/** How many there are from one time to another, less than a second. */
static inline uint64_t histogram_between(const histogram *h, double from_ms, double to_ms) {
  uint64_t sum = 0;
  for (int i = from_ms * 1000; i < to_ms * 1000; i++) sum += h->fine[i];
  return sum;
}
