/*
 * Node-API surface over queue.c and raw_socket.c; that of ip_set.c is in ip_set_addon.c, that of socket_diag.c and
 * transparent_socket.c in addon_sockets.c, that of rights.c in rights_addon.c. Private to this package: index.ts is the public one.
 *
 * All packet memory is one ArrayBuffer made by JavaScript; the handle keeps it alive, and every call checks that
 * it has not been detached. Nothing here is global: each handle belongs to the environment (thread) that opened
 * it, and a cleanup hook closes it when that thread ends in whatever way.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "addon_sockets.h"
#include "checksum.h"
#include "ip_set_addon.h"
#include "queue.h"
#include "raw_socket.h"
#include "rights_addon.h"
#include "surface.h"
#include "huge_pages.h"
#include "thread_slice.h"

enum { QUEUE_MAGIC = 0x71756575, RAW_MAGIC = 0x72617773 };

struct queue_handle {
  uint32_t magic;
  napi_env env;
  napi_ref arena, counters;
  uint8_t *arena_bytes;
  size_t arena_length;
  int open;
  struct queue queue;
};

struct raw_handle {
  uint32_t magic;
  napi_env env;
  int open;
  struct raw_socket raw;
};

/* ---- queues ---- */

static void close_on_exit(void *data) {
  struct queue_handle *handle = data;
  handle->open = 0;
  queue_close(&handle->queue);
}

static void close_handle(struct queue_handle *handle) {
  if (!handle->open) return;
  napi_remove_env_cleanup_hook(handle->env, close_on_exit, handle);
  close_on_exit(handle);
}

static void finalize_handle(napi_env env, void *data, void *hint) {
  struct queue_handle *handle = data;
  (void)hint;
  close_handle(handle);
  if (handle->arena) napi_delete_reference(env, handle->arena);
  if (handle->counters) napi_delete_reference(env, handle->counters);
  queue_free(&handle->queue);
  handle->magic = 0;
  free(handle);
}

/* The arena may have been transferred to another thread meanwhile; then its memory is no longer ours. */
static int arena_stands(struct queue_handle *handle) {
  napi_value arena;
  void *bytes = NULL;
  size_t length = 0;
  return napi_get_reference_value(handle->env, handle->arena, &arena) == napi_ok && arena &&
         napi_get_arraybuffer_info(handle->env, arena, &bytes, &length) == napi_ok &&
         bytes == handle->arena_bytes && length == handle->arena_length;
}

/* Element `index` of an array of typed arrays: inside the arena, of this kind, with exactly `count` elements. */
static void *get_field(napi_env env, napi_value fields, uint32_t index, napi_typedarray_type type, size_t count,
                       size_t element_size, const uint8_t *arena, size_t arena_length) {
  napi_value value;
  napi_typedarray_type found;
  size_t length;
  void *data;
  if (napi_get_element(env, fields, index, &value) != napi_ok) return NULL;
  if (napi_get_typedarray_info(env, value, &found, &length, &data, NULL, NULL) != napi_ok) return NULL;
  if (found != type || length != count) return NULL;
  const uint8_t *start = data;
  if (start < arena || count * element_size > arena_length) return NULL;
  return (size_t)(start - arena) <= arena_length - count * element_size ? data : NULL;
}

