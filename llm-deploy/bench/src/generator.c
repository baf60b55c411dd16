// Load for one server, with every response checked. One thread; talks to 127.0.0.1 only, for at most half an hour.
//   generator --port N --model NAME [--conc 1] (--requests N | --duration S [--warmup S]) [--collected] [--ramp MS]
//             [--max-time S]     then what is not answered is late
//             [--clients N]      so many names take turns in X-Client-Id
//             [--drop-after N | --drop-wait MS] [--linger S]   clients leave after N tokens, or MS after they asked;
//                                how long to wait until the emulator has seen it
//             [--pid P] [--emulator-pid P] [--emulator-port N]   the server's processes; the emulator
// Prints one line of JSON: what happened between begin (or the end of the warm-up) and end, times in ms.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "answer.h"
#include "histogram.h"
#include "processes.h"

typedef struct {
  answer answer;  // first, so that it is also the client
  int fd;
  enum { IDLE, TO_BEGIN, CONNECTING, SENDING, RECEIVING } state;
  bool fresh, writing;  // fresh: a new connection
  uint64_t begin_at, begun, sent, last_token, id;
  size_t offset;  // of the request, what is sent
} client;

static long port, conc = 1, requests, collected, ramp_ms, clients, drop_after, drop_wait = -1, pid, emulator_pid,
  emulator_port;
static double duration, warmup, max_time = 120, linger = 10;
static char *model;
static long tokens = 20;

static client *all;
static int events;
static char request[4096];
static size_t request_length, id_offset, name_offset;
static uint64_t first_id, started, finished, dropped;
static long running, waiting, faults[FAULTS];
static char first_fault[128];
static bool measuring, stopping;
static uint64_t good_responses, responses, tokens_seen;
static histogram ttft, gap, transit, took, abort_seen;
static struct { uint64_t id, us; } *drops;

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

// ---- what is measured
typedef struct { uint64_t at; usage server; double emulator_ms, own_ms, machine_ms, stolen_ms; } snapshot;
static snapshot begin_state, end_state;

