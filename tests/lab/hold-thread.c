/*
 * Stops one thread of another process and nothing else of it, until the standard input ends: a worker that truly
 * stalls, as no signal can make it (SIGSTOP stops the whole process). hold-thread TID
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **arguments) {
  pid_t thread = count == 2 ? atoi(arguments[1]) : 0;
  int status;
  char byte;
  if (thread <= 0 || ptrace(PTRACE_SEIZE, thread, 0, 0) != 0 || ptrace(PTRACE_INTERRUPT, thread, 0, 0) != 0) {
    perror("ptrace");
    return 1;
  }
  if (waitpid(thread, &status, __WALL) != thread || !WIFSTOPPED(status)) {
    fprintf(stderr, "it did not stop\n");
    return 1;
  }
  printf("held\n");
  fflush(stdout);
  while (read(0, &byte, 1) > 0) continue;
  /* The end of a tracer lets its threads go on. */
  return 0;
}