static int get_batch(napi_env env, napi_value fields, const uint8_t *arena, size_t arena_length,
                     struct queue_batch *batch) {
  uint32_t slots = batch->slots, index = 0;
  int complete = 1;
#define FIELD(name, type, count, element_size)                                                              \
  complete &= (batch->name = get_field(env, fields, index++, type, count, element_size, arena, arena_length)) != NULL
  FIELD(bytes, napi_uint8_array, (size_t)slots * batch->slot_size, 1);
  FIELD(time, napi_float64_array, slots, 8);
  FIELD(packet_id, napi_uint32_array, slots, 4);
  FIELD(offset, napi_uint32_array, slots, 4);
  FIELD(length, napi_uint32_array, slots, 4);
  FIELD(wire_length, napi_uint32_array, slots, 4);
  FIELD(mark, napi_uint32_array, slots, 4);
  FIELD(in_interface, napi_uint32_array, slots, 4);
  FIELD(out_interface, napi_uint32_array, slots, 4);
  FIELD(physical_in_interface, napi_uint32_array, slots, 4);
  FIELD(physical_out_interface, napi_uint32_array, slots, 4);
  FIELD(verdict_mark, napi_uint32_array, slots, 4);
  FIELD(info, napi_uint16_array, slots, 2);
  FIELD(hardware_protocol, napi_uint16_array, slots, 2);
  FIELD(hook, napi_uint8_array, slots, 1);
  FIELD(hardware, napi_uint8_array, (size_t)slots * 8, 1);
  FIELD(hardware_length, napi_uint8_array, slots, 1);
  FIELD(verdict, napi_uint8_array, slots, 1);
#undef FIELD
  return complete;
}

/* Settings of open, in the order of addon.ts. */
enum {
  SETTING_QUEUE,
  SETTING_COPY_RANGE,
  SETTING_MAX_LENGTH,
  SETTING_RECEIVE_BUFFER,
  SETTING_MAX_HELD,
  SETTING_FAIL_OPEN,
  SETTING_GSO,
  SETTING_SLOTS,
  SETTING_SLOT_SIZE,
  SETTING_COUNT
};

/* State of a queue, in the order of addon.ts. */
enum {
  STATE_FAIL_OPEN,
  STATE_GSO,
  STATE_MAX_LENGTH,
  STATE_COPY_RANGE,
  STATE_RECEIVE_BUFFER,
  STATE_FD,
  STATE_PORT_ID,
  STATE_STAGE,
  STATE_HELD,
  STATE_COUNT
};

static void write_state(const struct queue *queue, uint32_t *state) {
  state[STATE_FAIL_OPEN] = (uint32_t)queue->fail_open;
  state[STATE_GSO] = (uint32_t)queue->gso;
  state[STATE_MAX_LENGTH] = queue->max_length;
  state[STATE_COPY_RANGE] = queue->copy_range;
  state[STATE_RECEIVE_BUFFER] = queue->receive_buffer;
  state[STATE_FD] = (uint32_t)queue->fd;
  state[STATE_PORT_ID] = queue->port_id;
  state[STATE_STAGE] = queue->stage;
  state[STATE_HELD] = queue->held_count;
}

static void *get_typed(napi_env env, napi_value value, napi_typedarray_type type, size_t count) {
  napi_typedarray_type found;
  size_t length;
  void *data;
  if (napi_get_typedarray_info(env, value, &found, &length, &data, NULL, NULL) != napi_ok) return NULL;
  return found == type && length == count ? data : NULL;
}

