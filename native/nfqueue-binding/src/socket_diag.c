#define _GNU_SOURCE
#include "socket_diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* SOCK_DESTROY of linux/sock_diag.h, which old headers lack. */
enum { DESTROY = 21, BUFFER_SIZE = 1 << 16, ANSWER_SECONDS = 10 };
/* MAX_ERRNO of the kernel's linux/err.h. */
enum { ANSWER_MOST = 4095 };

struct request {
  struct nlmsghdr header;
  struct inet_diag_req_v2 body;
};

static int open_diag(int *fd) {
  struct timeval patience = {.tv_sec = ANSWER_SECONDS};
  *fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (*fd < 0) return errno;
  if (setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0) return 0;
  int error = errno;
  close(*fd);
  return error;
}

static int ask(int fd, struct request *request) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  request->header.nlmsg_len = sizeof *request;
  for (;;) {
    ssize_t sent = sendto(fd, request, sizeof *request, 0, (struct sockaddr *)&kernel, sizeof kernel);
    if (sent == (ssize_t)sizeof *request) return 0;
    if (sent >= 0) return EIO;
    if (errno != EINTR) return errno;
  }
}

static ssize_t answer(int fd, uint8_t *buffer) {
  for (;;) {
    ssize_t length = recv(fd, buffer, BUFFER_SIZE, 0);
    if (length >= 0 || errno != EINTR) return length;
  }
}

/* The errno of an answer, which the kernel writes as a negative number. */
static int error_of(const struct nlmsghdr *header) {
  int answer = ((const struct nlmsgerr *)NLMSG_DATA(header))->error;
  return answer > 0 || answer < -ANSWER_MOST ? EIO : -answer;
}

static int append(struct socket_rows *rows, const struct inet_diag_msg *message) {
  if (rows->count == SOCKET_ROWS_MAX) return ENOBUFS;
  if (rows->count == rows->room) {
    size_t room = rows->room ? rows->room * 2 : 256;
    struct socket_row *grown = realloc(rows->rows, room * sizeof *grown);
    if (!grown) return ENOMEM;
    rows->rows = grown;
    rows->room = room;
  }
  struct socket_row *row = &rows->rows[rows->count++];
  memset(row, 0, sizeof *row);
  row->family = message->idiag_family;
  row->state = message->idiag_state;
  row->local_port = ntohs(message->id.idiag_sport);
  row->remote_port = ntohs(message->id.idiag_dport);
  size_t width = message->idiag_family == AF_INET ? 4 : 16;
  memcpy(row->local, message->id.idiag_src, width);
  memcpy(row->remote, message->id.idiag_dst, width);
  row->interface = message->id.idiag_if;
  row->inode = message->idiag_inode;
  row->uid = message->idiag_uid;
  memcpy(row->cookie, message->id.idiag_cookie, sizeof row->cookie);
  return 0;
}

/* Reads one dump to its end. */
static int read_dump(int fd, uint8_t *buffer, struct socket_rows *rows) {
  for (;;) {
    ssize_t received = answer(fd, buffer);
    if (received < 0) return errno;
    size_t left = (size_t)received;
    for (struct nlmsghdr *header = (struct nlmsghdr *)buffer; NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE) return 0;
      if (header->nlmsg_type == NLMSG_ERROR) {
        if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))) return EIO;
        return error_of(header);
      }
      if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg))) return EIO;
      int error = append(rows, NLMSG_DATA(header));
      if (error) return error;
    }
  }
}

int socket_diag_list(uint32_t states, struct socket_rows *rows) {
  int fd, error = open_diag(&fd);
  if (error) return error;
  uint8_t *buffer = malloc(BUFFER_SIZE);
  if (!buffer) error = ENOMEM;
  for (int i = 0; i < 2 && !error; i++) {
    struct request request = {
        .header = {.nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = i ? AF_INET6 : AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = states},
    };
    error = ask(fd, &request);
    if (!error) error = read_dump(fd, buffer, rows);
    /* A kernel without IPv6, or with its sockets in a module that is not loaded, has none to list. */
    if (error == ENOENT && i) error = 0;
  }
  free(buffer);
  close(fd);
  return error;
}

static int destroy_one(int fd, uint8_t *buffer, const struct socket_row *row) {
  struct request request = {
      .header = {.nlmsg_type = DESTROY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
      .body = {.sdiag_family = row->family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = UINT32_MAX},
  };
  request.body.id.idiag_sport = htons(row->local_port);
  request.body.id.idiag_dport = htons(row->remote_port);
  memcpy(request.body.id.idiag_src, row->local, 16);
  memcpy(request.body.id.idiag_dst, row->remote, 16);
  request.body.id.idiag_if = row->interface;
  memcpy(request.body.id.idiag_cookie, row->cookie, sizeof row->cookie);
  int error = ask(fd, &request);
  if (error) return error;
  ssize_t received = answer(fd, buffer);
  if (received < 0) return errno;
  struct nlmsghdr *header = (struct nlmsghdr *)buffer;
  if ((size_t)received < NLMSG_LENGTH(sizeof(struct nlmsgerr)) || header->nlmsg_type != NLMSG_ERROR) return EIO;
  return error_of(header);
}

int socket_diag_destroy(const struct socket_row *rows, size_t count, uint32_t *destroyed) {
  *destroyed = 0;
  int fd, error = open_diag(&fd);
  if (error) return error;
  uint8_t *buffer = malloc(BUFFER_SIZE);
  if (!buffer) error = ENOMEM;
  for (size_t i = 0; i < count && !error; i++) {
    error = destroy_one(fd, buffer, &rows[i]);
    if (!error) (*destroyed)++;
    /* Gone (ENOENT), replaced by another (ESTALE), or on its way out (ENOTCONN). */
    else if (error == ENOENT || error == ESTALE || error == ENOTCONN) error = 0;
  }
  free(buffer);
  close(fd);
  return error;
}
