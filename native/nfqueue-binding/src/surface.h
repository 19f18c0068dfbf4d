#ifndef SURFACE_H
#define SURFACE_H

/* What every file of the Node-API surface needs. */

#ifndef NAPI_VERSION
#define NAPI_VERSION 8
#endif
#include <node_api.h>

#include <stddef.h>
#include <stdint.h>

static inline napi_value integer(napi_env env, int32_t value) {
  napi_value result = NULL;
  napi_create_int32(env, value, &result);
  return result;
}

static inline napi_value wrong_use(napi_env env, const char *message) {
  napi_throw_type_error(env, "NFQUEUE_WRONG_USE", message);
  return NULL;
}

static inline int get_arguments(napi_env env, napi_callback_info info, size_t expected, napi_value *arguments) {
  size_t count = expected;
  return napi_get_cb_info(env, info, &count, arguments, NULL, NULL) == napi_ok && count >= expected;
}

static inline void *get_handle(napi_env env, napi_value value, uint32_t magic) {
  void *handle = NULL;
  if (napi_get_value_external(env, value, &handle) != napi_ok || !handle) return NULL;
  return *(uint32_t *)handle == magic ? handle : NULL;
}

#endif
