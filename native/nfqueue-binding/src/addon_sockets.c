#define _GNU_SOURCE
#include "addon_sockets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "socket_diag.h"
#include "surface.h"
#include "transparent_socket.h"

/* listTcpSockets(states): an ArrayBuffer of struct socket_row, or the errno as a number */
napi_value list_tcp_sockets(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result = NULL;
  uint32_t states;
  void *data;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count < 1 ||
      napi_get_value_uint32(env, argument, &states) != napi_ok) {
    return wrong_use(env, "listTcpSockets needs a mask of states");
  }
  struct socket_rows rows = {0};
  int error = socket_diag_list(states, &rows);
  if (!error) {
    size_t length = rows.count * sizeof *rows.rows;
    if (napi_create_arraybuffer(env, length, &data, &result) == napi_ok && length > 0)
      memcpy(data, rows.rows, length);
  }
  free(rows.rows);
  return error ? integer(env, error) : result;
}

/* destroyTcpSockets(rows: Uint8Array): how many were destroyed, or a negative errno */
napi_value destroy_tcp_sockets(napi_env env, napi_callback_info info) {
  size_t count = 1, length;
  napi_value argument;
  napi_typedarray_type type;
  void *data;
  uint32_t destroyed;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count < 1 ||
      napi_get_typedarray_info(env, argument, &type, &length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || length % sizeof(struct socket_row) != 0 ||
      length / sizeof(struct socket_row) > SOCKET_ROWS_MAX) {
    return wrong_use(env, "destroyTcpSockets needs rows of listTcpSockets in a Uint8Array");
  }
  size_t rows = length / sizeof(struct socket_row);
  /* Where a view begins nobody knows: rows are copied to where they can be read as what they are. */
  struct socket_row *copy = malloc(length ? length : 1);
  if (!copy) return wrong_use(env, "no memory");
  if (length) memcpy(copy, data, length);
  int error = socket_diag_destroy(copy, rows, &destroyed);
  free(copy);
  return integer(env, error ? -error : (int32_t)destroyed);
}

/* listenTransparently(ipv6, backlog): a file descriptor, or a negative errno */
napi_value listen_transparently(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  bool ipv6;
  int32_t backlog;
  int fd;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2 ||
      napi_get_value_bool(env, arguments[0], &ipv6) != napi_ok ||
      napi_get_value_int32(env, arguments[1], &backlog) != napi_ok) {
    return wrong_use(env, "listenTransparently needs a family and a backlog");
  }
  int error = transparent_listen(ipv6 ? AF_INET6 : AF_INET, backlog, &fd);
  return integer(env, error ? -error : fd);
}
