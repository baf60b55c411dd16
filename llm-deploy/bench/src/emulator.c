// An Ollama for measuring: POST /api/chat, /v1/chat/completions; GET /api/tags, /api/ps, /v1/models. One thread,
// 127.0.0.1 only.
//   emulator PORT
// A request's model name says what it gets: "bench-t200-r50-d30" is 200 tokens, 50 a second, the first after 30 ms.
//   tN  tokens               rN  tokens a second; 0: as fast as they are read       dN  ms before the first token
//   bN  tokens per write, with r0
//   s   each token tells when it was written, in microseconds of the monotonic clock: "t17@123456 "
//   eN  answers with status N
//   xdN, xuN, xsN, xcN   faults: token N is dropped, sent twice, sent after N+1; the connection is cut before it
//   xhN                  every Nth token says that it was written 40 ms earlier
//   l                    it goes on when its client has left
// Token N is "tN ". "[[id=N]]" in the prompt names a request.
//   GET /stats    {"active":N}, the requests that are being answered
//   GET /aborts   "ID MICROSECONDS", a line for each request whose client left
//   GET /reset    forgets the aborts
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_TOKENS = 1000000, MAX_BURST = 256, MAX_MODEL = 127, MAX_LOADED = 64, MAX_INPUT = 8 << 20,
  CHUNK_BYTES = 1024 };

typedef struct connection {
  int fd;
  enum { READING, COLLECTED, STREAMING } state;
  bool openai, closes, closed, writing, ready;
  char *in, *out;  // what is not a whole request yet; what the system did not take yet
  size_t in_length, in_capacity, out_begin, out_length, out_capacity;
  char model[MAX_MODEL + 1];
  uint64_t id, begun, due, interval;  // ns
  long tokens, next, burst, delay_ms;
  long dropped, doubled, swapped, cut, old;  // tokens with that fault, or -1
  bool stamped, lasts;
  long timer;  // its place in the heap, or -1
  struct connection *next_ready, *next_closed;
} connection;

static int events;
static long active;
static struct { uint64_t id, us; } *aborts;
static size_t aborted, abort_capacity;
static connection *ready_first, *ready_last, *closed;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

// ---- timers: a heap, the next due first
static connection **heap;
static long timers, heap_capacity;

static void place(connection *c, long at) {
  heap[at] = c;
  c->timer = at;
}
static void sift(long at) {
  connection *c = heap[at];
  for (; at > 0 && heap[(at - 1) / 2]->due > c->due; at = (at - 1) / 2) place(heap[(at - 1) / 2], at);
  for (long child; (child = 2 * at + 1) < timers; at = child) {
    if (child + 1 < timers && heap[child + 1]->due < heap[child]->due) child++;
    if (heap[child]->due >= c->due) break;
    place(heap[child], at);
  }
  place(c, at);
}
static void start_timer(connection *c) {
  if (timers == heap_capacity) heap = realloc(heap, sizeof *heap * (heap_capacity = 2 * heap_capacity + 4096));
  place(c, timers++);
  sift(c->timer);
}
static void stop_timer(connection *c) {
  long at = c->timer;
  if (at < 0) return;
  c->timer = -1;
  if (at == --timers) return;
  place(heap[timers], at);
  sift(at);
}

// Those that get tokens as fast as they read take turns.
static void make_ready(connection *c) {
  if (c->ready) return;
  c->ready = true;
  c->next_ready = NULL;
  if (ready_last) ready_last->next_ready = c; else ready_first = c;
  ready_last = c;
}

