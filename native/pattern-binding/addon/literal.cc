#include "literal.h"

#include <cstdint>

#include "arguments.h"
#include "literal_search.h"

namespace portcullis {

namespace {

/// bytes, from, to, literal, caseless → place, or -1
napi_value findLiteral(napi_env env, napi_callback_info info) {
  size_t count = 5;
  napi_value arguments[5];
  ByteSpan bytes, literal;
  uint32_t from, to;
  bool caseless;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 5 ||
      !readArray(env, arguments[0], napi_uint8_array, &bytes) ||
      napi_get_value_uint32(env, arguments[1], &from) != napi_ok ||
      napi_get_value_uint32(env, arguments[2], &to) != napi_ok ||
      !readArray(env, arguments[3], napi_uint8_array, &literal) ||
      napi_get_value_bool(env, arguments[4], &caseless) != napi_ok || from > to || to > bytes.length) {
    return fail(env, "INVALID_ARGUMENT", "findLiteral takes bytes, from, to, a literal and whether case counts");
  }
  int64_t place = -1;
  if (literal.length > 0 && literal.length <= to - from) {
    place = searchLiteral(bytes.data + from, to - from, literal.data, literal.length, caseless);
    if (place >= 0) place += from;
  }
  napi_value result;
  return napi_create_int64(env, place, &result) == napi_ok ? result : nullptr;
}

}  // namespace

bool defineLiteral(napi_env env, napi_value exports) {
  return defineFunction(env, exports, "findLiteral", findLiteral);
}

}  // namespace portcullis