/* open(settings, arena, fields, counters, state): handle, or the errno as a number. */
static napi_value open_queue(napi_env env, napi_callback_info info) {
  napi_value arguments[5], result;
  if (!get_arguments(env, info, 5, arguments)) return wrong_use(env, "open needs five arguments");
  const uint32_t *settings = get_typed(env, arguments[0], napi_uint32_array, SETTING_COUNT);
  double *counters = get_typed(env, arguments[3], napi_float64_array, COUNTER_COUNT);
  uint32_t *state = get_typed(env, arguments[4], napi_uint32_array, STATE_COUNT);
  void *arena = NULL;
  size_t arena_length = 0;
  if (!settings || !counters || !state) return wrong_use(env, "settings, counters or state have the wrong shape");
  if (napi_get_arraybuffer_info(env, arguments[1], &arena, &arena_length) != napi_ok) {
    return wrong_use(env, "the arena is not an ArrayBuffer");
  }
  struct queue_batch batch = {.slots = settings[SETTING_SLOTS], .slot_size = settings[SETTING_SLOT_SIZE]};
  if (batch.slots < 1 || batch.slots > 1024 || settings[SETTING_COPY_RANGE] > 65531 ||
      batch.slot_size < queue_slot_size(settings[SETTING_COPY_RANGE]) ||
      !get_batch(env, arguments[2], arena, arena_length, &batch)) {
    return wrong_use(env, "the batch's arrays do not fit the settings");
  }
  struct queue_options options = {
      .number = (uint16_t)settings[SETTING_QUEUE],
      .copy_range = settings[SETTING_COPY_RANGE],
      .max_length = settings[SETTING_MAX_LENGTH],
      .receive_buffer = settings[SETTING_RECEIVE_BUFFER],
      .max_held = settings[SETTING_MAX_HELD],
      .fail_open = settings[SETTING_FAIL_OPEN] != 0,
      .gso = settings[SETTING_GSO] != 0,
  };
  struct queue_handle *handle = calloc(1, sizeof *handle);
  if (!handle) return integer(env, ENOMEM);
  handle->magic = QUEUE_MAGIC;
  handle->env = env;
  handle->arena_bytes = arena;
  handle->arena_length = arena_length;
  int error = queue_open(&handle->queue, &options, &batch, counters);
  write_state(&handle->queue, state);
  if (error) {
    free(handle);
    return integer(env, error);
  }
  if (napi_create_reference(env, arguments[1], 1, &handle->arena) != napi_ok ||
      napi_create_reference(env, arguments[3], 1, &handle->counters) != napi_ok ||
      napi_create_external(env, handle, finalize_handle, NULL, &result) != napi_ok) {
    queue_close(&handle->queue);
    queue_free(&handle->queue);
    free(handle);
    return integer(env, ENOMEM);
  }
  handle->open = napi_add_env_cleanup_hook(env, close_on_exit, handle) == napi_ok;
  if (!handle->open) {
    queue_close(&handle->queue);
    return integer(env, ENOMEM);
  }
  return result;
}

static struct queue_handle *get_queue(napi_env env, napi_value value) {
  struct queue_handle *handle = get_handle(env, value, QUEUE_MAGIC);
  if (!handle) {
    wrong_use(env, "not a queue");
  } else if (!arena_stands(handle)) {
    wrong_use(env, "the arena was transferred to another thread");
    handle = NULL;
  }
  return handle;
}

/* receive(handle, timeoutMs): packets, or a negative errno. */
static napi_value receive(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  int32_t timeout = 0;
  if (!get_arguments(env, info, 2, arguments)) return wrong_use(env, "receive needs two arguments");
  struct queue_handle *handle = get_queue(env, arguments[0]);
  if (!handle) return NULL;
  if (napi_get_value_int32(env, arguments[1], &timeout) != napi_ok) return wrong_use(env, "the time-out is a number");
  return integer(env, queue_receive(&handle->queue, timeout < 0 ? 0 : timeout));
}

/* finalize(handle) */
static napi_value finalize(napi_env env, napi_callback_info info) {
  napi_value argument;
  if (!get_arguments(env, info, 1, &argument)) return wrong_use(env, "finalize needs a queue");
  struct queue_handle *handle = get_queue(env, argument);
  if (handle) queue_finalize(&handle->queue);
  return NULL;
}

/* decide(handle, packetId, verdict, mark, payload | null): 0 or an errno. */
static napi_value decide(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  uint32_t packet_id, verdict, mark;
  uint8_t *payload = NULL;
  size_t length = 0;
  bool has_payload = false;
  if (!get_arguments(env, info, 5, arguments)) return wrong_use(env, "decide needs five arguments");
  struct queue_handle *handle = get_queue(env, arguments[0]);
  if (!handle) return NULL;
  if (napi_get_value_uint32(env, arguments[1], &packet_id) != napi_ok ||
      napi_get_value_uint32(env, arguments[2], &verdict) != napi_ok ||
      napi_get_value_uint32(env, arguments[3], &mark) != napi_ok ||
      napi_is_typedarray(env, arguments[4], &has_payload) != napi_ok) {
    return wrong_use(env, "packet id, verdict and mark are numbers");
  }
  if (has_payload) {
    napi_typedarray_type type;
    void *data;
    if (napi_get_typedarray_info(env, arguments[4], &type, &length, &data, NULL, NULL) != napi_ok ||
        type != napi_uint8_array) {
      return wrong_use(env, "the payload is a Uint8Array");
    }
    payload = data;
  }
  if (verdict > 255 || length > 65531) return integer(env, EINVAL);
  return integer(env, queue_decide(&handle->queue, packet_id, (uint8_t)verdict, mark, payload, (uint32_t)length));
}

