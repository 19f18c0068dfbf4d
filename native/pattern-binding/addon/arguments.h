// Reading the arguments of a call and throwing errors that carry a stable code.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace portcullis {

/// Bytes of a typed array, borrowed from JavaScript.
struct ByteSpan {
  uint8_t* data = nullptr;
  size_t length = 0;
};

/// Throws an Error with `code` and, when it is not negative, `position` (the index of a pattern or an offset
/// in an expression). Always returns nullptr, so that a binding can `return fail(...)`.
napi_value fail(napi_env env, const char* code, const std::string& message, int64_t position = -1);

/// The memory of a typed array of the given element type; false when `value` is something else.
/// A view over a SharedArrayBuffer is as good as one over an ArrayBuffer.
bool readArray(napi_env env, napi_value value, napi_typedarray_type type, ByteSpan* out);

bool readString(napi_env env, napi_value value, std::string* out);

/// The native object behind an external value; nullptr when `value` is something else.
void* readExternal(napi_env env, napi_value value);

bool defineFunction(napi_env env, napi_value object, const char* name, napi_callback callback, void* data = nullptr);

}  // namespace portcullis
