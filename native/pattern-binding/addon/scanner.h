// Scans: one scratch, one set of result arrays and the databases that one thread uses.
#pragma once

#include <node_api.h>

namespace portcullis {

bool defineScanner(napi_env env, napi_value exports);

}  // namespace portcullis
