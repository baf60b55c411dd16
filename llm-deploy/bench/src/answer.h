// Reads one HTTP response after another, and checks that it has the emulator's tokens 0 to N-1 in order and an end.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
  GOOD, NOT_CONNECTED, BAD_STATUS, LOST_TOKEN, MOVED_TOKEN, SHORT, NO_END, CUT, ERROR_FRAME, BAD_HTTP, LATE, FAULTS
} fault;
extern const char *const fault_names[FAULTS];

typedef struct {
  fault fault;  // the first one
  int status;
  bool streaming, keeps;  // keeps: the connection may be used again
  long tokens, expected;
  unsigned ends;  // which of the two marks at the end were seen, in this order
  enum { HEAD, LENGTH, UNTIL_CLOSE, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER, END } part;
  size_t left;  // bytes of the body, or of the chunk
  char *kept;   // of the head, or of a line, that is not complete yet; freed by nobody: connections live on
  size_t kept_length, kept_capacity;
} answer;

void answer_begin(answer *, bool streaming, long expected);
void answer_fail(answer *, fault);
/** Reads the next bytes. Returns true when the response is complete, or so bad that the rest can't be read. */
bool answer_read(answer *, const char *bytes, size_t n, uint64_t now);
/** The connection was closed. */
void answer_closed(answer *, uint64_t now);
/** To be defined by the user: token number answer->tokens has come. written is 0 if the token doesn't tell. */
void on_token(answer *, uint64_t written, uint64_t now);
