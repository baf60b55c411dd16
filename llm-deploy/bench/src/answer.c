#define _GNU_SOURCE
#include "answer.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FINISHED = 1, DONE = 2, MAX_HEAD = 65536, MAX_LINE = 16 << 20 };

const char *const fault_names[FAULTS] = {"good", "not_connected", "bad_status", "lost_token", "moved_token", "short",
  "no_end", "cut", "error_frame", "bad_http", "late"};

void answer_begin(answer *a, bool streaming, long expected) {
  *a = (answer){.streaming = streaming, .expected = expected, .kept = a->kept, .kept_capacity = a->kept_capacity};
}
void answer_fail(answer *a, fault why) {
  if (!a->fault) a->fault = why;
}
static bool broken(answer *a, fault why) {
  answer_fail(a, why);
  a->keeps = false;
  return true;
}
static void keep(answer *a, const char *bytes, size_t n) {
  size_t needed = a->kept_length + n + 1;
  if (needed > a->kept_capacity) a->kept = realloc(a->kept, a->kept_capacity = 2 * needed);
  memcpy(a->kept + a->kept_length, bytes, n);
  a->kept_length += n;
  a->kept[a->kept_length] = 0;
}

// ---- tokens
static void check_token(answer *a, long k, uint64_t written, uint64_t now) {
  if (k != a->tokens) answer_fail(a, k > a->tokens ? LOST_TOKEN : MOVED_TOKEN);
  if (k < a->tokens) return;
  on_token(a, written, now);
  a->tokens = k + 1;
}
// The content of a JSON string: "t0 t1@123456 ".
static void read_content(answer *a, const char *p, const char *end, uint64_t now) {
  for (; p < end && *p != '"'; p++) {
    if (*p != 't') continue;
    char *rest;
    long k = strtol(p + 1, &rest, 10);
    if (rest == p + 1) continue;
    uint64_t written = *rest == '@' ? strtoull(rest + 1, &rest, 10) : 0;
    check_token(a, k, written, now);
    p = rest - 1;
  }
}
// A line of a stream, or a body: one JSON text. What follows it in memory ends any number.
static void read_json(answer *a, const char *json, size_t n, uint64_t now) {
  const char *end = json + n, *content = memmem(json, n, "\"content\"", 9), *reason = NULL;
  if (content) {
    for (content += 9; content < end && (*content == ' ' || *content == ':'); content++) {}
    if (content < end && *content == '"') read_content(a, content + 1, end, now);
  } else if (memmem(json, n < 64 ? n : 64, "\"error\"", 7)) answer_fail(a, ERROR_FRAME);
  if (a->tokens >= a->expected) reason = memmem(json, n, "\"finish_reason\":", 16);
  if (reason && reason[16 + strspn(reason + 16, " ")] == '"') a->ends |= FINISHED;
}
static void read_line(answer *a, const char *line, size_t n, uint64_t now) {
  while (n && (line[n - 1] == '\r' || line[n - 1] == '\n')) n--;
  if (n < 5 || memcmp(line, "data:", 5)) return;
  line += 5;
  n -= 5;
  if (n && *line == ' ') { line++; n--; }
  if (n == 6 && !memcmp(line, "[DONE]", 6)) a->ends |= a->ends & FINISHED ? DONE : 0;
  else read_json(a, line, n, now);
}
static void read_body(answer *a, const char *bytes, size_t n, uint64_t now) {
  if (a->status != 200) return;
  while (n) {
    const char *newline = a->streaming ? memchr(bytes, '\n', n) : NULL;
    size_t length = newline ? (size_t)(newline + 1 - bytes) : n;
    if (newline && !a->kept_length) read_line(a, bytes, length, now);
    else {
      keep(a, bytes, length);
      if (newline) read_line(a, a->kept, a->kept_length, now);
      if (newline || a->kept_length > MAX_LINE) a->kept_length = 0;
    }
    bytes += length;
    n -= length;
  }
}
static bool complete(answer *a, uint64_t now) {
  if (a->status != 200) { answer_fail(a, BAD_STATUS); return true; }
  if (!a->streaming && a->kept_length) read_json(a, a->kept, a->kept_length, now);
  if (a->tokens != a->expected) answer_fail(a, a->tokens < a->expected ? SHORT : MOVED_TOKEN);
  if (a->streaming && a->ends != (FINISHED | DONE)) answer_fail(a, NO_END);
  return true;
}

// ---- HTTP
static const char *header(const char *head, const char *name) {
  const char *p = strcasestr(head, name);
  return p ? p + strlen(name) + strspn(p + strlen(name), " ") : NULL;
}
static bool read_head(answer *a, const char *head) {
  if (strncmp(head, "HTTP/1.1 ", 9)) return false;
  a->status = atoi(head + 9);
  const char *length = header(head, "\r\nContent-Length:"), *close = header(head, "\r\nConnection:");
  a->keeps = !close || strncasecmp(close, "close", 5);
  a->left = length ? strtoul(length, NULL, 10) : 0;
  if (header(head, "\r\nTransfer-Encoding:")) a->part = CHUNK_SIZE;
  else a->part = length ? LENGTH : UNTIL_CLOSE;
  return true;
}
// Reads one character between two chunks, where left is the size so far, or after the last one, where it counts the
// characters of a line. False if it doesn't belong there; the response is complete after an empty line.
static bool read_between(answer *a, char c) {
  if (c == '\r') return true;
  switch (a->part) {
    case CHUNK_END:
      a->part = CHUNK_SIZE;
      return c == '\n';
    case CHUNK_SIZE:
      if (c == '\n') a->part = a->left ? CHUNK : TRAILER;
      else a->left = a->left * 16 + (isdigit((unsigned char)c) ? c - '0' : (c | 32) - 'a' + 10);
      return c == '\n' || isxdigit((unsigned char)c);
    default:
      if (c != '\n') a->left++;
      else if (a->left) a->left = 0;
      else a->part = END;
      return true;
  }
}
bool answer_read(answer *a, const char *bytes, size_t n, uint64_t now) {
  const char *end = bytes + n;
  while (bytes < end) {
    n = end - bytes;
    switch (a->part) {
      case HEAD: {
        size_t had = a->kept_length;
        keep(a, bytes, n);
        char *split = strstr(a->kept, "\r\n\r\n");
        if (!split) return a->kept_length > MAX_HEAD && broken(a, BAD_HTTP);
        split[2] = 0;
        a->kept_length = 0;
        bytes += split + 4 - a->kept - had;
        if (!read_head(a, a->kept)) return broken(a, BAD_HTTP);
        if (a->part == LENGTH && !a->left) return complete(a, now);
        break;
      }
      case UNTIL_CLOSE:
        read_body(a, bytes, n, now);
        return false;
      case LENGTH:
      case CHUNK:
        if (n > a->left) n = a->left;
        read_body(a, bytes, n, now);
        bytes += n;
        a->left -= n;
        if (!a->left && a->part == LENGTH) return complete(a, now);
        if (!a->left) a->part = CHUNK_END;
        break;
      default:
        if (!read_between(a, *bytes++)) return broken(a, BAD_HTTP);
        if (a->part == END) return complete(a, now);
    }
  }
  return false;
}
void answer_closed(answer *a, uint64_t now) {
  a->keeps = false;
  if (a->part == UNTIL_CLOSE) complete(a, now); else answer_fail(a, CUT);
}