static snapshot look(usage (*of)(long)) {
  struct rusage own;
  getrusage(RUSAGE_SELF, &own);
  snapshot s = {.at = now_us(), .server = of(pid), .emulator_ms = cpu_of(emulator_pid).cpu_ms};
  s.own_ms = (own.ru_utime.tv_sec + own.ru_stime.tv_sec) * 1e3 + (own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e3;
  s.machine_ms = machine_cpu_ms(&s.stolen_ms);
  return s;
}
static void begin_measuring(void) {
  forget_peaks(pid);
  begin_state = look(cpu_of);
  measuring = true;
}
static void end_measuring(void) {
  measuring = false;
  end_state = look(usage_of);
}
void on_token(answer *a, uint64_t written, uint64_t now) {
  client *c = (client *)a;
  if (measuring) {
    tokens_seen++;
    if (!a->tokens) histogram_add(&ttft, now - c->begun);
    else if (!collected) histogram_add(&gap, now - c->last_token);
    if (written) histogram_add(&transit, now > written ? now - written : 0);
  }
  c->last_token = now;
}

// ---- clients
static void begin(client *c);
static void disconnect(client *c) {
  if (c->fd >= 0) close(c->fd);
  c->fd = -1;
}
static void count_fault(client *c) {
  if (!c->answer.fault) return;
  faults[c->answer.fault]++;
  if (*first_fault) return;
  snprintf(first_fault, sizeof first_fault, "%s after %ld tokens, status %d", fault_names[c->answer.fault],
    c->answer.tokens, c->answer.status);
}
static bool may_begin(void) { return !stopping && (!requests || started < (uint64_t)requests); }
static void end(client *c) {
  finished++;
  running--;
  count_fault(c);
  bool good = !c->answer.fault;
  if (measuring) responses++;
  if (measuring && good) { good_responses++; histogram_add(&took, now_us() - c->begun); }
  if (!good || !c->answer.keeps) disconnect(c);
  c->state = IDLE;
  if (!may_begin()) return;
  if (good) { begin(c); return; }
  c->state = TO_BEGIN;  // a little later, so that failures make no load
  c->begin_at = now_us() + 20000;
  waiting++;
}
static void fail(client *c, fault why) {
  answer_fail(&c->answer, why);
  c->answer.keeps = false;
  end(c);
}
static void leave(client *c, uint64_t now) {
  drops[dropped].id = c->id;
  drops[dropped++].us = now;
  disconnect(c);
  c->state = IDLE;
  running--;
  finished++;
}
static void watch(client *c, bool writing, int operation) {
  if (operation == EPOLL_CTL_MOD && c->writing == writing) return;
  c->writing = writing;
  struct epoll_event e = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(events, operation, c->fd, &e);
}
static void write_digits(size_t at, int digits, uint64_t value) {
  for (int i = digits - 1; i >= 0; i--, value /= 10) request[at + i] = '0' + value % 10;
}
static void send_request(client *c) {
  write_digits(id_offset, 19, c->id);
  if (clients) write_digits(name_offset, 7, c->id % clients);
  ssize_t n = send(c->fd, request + c->offset, request_length - c->offset, MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) { fail(c, CUT); return; }
  if (n > 0) c->offset += n;
  watch(c, c->offset < request_length, EPOLL_CTL_MOD);
  if (c->offset < request_length) return;
  c->sent = now_us();
  c->state = RECEIVING;
}
static struct sockaddr_in address_of(int a_port) {
  return (struct sockaddr_in){AF_INET, htons(a_port), {htonl(INADDR_LOOPBACK)}, {0}};
}
static void begin(client *c) {
  answer_begin(&c->answer, !collected, tokens);
  c->id = first_id + ++started;
  c->begun = c->last_token = now_us();
  c->offset = c->sent = 0;
  running++;
  c->fresh = c->fd < 0;
  if (!c->fresh) { c->state = SENDING; send_request(c); return; }
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int yes = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  struct sockaddr_in server = address_of(port);
  c->state = CONNECTING;
  if (connect(c->fd, (void *)&server, sizeof server) && errno != EINPROGRESS) fail(c, NOT_CONNECTED);
  else watch(c, true, EPOLL_CTL_ADD);
}
static void begin_again(client *c) {  // as if the request hadn't begun
  disconnect(c);
  started--;
  running--;
  begin(c);
}
static void receive(client *c) {
  static char bytes[1 << 18];
  ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
  uint64_t now = now_us();
  if (n < 0 && errno == EAGAIN) return;
  if (n > 0) {
    if (c->state != RECEIVING) return;
    if (answer_read(&c->answer, bytes, n, now)) end(c);
    else if (drop_after && c->answer.tokens >= drop_after) leave(c, now);
  } else if (c->state == IDLE) disconnect(c);
  // A kept connection that the server closes before it answers had been idle for too long.
  else if (!c->fresh && !c->answer.status && !c->answer.kept_length) begin_again(c);
  else {
    answer_closed(&c->answer, now);
    end(c);
  }
}
static void handle(client *c, uint32_t happened) {
  if (c->fd < 0) return;
  if (c->state == CONNECTING) {
    int error = 0;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
    if (error) { fail(c, NOT_CONNECTED); return; }
    c->state = SENDING;
  }
  if (c->state == SENDING && happened & EPOLLOUT) send_request(c);
  else if (happened & (EPOLLIN | EPOLLERR | EPOLLHUP)) receive(c);
}

// ---- the run
static void begin_those_due(uint64_t now) {
  for (int i = 0; waiting && i < conc; i++) {
    if (all[i].state != TO_BEGIN || all[i].begin_at > now) continue;
    waiting--;
    all[i].state = IDLE;
    if (may_begin()) begin(&all[i]);
  }
}
static void drop_those_due(uint64_t now) {
  for (int i = 0; i < conc; i++) {
    client *c = &all[i];
    if (c->state == RECEIVING && !c->answer.tokens && now - c->sent >= (uint64_t)drop_wait * 1000) leave(c, now);
  }
}
static void be_late(void) {
  for (int i = 0; i < conc; i++) {
    if (all[i].state < CONNECTING) continue;
    answer_fail(&all[i].answer, LATE);
    count_fault(&all[i]);
  }
}
static void run(void) {
  static struct epoll_event happened[1024];
  uint64_t start = now_us(), window = start + warmup * 1e6, close = window + duration * 1e6;
  uint64_t hard = start + max_time * 1e6;
  for (int i = 0; i < conc; i++) {
    all[i] = (client){.fd = -1, .state = TO_BEGIN, .begin_at = start + (uint64_t)ramp_ms * 1000 * i / conc};
  }
  waiting = conc;
  if (!duration) begin_measuring();
  for (;;) {
    uint64_t now = now_us();
    begin_those_due(now);
    if (duration && !begin_state.at && now >= window) begin_measuring();
    if (measuring && duration && now >= close) { end_measuring(); stopping = true; }
    if (drop_wait >= 0) drop_those_due(now);
    if ((stopping && !running) || (requests && finished >= (uint64_t)requests)) break;
    if (now > hard) { be_late(); break; }
    int n = epoll_wait(events, happened, 1024, waiting || drop_wait >= 0 ? 1 : duration ? 10 : 100);
    for (int i = 0; i < n; i++) handle(happened[i].data.ptr, happened[i].events);
  }
  if (!begin_state.at || measuring) end_measuring();
}

// Asks the emulator; the answer is to be freed.
static char *ask_emulator(const char *path) {
  struct sockaddr_in emulator = address_of(emulator_port);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  char head[128], *text = NULL;
  size_t length = 0, capacity = 0;
  int n = sprintf(head, "GET %s HTTP/1.1\r\nHost: emulator\r\nConnection: close\r\n\r\n", path);
  if (connect(fd, (void *)&emulator, sizeof emulator) || send(fd, head, n, 0) != n) { perror("generator"); exit(1); }
  do {
    if (capacity - length < 4096) text = realloc(text, capacity = 2 * capacity + 8192);
    n = recv(fd, text + length, capacity - length - 1, 0);
    length += n > 0 ? n : 0;
  } while (n > 0);
  close(fd);
  text[length] = 0;
  return text;
}
// How many of the clients that left the emulator knows of, and after which time.
static uint64_t find_aborts(void) {
  char *text = ask_emulator("/aborts"), *p = strstr(text, "\r\n\r\n");
  uint64_t seen = 0;
  memset(&abort_seen, 0, sizeof abort_seen);
  for (p = p ? p + 4 : ""; *p; p += strspn(p, "\n")) {
    uint64_t id = strtoull(p, &p, 10), us = strtoull(p, &p, 10);
    for (uint64_t i = 0; i < dropped; i++) {
      if (drops[i].id != id) continue;
      seen++;
      histogram_add(&abort_seen, us > drops[i].us ? us - drops[i].us : 0);
    }
  }
  free(text);
  return seen;
}

// Requests that the emulator still answers.
static long active_requests(void) {
  char *text = ask_emulator("/stats"), *count = strstr(text, "\"active\":");
  long active = count ? atol(count + 9) : -1;
  free(text);
  return active;
}

// ---- options and report
static void read_options(int argc, char **argv) {
  struct { const char *name; long *number; double *seconds; char **text; } known[] = {
    {"--port", &port}, {"--model", .text = &model}, {"--conc", &conc}, {"--requests", &requests},
    {"--duration", .seconds = &duration}, {"--warmup", .seconds = &warmup}, {"--ramp", &ramp_ms},
    {"--max-time", .seconds = &max_time}, {"--clients", &clients}, {"--drop-after", &drop_after},
    {"--drop-wait", &drop_wait}, {"--linger", .seconds = &linger}, {"--pid", &pid},
    {"--emulator-pid", &emulator_pid}, {"--emulator-port", &emulator_port}, {NULL}};
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--collected")) { collected = 1; continue; }
    int k = 0;
    while (known[k].name && strcmp(known[k].name, argv[i])) k++;
    if (!known[k].name || ++i == argc) { fprintf(stderr, "generator: %s (expected: an option)\n", argv[i]); exit(2); }
    if (known[k].number) *known[k].number = atol(argv[i]);
    else if (known[k].seconds) *known[k].seconds = atof(argv[i]);
    else *known[k].text = argv[i];
  }
  if (!port || !model || conc < 1 || conc > 8000 || max_time > 1800 || clients > 10000000) {
    fputs("generator: needs --port, --model, --conc to 8000, --max-time to 1800, --clients to 10000000\n", stderr);
    exit(2);
  }
  if (!requests && !duration) requests = conc;
  char *count = strstr(model, "-t");
  if (count) tokens = atol(count + 2);
}
static void write_request(void) {
  char body[2048], prompt[201];
  for (int i = 0; i < 200; i++) prompt[i] = "lorem ipsum dolor sit amet, consectetur. "[i % 41];
  prompt[200] = 0;
  int n = sprintf(body, "{\"model\":\"%s\",\"stream\":%s,\"messages\":["
    "{\"role\":\"system\",\"content\":\"You are a helpful assistant.\"},"
    "{\"role\":\"user\",\"content\":\"[[id=%019d]] %s\"}]}", model, collected ? "false" : "true", 0, prompt);
  request_length = sprintf(request, "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%ld\r\n"
    "Content-Type: application/json\r\nX-Client-Id: client-%07d\r\nContent-Length: %d\r\n\r\n%s", port, 0, n, body);
  id_offset = strstr(request, "[[id=") + 5 - request;
  name_offset = strstr(request, "client-") + 7 - request;
}
static void print_times(const char *name, const histogram *h) {
  printf("\"%s\":{\"n\":%lu,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f},", name, h->count, histogram_quantile(h, .5),
    histogram_quantile(h, .99), h->count ? h->max / 1e3 : -1);
}
static void print_report(uint64_t seen, long leaked) {
  double s = (end_state.at - begin_state.at) / 1e6, cpu = end_state.server.cpu_ms - begin_state.server.cpu_ms;
  double emulator = end_state.emulator_ms - begin_state.emulator_ms, own = end_state.own_ms - begin_state.own_ms;
  double others = end_state.machine_ms - begin_state.machine_ms - cpu - emulator - own;
  usage after = usage_of(pid);
  printf("{\"seconds\":%.3f,\"requests\":%lu,\"good\":%lu,\"tokens\":%lu,\"tokensPerS\":%.1f,\"requestsPerS\":%.2f,", s,
    responses, good_responses, tokens_seen, tokens_seen / s, responses / s);
  print_times("ttft", &ttft);
  print_times("gap", &gap);
  print_times("transit", &transit);
  print_times("request", &took);
  // Delays near 40 ms: Nagle's algorithm waits for an acknowledgement that the other end delays.
  printf("\"near40\":{\"at\":%lu,\"beside\":%lu},", histogram_between(&transit, 38, 44),
    (histogram_between(&transit, 30, 36) + histogram_between(&transit, 46, 52)) / 2);
  if (drops) {
    print_times("abort", &abort_seen);
    // A busy server may not have asked the emulator yet when the client leaves: such a request is neither.
    printf("\"dropped\":%lu,\"seen\":%lu,\"leaked\":%ld,", dropped, seen, leaked);
  }
  printf("\"faults\":{");
  long sum = 0;
  for (int i = 1; i < FAULTS; sum += faults[i++]) if (faults[i]) printf("\"%s\":%ld,", fault_names[i], faults[i]);
  printf("\"all\":%ld},\"firstFault\":\"%s\",", sum, first_fault);
  if (pid) {
    printf("\"server\":{\"cpuMs\":%.2f,\"cores\":%.3f,", cpu, cpu / s / 1e3);
    if (tokens_seen) printf("\"cpuMsPer1kTokens\":%.4f,", cpu * 1000 / tokens_seen);
    if (responses) printf("\"cpuMsPer1kRequests\":%.3f,", cpu * 1000 / responses);
    printf("\"peakMb\":%.1f,\"rssMb\":%.1f,\"pssMb\":%.1f},", end_state.server.peak_kb / 1024., after.rss_kb / 1024.,
      after.pss_kb / 1024.);
  }
  printf("\"cores\":{\"generator\":%.3f,\"emulator\":%.3f,\"others\":%.3f,\"stolen\":%.3f}}\n", own / s / 1e3,
    emulator / s / 1e3, others / s / 1e3, (end_state.stolen_ms - begin_state.stolen_ms) / s / 1e3);
}
int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  read_options(argc, argv);
  write_request();
  first_id = now_us() * 100000 % 900000000000000000;
  events = epoll_create1(0);
  all = calloc(conc, sizeof *all);
  if (drop_after || drop_wait >= 0) drops = calloc(requests + 1, sizeof *drops);
  run();
  uint64_t seen = 0, limit = now_us() + linger * 1e6;
  while (drops && (seen = find_aborts()) < dropped && now_us() < limit) usleep(200000);
  print_report(seen, drops ? active_requests() : 0);
  return 0;
}