// ---- connections
static void end(connection *c, bool abort) {
  if (c->closed) return;
  if (abort && c->lasts && c->state != READING) { epoll_ctl(events, EPOLL_CTL_DEL, c->fd, NULL); return; }
  c->closed = true;
  if (c->state != READING) {
    active--;
    if (abort) {
      if (aborted == abort_capacity) aborts = realloc(aborts, sizeof *aborts * (abort_capacity = 2 * aborted + 4096));
      aborts[aborted].id = c->id;
      aborts[aborted++].us = now_ns() / 1000;
    }
  }
  stop_timer(c);
  close(c->fd);
  c->next_closed = closed;  // freed at the end of the turn: the ready ones may still have it
  closed = c;
}
static void watch(connection *c, bool writing) {
  if (c->writing == writing) return;
  c->writing = writing;
  struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | (writing ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(events, EPOLL_CTL_MOD, c->fd, &e);
}
static bool all_taken(connection *c) { return c->out_begin == c->out_length; }
static void send_or_keep(connection *c, const char *bytes, size_t n) {
  if (c->closed) return;
  if (all_taken(c)) {
    ssize_t taken = send(c->fd, bytes, n, MSG_NOSIGNAL);
    if (taken == (ssize_t)n) return;
    if (taken < 0 && errno != EAGAIN) { end(c, true); return; }
    if (taken > 0) { bytes += taken; n -= taken; }
    c->out_begin = c->out_length = 0;
  }
  if (c->out_length + n > c->out_capacity) c->out = realloc(c->out, c->out_capacity = 2 * (c->out_length + n));
  memcpy(c->out + c->out_length, bytes, n);
  c->out_length += n;
  watch(c, true);
}
static void read_requests(connection *c);
static void finish(connection *c) {
  if (c->closed) return;
  if (c->state != READING) active--;
  c->state = READING;
  if (!c->closes) read_requests(c);
  else if (all_taken(c)) end(c, false);
}
static void respond(connection *c, int status, const char *body, size_t n) {
  char *all = malloc(n + 256);
  int head = sprintf(all, "HTTP/1.1 %d Status\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n",
    status, n, c->closes ? "Connection: close\r\n" : "");
  memcpy(all + head, body, n);
  send_or_keep(c, all, head + n);
  free(all);
  finish(c);
}

// ---- what is written: as printf would, but fast
#define TEXT(p, text) (memcpy(p, text, sizeof text - 1), (p) + sizeof text - 1)
static char *text(char *p, const char *s) { return stpcpy(p, s); }
static char *number(char *p, uint64_t value) {
  char digits[24];
  int n = 0;
  do digits[n++] = '0' + value % 10; while (value /= 10);
  while (n) *p++ = digits[--n];
  return p;
}
static char *token(connection *c, char *p, long k) {
  *p++ = 't';
  p = number(p, k);
  if (c->stamped) {
    *p++ = '@';
    p = number(p, now_ns() / 1000 - (c->old > 0 && k % c->old == 0 ? 40000 : 0));
  }
  *p++ = ' ';
  return p;
}
static char *openai_head(connection *c, char *p, const char *object) {
  p = TEXT(p, "{\"id\":\"chatcmpl-123\",\"object\":\"");
  p = text(p, object);
  p = TEXT(p, "\",\"created\":");
  p = number(p, time(NULL));
  p = TEXT(p, ",\"model\":\"");
  p = text(p, c->model);
  return TEXT(p, "\",\"system_fingerprint\":\"fp_ollama\",\"choices\":[{\"index\":0,");
}
static char *ollama_head(connection *c, char *p) {
  static char at[32];
  static time_t second;
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  if (t.tv_sec != second) strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S.", gmtime(&t.tv_sec));
  second = t.tv_sec;
  p = TEXT(p, "{\"model\":\"");
  p = text(p, c->model);
  p = TEXT(p, "\",\"created_at\":\"");
  p = text(p, at);
  p = number(p, 100000000 + t.tv_nsec % 900000000);  // nine digits
  return TEXT(p, "Z\",\"message\":{\"role\":\"assistant\",\"content\":\"");
}
static char *ollama_end(connection *c, char *p) {
  uint64_t took = now_ns() - c->begun;
  p = TEXT(p, "\"},\"done\":true,\"done_reason\":\"stop\",\"total_duration\":");
  p = number(p, took);
  p = TEXT(p, ",\"load_duration\":1334875,\"prompt_eval_count\":26,\"prompt_eval_duration\":1000,\"eval_count\":");
  p = number(p, c->tokens);
  p = TEXT(p, ",\"eval_duration\":");
  p = number(p, took);
  return TEXT(p, "}\n");
}
// A chunk of the body begins with its size in four digits, filled in by end_chunk.
static char *begin_chunk(char *p) { return p + 6; }
static char *end_chunk(char *begin, char *p) {
  size_t n = p - begin - 6;
  for (int i = 3; i >= 0; i--, n >>= 4) begin[i] = "0123456789abcdef"[n & 15];
  memcpy(begin + 4, "\r\n", 2);
  return TEXT(p, "\r\n");
}
static char *token_chunk(connection *c, char *begin, long k) {
  char *p = begin_chunk(begin);
  if (c->openai) {
    p = openai_head(c, TEXT(p, "data: "), "chat.completion.chunk");
    p = TEXT(p, "\"delta\":{\"role\":\"assistant\",\"content\":\"");
    p = token(c, p, k);
    p = TEXT(p, "\"},\"finish_reason\":null}]}\n\n");
  } else {
    p = token(c, ollama_head(c, p), k);
    p = TEXT(p, "\"},\"done\":false}\n");
  }
  return end_chunk(begin, p);
}
static char *last_chunks(connection *c, char *begin) {
  char *p = begin_chunk(begin);
  if (c->openai) {
    p = openai_head(c, TEXT(p, "data: "), "chat.completion.chunk");
    p = TEXT(p, "\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"stop\"}]}\n\n");
    p = TEXT(p, "data: [DONE]\n\n");
  } else p = ollama_end(c, ollama_head(c, p));
  return TEXT(end_chunk(begin, p), "0\r\n\r\n");
}

// ---- generating
static void emit(connection *c, long n) {
  static char bytes[(2 * MAX_BURST + 2) * CHUNK_BYTES];
  char *p = bytes;
  for (; n > 0 && c->next < c->tokens; n--) {
    long k = c->next++;
    if (k == c->cut) { send_or_keep(c, bytes, p - bytes); end(c, false); return; }
    if (k == c->dropped) continue;
    if (k == c->swapped) { p = token_chunk(c, p, k + 1); c->next++; }
    p = token_chunk(c, p, k);
    if (k == c->doubled) p = token_chunk(c, p, k);
  }
  bool last = c->next >= c->tokens;
  if (last) p = last_chunks(c, p);
  send_or_keep(c, bytes, p - bytes);
  if (last) { stop_timer(c); finish(c); }
}
static void collect(connection *c) {
  char *bytes = malloc(c->tokens * 32 + 2 * CHUNK_BYTES), *p = bytes;
  if (c->openai) p = TEXT(openai_head(c, p, "chat.completion"), "\"message\":{\"role\":\"assistant\",\"content\":\"");
  else p = ollama_head(c, p);
  for (long k = 0; k < c->tokens; k++) p = token(c, p, k);
  if (c->openai) {
    p = TEXT(p, "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":26,\"completion_tokens\":");
    p = number(p, c->tokens);
    p = TEXT(p, ",\"total_tokens\":");
    p = number(p, c->tokens + 26);
    p = TEXT(p, "}}\n");
  } else p = ollama_end(c, p);
  respond(c, 200, bytes, p - bytes);
  free(bytes);
}
static void when_due(connection *c, uint64_t now) {
  if (c->state == COLLECTED) { stop_timer(c); collect(c); return; }
  if (!c->interval) { stop_timer(c); make_ready(c); return; }
  // More than 50 tokens late: several at once.
  long n = 1;
  if (c->due + 51 * c->interval < now) n = (now - c->due) / c->interval;
  if (n > MAX_BURST) n = MAX_BURST;
  c->due += n * c->interval;
  emit(c, n);
  if (!c->closed && c->timer >= 0) sift(c->timer);
}

// The value of a key, as far as clients of a benchmark need JSON.
static const char *value_of(const char *json, const char *key) {
  const char *p = strstr(json, key);
  if (!p) return NULL;
  p += strlen(key);
  return p + strspn(p, " :\t\r\n");
}
// Sets what the model's name says; returns the status that it asks for.
static long read_orders(connection *c) {
  long status = 200;
  char name[sizeof c->model], *rest;
  strcpy(name, c->model);
  c->tokens = 20;
  c->burst = 1;
  c->interval = c->delay_ms = c->stamped = c->lasts = 0;
  c->dropped = c->doubled = c->swapped = c->cut = c->old = -1;
  strtok_r(name, "-", &rest);
  for (char *part; (part = strtok_r(NULL, "-", &rest));) {
    long n = atol(part + 1);
    switch (*part) {
      case 't': c->tokens = n < MAX_TOKENS ? n : MAX_TOKENS; break;
      case 'r': c->interval = n ? 1000000000 / n : 0; break;
      case 'd': c->delay_ms = n; break;
      case 'b': c->burst = n < 1 ? 1 : n < MAX_BURST ? n : MAX_BURST; break;
      case 's': c->stamped = true; break;
      case 'l': c->lasts = true; break;
      case 'e': status = n; break;
      case 'x': {
        long *fault = part[1] == 'd' ? &c->dropped : part[1] == 'u' ? &c->doubled : part[1] == 's' ? &c->swapped
          : part[1] == 'c' ? &c->cut : &c->old;
        *fault = atol(part + 2);
      }
    }
  }
  return status;
}
// Every model can be loaded, and stays so.
static char loaded[MAX_LOADED][MAX_MODEL + 1];
static size_t loads;
static void load(connection *c) {
  static const char done[] = "{\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,"
    "\"done_reason\":\"load\"}";
  size_t i = 0;
  while (i < loads && strcmp(loaded[i], c->model)) i++;
  if (i == loads && loads < MAX_LOADED) strcpy(loaded[loads++], c->model);
  respond(c, 200, done, sizeof done - 1);
}
static void list_loaded(connection *c) {
  static char body[MAX_LOADED * (MAX_MODEL + 96)];
  char *p = body + sprintf(body, "{\"models\":[");
  for (size_t i = 0; i < loads; i++) {
    p += sprintf(p, "%s{\"name\":\"%s\",\"expires_at\":\"2318-01-01T00:00:00Z\",\"context_length\":8192}",
      i ? "," : "", loaded[i]);
  }
  p += sprintf(p, "]}");
  respond(c, 200, body, p - body);
}

static void generate(connection *c, bool openai, const char *body) {
  const char *model = value_of(body, "\"model\""), *stream = value_of(body, "\"stream\""), *id = strstr(body, "[[id=");
  if (!model || *model != '"') { respond(c, 400, "{\"error\":\"model is required\"}", 29); return; }
  snprintf(c->model, sizeof c->model, "%.*s", (int)strcspn(model + 1, "\""), model + 1);
  const char *messages = value_of(body, "\"messages\"");
  if (messages && !strncmp(messages, "[]", 2)) { load(c); return; }
  long status = read_orders(c);
  if (status != 200) { respond(c, status, "{\"error\":\"as asked for\"}", 24); return; }
  c->openai = openai;
  c->next = 0;
  c->id = id ? strtoull(id + 5, NULL, 10) : 0;
  c->begun = now_ns();
  c->due = c->begun + c->delay_ms * 1000000ull;
  active++;
  if (stream ? *stream == 'f' : openai) {
    c->state = COLLECTED;
    c->due += c->interval * c->tokens;
    if (c->due == c->begun) collect(c); else start_timer(c);
    return;
  }
  c->state = STREAMING;
  char head[160];
  send_or_keep(c, head, sprintf(head, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n",
    openai ? "text/event-stream" : "application/x-ndjson"));
  if (c->closed) return;
  if (c->interval || c->delay_ms) start_timer(c); else make_ready(c);
}

// ---- requests
static void tell_aborts(connection *c) {
  char *body = malloc(aborted * 48 + 1), *p = body;
  for (size_t i = 0; i < aborted; i++) p += sprintf(p, "%lu %lu\n", aborts[i].id, aborts[i].us);
  respond(c, 200, body, p - body);
  free(body);
}
static void answer(connection *c, bool post, const char *path, const char *body) {
  char stats[64];
  const char *fixed = NULL;
  if (post && !strcmp(path, "/api/chat")) { generate(c, false, body); return; }
  if (post && !strcmp(path, "/v1/chat/completions")) { generate(c, true, body); return; }
  if (!strcmp(path, "/api/ps")) { list_loaded(c); return; }
  if (!strcmp(path, "/aborts")) { tell_aborts(c); return; }
  if (!strcmp(path, "/reset")) { aborted = 0; fixed = "{}"; }
  if (!strcmp(path, "/stats")) { sprintf(stats, "{\"active\":%ld}", active); fixed = stats; }
  if (!strcmp(path, "/api/tags")) {
    fixed = "{\"models\":[{\"name\":\"bench\",\"model\":\"bench\",\"modified_at\":\"2026-01-01T00:00:00Z\"}]}";
  }
  if (!strcmp(path, "/v1/models")) fixed = "{\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"object\":\"model\"}]}";
  if (fixed) respond(c, 200, fixed, strlen(fixed)); else respond(c, 404, "{\"error\":\"not found\"}", 21);
}
static const char *header(const char *head, const char *name) {
  const char *p = strcasestr(head, name);
  return p ? p + strlen(name) + strspn(p + strlen(name), " ") : NULL;
}
// Copies a chunked body; returns how many bytes of input it took, or 0 if it isn't there yet.
static size_t unchunk(const char *in, const char *end, char *body) {
  for (const char *p = in, *line; (line = memmem(p, end - p, "\r\n", 2));) {
    size_t n = strtoul(p, NULL, 16);
    p = line + 2;
    if ((size_t)(end - p) < n + 2) return 0;
    body = mempcpy(body, p, n);
    p += n + 2;
    if (!n) { *body = 0; return p - in; }
  }
  return 0;
}
// Answers one request, if it is there.
static bool read_request(connection *c) {
  char *split = memmem(c->in, c->in_length, "\r\n\r\n", 4), *rest = split + 4, *end = c->in + c->in_length;
  if (!split) return false;
  *split = 0;
  const char *length = header(c->in, "\r\nContent-Length:");
  size_t n = length ? strtoul(length, NULL, 10) : 0;
  char *body = malloc((length ? n : (size_t)(end - rest)) + 1);
  if (header(c->in, "\r\nTransfer-Encoding:")) n = unchunk(rest, end, body);
  else if ((size_t)(end - rest) >= n) *(char *)mempcpy(body, rest, n) = 0;
  bool complete = (size_t)(end - rest) >= n && (n || !header(c->in, "\r\nTransfer-Encoding:"));
  char method[8] = "", path[64] = "";
  if (complete) {
    const char *close = header(c->in, "\r\nConnection:");
    c->closes = close && !strncasecmp(close, "close", 5);
    sscanf(c->in, "%7s %63s", method, path);
    c->in_length = end - rest - n;
    memmove(c->in, rest + n, c->in_length);
    answer(c, *method == 'P', path, body);
  } else *split = '\r';
  free(body);
  return complete;
}
static void read_requests(connection *c) {
  static bool reading;  // by a caller of this: requests that wait are not read by recursion
  if (reading) return;
  reading = true;
  while (!c->closed && c->state == READING && c->in_length && read_request(c)) {}
  reading = false;
}
static void receive(connection *c) {
  for (;;) {
    if (c->in_capacity - c->in_length < 4096) c->in = realloc(c->in, c->in_capacity = 2 * c->in_capacity + 4096);
    size_t room = c->in_capacity - c->in_length;
    ssize_t n = recv(c->fd, c->in + c->in_length, room, 0);
    if (n < 0 && errno == EAGAIN) break;
    if (n <= 0 || c->in_length + n > MAX_INPUT) { end(c, true); return; }
    c->in_length += n;
    if ((size_t)n < room) break;
  }
  if (c->state == READING) read_requests(c);
}
static void send_kept(connection *c) {
  ssize_t n = send(c->fd, c->out + c->out_begin, c->out_length - c->out_begin, MSG_NOSIGNAL);
  if (n < 0) { if (errno != EAGAIN) end(c, true); return; }
  c->out_begin += n;
  if (!all_taken(c)) return;
  watch(c, false);
  if (c->state == READING && c->closes) end(c, false);
  else if (c->state == STREAMING && !c->interval && c->timer < 0) make_ready(c);
}
static void accept_all(int listener) {
  for (int fd, yes = 1; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    c->timer = -1;
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
    epoll_ctl(events, EPOLL_CTL_ADD, fd, &e);
  }
}
static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in address = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
  if (bind(fd, (void *)&address, sizeof address) || listen(fd, 4096)) { perror("emulator"); exit(1); }
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(events, EPOLL_CTL_ADD, fd, &e);
  return fd;
}

