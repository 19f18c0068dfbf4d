#include "arguments.h"

namespace portcullis {

napi_value fail(napi_env env, const char* code, const std::string& message, int64_t position) {
  napi_value codeValue, messageValue, error;
  if (napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &codeValue) != napi_ok) return nullptr;
  if (napi_create_string_utf8(env, message.data(), message.size(), &messageValue) != napi_ok) return nullptr;
  if (napi_create_error(env, codeValue, messageValue, &error) != napi_ok) return nullptr;
  if (position >= 0) {
    napi_value positionValue;
    if (napi_create_int64(env, position, &positionValue) != napi_ok) return nullptr;
    napi_set_named_property(env, error, "position", positionValue);
  }
  napi_throw(env, error);
  return nullptr;
}

bool readArray(napi_env env, napi_value value, napi_typedarray_type type, ByteSpan* out) {
  bool isTypedArray = false;
  if (napi_is_typedarray(env, value, &isTypedArray) != napi_ok || !isTypedArray) return false;
  napi_typedarray_type actual;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(env, value, &actual, &length, &data, nullptr, nullptr) != napi_ok) return false;
  if (actual != type) return false;
  out->data = static_cast<uint8_t*>(data);
  out->length = length;
  return true;
}

bool readString(napi_env env, napi_value value, std::string* out) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return false;
  out->resize(length);
  // std::string keeps room for the terminator that Node-API writes.
  return napi_get_value_string_utf8(env, value, out->data(), length + 1, &length) == napi_ok;
}

void* readExternal(napi_env env, napi_value value) {
  napi_valuetype type;
  void* data = nullptr;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return nullptr;
  return napi_get_value_external(env, value, &data) == napi_ok ? data : nullptr;
}

bool defineFunction(napi_env env, napi_value object, const char* name, napi_callback callback, void* data) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data, &function) == napi_ok &&
         napi_set_named_property(env, object, name, function) == napi_ok;
}

}  // namespace portcullis
