#include "arguments.h"
#include "database.h"
#include "literal.h"
#include "regex.h"
#include "scanner.h"

// Runs once per thread that loads the addon. Nothing but the registry of databases is common to the threads.
NAPI_MODULE_INIT() {
  if (!portcullis::defineDatabase(env, exports) || !portcullis::defineScanner(env, exports) ||
      !portcullis::defineRegex(env, exports) || !portcullis::defineLiteral(env, exports)) {
    return portcullis::fail(env, "NATIVE_FAILURE", "the pattern addon could not be set up");
  }
  return exports;
}
