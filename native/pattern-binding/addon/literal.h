#pragma once

#include <node_api.h>

namespace portcullis {

/// Adds `findLiteral` to the exports.
bool defineLiteral(napi_env env, napi_value exports);

}  // namespace portcullis