/* verifyChecksum(handle, i): enum checksum_status */
static napi_value verify_checksum(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  uint32_t i = 0;
  if (!get_arguments(env, info, 2, arguments)) return wrong_use(env, "verifyChecksum needs two arguments");
  struct queue_handle *handle = get_queue(env, arguments[0]);
  if (!handle) return NULL;
  napi_get_value_uint32(env, arguments[1], &i);
  if (i >= handle->queue.count) return integer(env, CHECKSUM_NONE_PRESENT);
  const struct queue_batch *batch = &handle->queue.batch;
  /* JavaScript may have written into these arrays. */
  size_t total = (size_t)batch->slots * batch->slot_size;
  if (batch->offset[i] > total || batch->length[i] > total - batch->offset[i]) return integer(env, CHECKSUM_MALFORMED);
  return integer(env, checksum_verify(batch->bytes + batch->offset[i], batch->length[i]));
}

/* setMaxLength(handle, n): 0 or an errno */
static napi_value set_max_length(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  uint32_t length = 0;
  if (!get_arguments(env, info, 2, arguments)) return wrong_use(env, "setMaxLength needs two arguments");
  struct queue_handle *handle = get_queue(env, arguments[0]);
  if (!handle) return NULL;
  napi_get_value_uint32(env, arguments[1], &length);
  return integer(env, queue_set_max_length(&handle->queue, length));
}

/* readState(handle, state) */
static napi_value read_state(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  if (!get_arguments(env, info, 2, arguments)) return wrong_use(env, "readState needs two arguments");
  struct queue_handle *handle = get_queue(env, arguments[0]);
  uint32_t *state = get_typed(env, arguments[1], napi_uint32_array, STATE_COUNT);
  if (handle && state) write_state(&handle->queue, state);
  return NULL;
}

/* close(handle) */
static napi_value close_queue(napi_env env, napi_callback_info info) {
  napi_value argument;
  if (!get_arguments(env, info, 1, &argument)) return wrong_use(env, "close needs a queue");
  struct queue_handle *handle = get_handle(env, argument, QUEUE_MAGIC);
  if (handle) close_handle(handle);
  return NULL;
}

/* abandon(fd, portId): 0 or an errno */
static napi_value abandon(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  int32_t fd = -1;
  uint32_t port_id = 0;
  if (!get_arguments(env, info, 2, arguments)) return wrong_use(env, "abandon needs two arguments");
  napi_get_value_int32(env, arguments[0], &fd);
  napi_get_value_uint32(env, arguments[1], &port_id);
  return integer(env, queue_abandon(fd, port_id));
}

/* slotSize(copyRange): bytes */
static napi_value slot_size(napi_env env, napi_callback_info info) {
  napi_value argument;
  uint32_t copy_range = 0;
  if (!get_arguments(env, info, 1, &argument)) return wrong_use(env, "slotSize needs a number");
  napi_get_value_uint32(env, argument, &copy_range);
  return integer(env, (int32_t)queue_slot_size(copy_range > 65531 ? 65531 : copy_range));
}

/* ---- raw sockets ---- */

static void close_raw_on_exit(void *data) {
  struct raw_handle *handle = data;
  handle->open = 0;
  raw_socket_close(&handle->raw);
}

static void close_raw(struct raw_handle *handle) {
  if (!handle->open) return;
  napi_remove_env_cleanup_hook(handle->env, close_raw_on_exit, handle);
  close_raw_on_exit(handle);
}