// ---- turns
static void handle(connection *c, uint32_t happened) {
  if (c->closed) return;
  if (happened & (EPOLLERR | EPOLLHUP)) { end(c, true); return; }
  if (happened & (EPOLLIN | EPOLLRDHUP)) receive(c);
  if (!c->closed && happened & EPOLLOUT) send_kept(c);
}
static void serve_ready(void) {
  connection *c = ready_first, *next;
  ready_first = ready_last = NULL;
  for (; c; c = next) {
    next = c->next_ready;
    c->ready = false;
    if (c->closed || c->state != STREAMING) continue;
    emit(c, c->burst);
    if (!c->closed && c->state == STREAMING && all_taken(c)) make_ready(c);
  }
}
static void free_closed(void) {
  for (connection *c = closed, *next; c; c = next) {
    next = c->next_closed;
    free(c->in);
    free(c->out);
    free(c);
  }
  closed = NULL;
}
int main(int argc, char **argv) {
  static struct epoll_event happened[1024];
  if (argc != 2) { fputs("usage: emulator PORT\n", stderr); return 2; }
  signal(SIGPIPE, SIG_IGN);
  events = epoll_create1(0);
  int listener = listen_on(atoi(argv[1]));
  for (;;) {
    uint64_t now = now_ns(), wait = timers && heap[0]->due > now ? heap[0]->due - now : 0;
    struct timespec until = {wait / 1000000000, wait % 1000000000};
    bool idle = !ready_first && !timers;
    int n = epoll_pwait2(events, happened, 1024, idle ? NULL : ready_first ? &(struct timespec){0} : &until, NULL);
    for (int i = 0; i < n; i++) {
      if (happened[i].data.ptr) handle(happened[i].data.ptr, happened[i].events); else accept_all(listener);
    }
    now = now_ns();
    for (int i = 0; i < 4096 && timers && heap[0]->due <= now; i++) when_due(heap[0], now);
    serve_ready();
    free_closed();
  }
}
