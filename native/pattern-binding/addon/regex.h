// PCRE2 expressions over bytes, with limits on what one search may cost.
#pragma once

#include <node_api.h>

namespace portcullis {

bool defineRegex(napi_env env, napi_value exports);

}  // namespace portcullis