static void finalize_raw(napi_env env, void *data, void *hint) {
  struct raw_handle *handle = data;
  (void)env;
  (void)hint;
  close_raw(handle);
  handle->magic = 0;
  free(handle);
}

/* rawOpen(mark): handle, or the errno as a number */
static napi_value raw_open(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  uint32_t mark = 0;
  if (!get_arguments(env, info, 1, &argument)) return wrong_use(env, "rawOpen needs a mark");
  napi_get_value_uint32(env, argument, &mark);
  struct raw_handle *handle = calloc(1, sizeof *handle);
  if (!handle) return integer(env, ENOMEM);
  handle->magic = RAW_MAGIC;
  handle->env = env;
  int error = raw_socket_open(&handle->raw, mark);
  if (!error && napi_create_external(env, handle, finalize_raw, NULL, &result) != napi_ok) {
    raw_socket_close(&handle->raw);
    error = ENOMEM;
  }
  if (error) {
    free(handle);
    return integer(env, error);
  }
  handle->open = napi_add_env_cleanup_hook(env, close_raw_on_exit, handle) == napi_ok;
  if (!handle->open) {
    raw_socket_close(&handle->raw);
    return integer(env, ENOMEM);
  }
  return result;
}

/* rawSend(handle, bytes, offset, length, interfaceIndex): 0 or an errno */
static napi_value raw_send(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  uint32_t offset = 0, length = 0, interface = 0;
  size_t size;
  void *data;
  napi_typedarray_type type;
  if (!get_arguments(env, info, 5, arguments)) return wrong_use(env, "rawSend needs five arguments");
  struct raw_handle *handle = get_handle(env, arguments[0], RAW_MAGIC);
  if (!handle) return wrong_use(env, "not a raw sender");
  if (napi_get_typedarray_info(env, arguments[1], &type, &size, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array) {
    return wrong_use(env, "the packet is a Uint8Array");
  }
  if (napi_get_value_uint32(env, arguments[2], &offset) != napi_ok ||
      napi_get_value_uint32(env, arguments[3], &length) != napi_ok ||
      napi_get_value_uint32(env, arguments[4], &interface) != napi_ok) {
    return wrong_use(env, "offset, length and interface are numbers");
  }
  if (offset > size || length > size - offset) return integer(env, EINVAL);
  return integer(env, raw_socket_send(&handle->raw, (uint8_t *)data + offset, length, interface));
}

/* rawClose(handle) */
static napi_value raw_close(napi_env env, napi_callback_info info) {
  napi_value argument;
  if (!get_arguments(env, info, 1, &argument)) return wrong_use(env, "rawClose needs a raw sender");
  struct raw_handle *handle = get_handle(env, argument, RAW_MAGIC);
  if (handle) close_raw(handle);
  return NULL;
}

/* ---- for tests ---- */

/*
 * Copies bytes to the very end of a mapping that is followed by an inaccessible page, so that reading or writing
 * one byte too many ends the process. Returns NULL when there is no memory.
 */
static uint8_t *guard(const void *bytes, size_t length, uint8_t **mapping, size_t *mapped) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t body = (length + page - 1) / page * page;
  *mapped = body + page;
  *mapping = mmap(NULL, *mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (*mapping == MAP_FAILED) return NULL;
  mprotect(*mapping + body, page, PROT_NONE);
  uint8_t *start = *mapping + body - length;
  if (length) memcpy(start, bytes, length);
  return start;
}

/*
 * parseMessage(bytes, queue, result: Float64Array(12)): enum message_kind. Result: packet id, payload index,
 * length, wire length, info, mark, in, out, hook, hardware length, time, error.
 */
static napi_value parse_message(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  uint32_t queue = 0;
  size_t length, mapped;
  void *data;
  uint8_t *mapping;
  napi_typedarray_type type;
  struct message message;
  if (!get_arguments(env, info, 3, arguments)) return wrong_use(env, "parseMessage needs three arguments");
  double *result = get_typed(env, arguments[2], napi_float64_array, 12);
  if (!result || napi_get_typedarray_info(env, arguments[0], &type, &length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array) {
    return wrong_use(env, "parseMessage needs a Uint8Array, a queue and a Float64Array(12)");
  }
  napi_get_value_uint32(env, arguments[1], &queue);
  uint8_t *start = guard(data, length, &mapping, &mapped);
  if (!start) return wrong_use(env, "no memory");
  enum message_kind kind = message_parse(start, length, (uint16_t)queue, &message);
  munmap(mapping, mapped);
  result[0] = message.packet_id;
  result[1] = message.payload;
  result[2] = message.length;
  result[3] = message.wire_length;
  result[4] = message.info;
  result[5] = message.mark;
  result[6] = message.in_interface;
  result[7] = message.out_interface;
  result[8] = message.hook;
  result[9] = message.hardware_length;
  result[10] = message.time;
  result[11] = message.error;
  return integer(env, (int32_t)kind);
}

/* checksum(bytes, write): enum checksum_status; with write, bytes get the sums. */
static napi_value checksum(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  bool write = false;
  size_t length, mapped;
  void *data;
  uint8_t *mapping;
  napi_typedarray_type type;
  if (!get_arguments(env, info, 2, arguments)) return wrong_use(env, "checksum needs two arguments");
  if (napi_get_typedarray_info(env, arguments[0], &type, &length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array) {
    return wrong_use(env, "checksum needs a Uint8Array");
  }
  napi_get_value_bool(env, arguments[1], &write);
  uint8_t *start = guard(data, length, &mapping, &mapped);
  if (!start) return wrong_use(env, "no memory");
  enum checksum_status status = write ? checksum_write(start, length) : checksum_verify(start, length);
  if (length) memcpy(data, start, length);
  munmap(mapping, mapped);
  return integer(env, (int32_t)status);
}

/* threadSlice(microseconds): 0 or the errno; of the calling thread */
static napi_value set_thread_slice(napi_env env, napi_callback_info info) {
  napi_value argument;
  uint32_t microseconds = 0;
  if (!get_arguments(env, info, 1, &argument) || napi_get_value_uint32(env, argument, &microseconds) != napi_ok)
    return wrong_use(env, "threadSlice needs microseconds");
  return integer(env, thread_slice((uint64_t)microseconds * 1000));
}

/* hugePages(bytes): advises, and tells the bytes in front of the first cache line */
static napi_value use_huge_pages(napi_env env, napi_callback_info info) {
  napi_value argument;
  napi_typedarray_type type;
  size_t length = 0;
  void *memory = NULL;
  if (!get_arguments(env, info, 1, &argument) ||
      napi_get_typedarray_info(env, argument, &type, &length, &memory, NULL, NULL) != napi_ok ||
      type != napi_uint8_array)
    return wrong_use(env, "hugePages needs bytes");
  huge_pages_advise(memory, length);
  return integer(env, (int32_t)cache_line_offset(memory));
}

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback callback;
  } functions[] = {
      {"open", open_queue},
      {"receive", receive},
      {"finalize", finalize},
      {"decide", decide},
      {"verifyChecksum", verify_checksum},
      {"setMaxLength", set_max_length},
      {"readState", read_state},
      {"close", close_queue},
      {"abandon", abandon},
      {"slotSize", slot_size},
      {"rawOpen", raw_open},
      {"rawSend", raw_send},
      {"rawClose", raw_close},
      {"listTcpSockets", list_tcp_sockets},
      {"destroyTcpSockets", destroy_tcp_sockets},
      {"listenTransparently", listen_transparently},
      {"restart", restart},
      {"threadSlice", set_thread_slice},
      {"hugePages", use_huge_pages},
      {"parseMessage", parse_message},
      {"checksum", checksum},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].callback, NULL, &function) !=
            napi_ok ||
        napi_set_named_property(env, exports, functions[i].name, function) != napi_ok) {
      return NULL;
    }
  }
  return add_ip_set_functions(env, exports) ? exports : NULL;
}
