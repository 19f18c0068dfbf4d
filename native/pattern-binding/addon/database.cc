#include "database.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "arguments.h"
#include "runtime.h"

namespace portcullis {

Database::Database(hs_database_t* compiled, BytePatterns bytePatterns, uint32_t patterns)
    : compiled_(compiled), bytePatterns_(std::move(bytePatterns)), patterns_(patterns), size_(0) {
  if (compiled_ != nullptr) hs_database_size(compiled_, &size_);
  size_ += bytePatterns_.list().size() * sizeof(BytePattern);
}

Database::~Database() { hs_free_database(compiled_); }

namespace {

// ---- Handles ---------------------------------------------------------------------------------------------

/// What an external value in JavaScript points to. Each thread has its own; the database behind is common.
struct Handle {
  DatabasePointer database;
  /// Bytes told to the garbage collector; only the thread that made the database counts it.
  int64_t accounted;
};

void release(napi_env env, Handle* handle) {
  handle->database.reset();
  if (handle->accounted != 0) {
    int64_t total;
    napi_adjust_external_memory(env, -handle->accounted, &total);
    handle->accounted = 0;
  }
}

void finalizeHandle(napi_env env, void* data, void*) {
  Handle* handle = static_cast<Handle*>(data);
  release(env, handle);
  delete handle;
}

napi_value createHandle(napi_env env, DatabasePointer database, bool account) {
  int64_t accounted = account ? static_cast<int64_t>(database->size()) : 0;
  Handle* handle = new Handle{std::move(database), accounted};
  napi_value external;
  if (napi_create_external(env, handle, finalizeHandle, nullptr, &external) != napi_ok) {
    delete handle;
    return fail(env, "NATIVE_FAILURE", "the handle of a pattern database could not be created");
  }
  int64_t total;
  if (accounted != 0) napi_adjust_external_memory(env, accounted, &total);
  return external;
}

// ---- The process-wide registry -----------------------------------------------------------------------------

/// Names databases for other threads without keeping them alive: handles and scanners do that.
struct Registry {
  std::mutex mutex;
  std::unordered_map<std::string, std::weak_ptr<const Database>> entries;
};

/// Never destroyed: a thread may still look something up while the process exits.
Registry& registry() {
  static Registry* instance = new Registry();
  return *instance;
}

// ---- Compiling ---------------------------------------------------------------------------------------------

// Bits that src/pattern-database.ts puts into the array of flags.
constexpr uint8_t kCaseless = 1;
constexpr uint8_t kDotAll = 2;
constexpr uint8_t kMultiline = 4;
constexpr uint8_t kRegex = 8;

/// A literal as an expression that matches it. Vectorscan's own interface for literals
/// (hs_compile_lit_multi) refuses those that begin with a zero byte; written as an expression a literal
/// compiles to the same database.
std::string quoted(const uint8_t* bytes, size_t length) {
  static const char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(4 * length);
  for (size_t i = 0; i < length; i++) {
    const uint8_t byte = bytes[i];
    if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z')) {
      text += static_cast<char>(byte);
    } else {
      text += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return text;
}

struct Compilation {
  // Input, copied so that another thread can work on it.
  std::vector<std::string> expressions;
  std::vector<unsigned> ids;
  std::vector<unsigned> flags;
  /// Place of each expression in the list of the caller.
  std::vector<uint32_t> places;
  std::vector<BytePattern> bytePatterns;
  uint32_t patterns = 0;
  // Result.
  DatabasePointer database;
  std::string message;
  int64_t index = -1;
  // Only for the asynchronous variant.
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;

  void run();
};

void Compilation::run() {
  const std::unordered_set<uint32_t> expressionIds(ids.begin(), ids.end());
  for (BytePattern& pattern : bytePatterns) pattern.shared = expressionIds.count(pattern.id) != 0;
  hs_database_t* compiled = nullptr;
  hs_compile_error_t* error = nullptr;
  hs_error_t status = HS_SUCCESS;
  if (!expressions.empty() || bytePatterns.empty()) {
    std::vector<const char*> texts;
    texts.reserve(expressions.size());
    for (const std::string& expression : expressions) texts.push_back(expression.c_str());
    status = hs_compile_multi(texts.data(), flags.data(), ids.data(), static_cast<unsigned>(expressions.size()),
                              HS_MODE_BLOCK, &runtime().platform, &compiled, &error);
  }
  if (status == HS_SUCCESS) {
    database = std::make_shared<const Database>(compiled, BytePatterns(std::move(bytePatterns)), patterns);
    return;
  }
  message = error != nullptr && error->message != nullptr ? error->message : "the pattern compiler failed";
  if (error != nullptr && error->expression >= 0 && static_cast<size_t>(error->expression) < places.size()) {
    index = places[error->expression];
  }
  if (error != nullptr) hs_free_compile_error(error);
}

/// Arguments: bytes, ends (Uint32Array), ids (Uint32Array), flags (Uint8Array).
bool readCompilation(napi_env env, napi_callback_info info, Compilation* out) {
  size_t count = 4;
  napi_value arguments[4];
  ByteSpan bytes, ends, ids, flags;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 4 ||
      !readArray(env, arguments[0], napi_uint8_array, &bytes) ||
      !readArray(env, arguments[1], napi_uint32_array, &ends) ||
      !readArray(env, arguments[2], napi_uint32_array, &ids) ||
      !readArray(env, arguments[3], napi_uint8_array, &flags) || ends.length != ids.length ||
      ends.length != flags.length) {
    fail(env, "INVALID_ARGUMENT", "compile takes bytes, ends, ids and flags");
    return false;
  }
  const uint32_t* end = reinterpret_cast<const uint32_t*>(ends.data);
  const uint32_t* id = reinterpret_cast<const uint32_t*>(ids.data);
  size_t at = 0;
  for (size_t i = 0; i < ends.length; i++) {
    if (end[i] < at || end[i] > bytes.length) {
      fail(env, "INVALID_ARGUMENT", "the end of an expression is out of range", static_cast<int64_t>(i));
      return false;
    }
    const uint8_t* expression = bytes.data + at;
    const size_t length = end[i] - at;
    at = end[i];
    out->patterns++;
    if (length == 1 && (flags.data[i] & kRegex) == 0) {
      const uint8_t byte = *expression;
      const uint8_t lower = byte | 0x20;
      const bool folded = (flags.data[i] & kCaseless) != 0 && lower >= 'a' && lower <= 'z';
      const uint8_t otherCase = folded ? byte ^ 0x20 : byte;
      out->bytePatterns.push_back(BytePattern{id[i], byte, otherCase, 0, 0});
      continue;
    }
    if (flags.data[i] & kRegex) {
      out->expressions.emplace_back(reinterpret_cast<const char*>(expression), length);
    } else {
      out->expressions.push_back(quoted(expression, length));
    }
    out->places.push_back(static_cast<uint32_t>(i));
    out->ids.push_back(id[i]);
    unsigned flag = HS_FLAG_SINGLEMATCH;
    if (flags.data[i] & kCaseless) flag |= HS_FLAG_CASELESS;
    if (flags.data[i] & kDotAll) flag |= HS_FLAG_DOTALL;
    if (flags.data[i] & kMultiline) flag |= HS_FLAG_MULTILINE;
    out->flags.push_back(flag);
  }
  return true;
}

napi_value compile(napi_env env, napi_callback_info info) {
  Compilation compilation;
  if (!readCompilation(env, info, &compilation)) return nullptr;
  compilation.run();
  if (!compilation.database) return fail(env, "PATTERN_COMPILE", compilation.message, compilation.index);
  return createHandle(env, compilation.database, true);
}

void executeCompilation(napi_env, void* data) { static_cast<Compilation*>(data)->run(); }

void completeCompilation(napi_env env, napi_status status, void* data) {
  std::unique_ptr<Compilation> compilation(static_cast<Compilation*>(data));
  napi_delete_async_work(env, compilation->work);
  if (status != napi_ok) return;  // The thread is ending: nobody is left to be told.
  if (compilation->database) {
    napi_value handle = createHandle(env, compilation->database, true);
    if (handle != nullptr) napi_resolve_deferred(env, compilation->deferred, handle);
    return;
  }
  fail(env, "PATTERN_COMPILE", compilation->message, compilation->index);
  napi_value error;
  if (napi_get_and_clear_last_exception(env, &error) != napi_ok) return;
  napi_reject_deferred(env, compilation->deferred, error);
}

napi_value compileAsync(napi_env env, napi_callback_info info) {
  auto compilation = std::make_unique<Compilation>();
  if (!readCompilation(env, info, compilation.get())) return nullptr;
  napi_value promise, name;
  if (napi_create_promise(env, &compilation->deferred, &promise) != napi_ok ||
      napi_create_string_utf8(env, "portcullis:compile-patterns", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_async_work(env, nullptr, name, executeCompilation, completeCompilation, compilation.get(),
                             &compilation->work) != napi_ok) {
    return fail(env, "NATIVE_FAILURE", "the compilation could not be started");
  }
  if (napi_queue_async_work(env, compilation->work) != napi_ok) {
    napi_delete_async_work(env, compilation->work);
    return fail(env, "NATIVE_FAILURE", "the compilation could not be started");
  }
  compilation.release();
  return promise;
}

// ---- Serialising -------------------------------------------------------------------------------------------

// Serialised: number of byte patterns (4 bytes, as the processor has them), the byte patterns as they stand in
// memory, and what Vectorscan serialised (nothing when all patterns are single bytes).

/// handle → ArrayBuffer
napi_value serialize(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok) return nullptr;
  DatabasePointer database = databaseOf(env, argument);
  if (!database) return fail(env, "DATABASE_CLOSED", "the pattern database has been closed");
  char* bytes = nullptr;
  size_t length = 0;
  if (database->compiled() != nullptr &&
      hs_serialize_database(database->compiled(), &bytes, &length) != HS_SUCCESS) {
    return fail(env, "NATIVE_FAILURE", "the pattern database could not be serialised: out of memory");
  }
  const std::vector<BytePattern>& list = database->bytePatterns().list();
  const uint32_t listCount = static_cast<uint32_t>(list.size());
  const size_t listSize = list.size() * sizeof(BytePattern);
  void* data;
  napi_value buffer = nullptr;
  if (napi_create_arraybuffer(env, sizeof(listCount) + listSize + length, &data, &buffer) == napi_ok) {
    char* out = static_cast<char*>(data);
    memcpy(out, &listCount, sizeof(listCount));
    if (listSize > 0) memcpy(out + sizeof(listCount), list.data(), listSize);
    if (length > 0) memcpy(out + sizeof(listCount) + listSize, bytes, length);
  }
  free(bytes);
  return buffer;
}

/// bytes, patterns → handle
napi_value deserialize(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  ByteSpan bytes;
  uint32_t patterns;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 2 ||
      !readArray(env, arguments[0], napi_uint8_array, &bytes) ||
      napi_get_value_uint32(env, arguments[1], &patterns) != napi_ok) {
    return fail(env, "INVALID_ARGUMENT", "deserialize takes bytes and a number of patterns");
  }
  uint32_t listCount = 0;
  if (bytes.length >= sizeof(listCount)) memcpy(&listCount, bytes.data, sizeof(listCount));
  const size_t listSize = static_cast<size_t>(listCount) * sizeof(BytePattern);
  const size_t head = sizeof(listCount) + listSize;
  if (bytes.length < head || (listCount == 0 && bytes.length == head)) {
    return fail(env, "DATABASE_CORRUPT", "the bytes are not a pattern database");
  }
  std::vector<BytePattern> list(listCount);
  if (listSize > 0) memcpy(list.data(), bytes.data + sizeof(listCount), listSize);
  hs_database_t* compiled = nullptr;
  const hs_error_t status =
      bytes.length == head ? HS_SUCCESS
                           : hs_deserialize_database(reinterpret_cast<const char*>(bytes.data) + head,
                                                     bytes.length - head, &compiled);
  switch (status) {
    case HS_SUCCESS:
      return createHandle(env, std::make_shared<const Database>(compiled, BytePatterns(std::move(list)), patterns),
                          true);
    case HS_DB_VERSION_ERROR:
      return fail(env, "DATABASE_VERSION", "the pattern database was made by another version of the library");
    case HS_DB_PLATFORM_ERROR:
      return fail(env, "DATABASE_PLATFORM", "the pattern database was made for another processor");
    case HS_NOMEM:
      return fail(env, "NATIVE_FAILURE", "no memory for the pattern database");
    default:
      return fail(env, "DATABASE_CORRUPT", "the bytes are not a pattern database");
  }
}

// ---- Sharing -----------------------------------------------------------------------------------------------

/// handle, key: string → undefined
napi_value share(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  std::string key;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 2 ||
      !readString(env, arguments[1], &key)) {
    return fail(env, "INVALID_ARGUMENT", "share takes a database and a key");
  }
  DatabasePointer database = databaseOf(env, arguments[0]);
  if (!database) return fail(env, "DATABASE_CLOSED", "the pattern database has been closed");
  Registry& known = registry();
  bool taken = false;
  {
    std::lock_guard<std::mutex> lock(known.mutex);
    for (auto entry = known.entries.begin(); entry != known.entries.end();) {
      entry = entry->second.expired() ? known.entries.erase(entry) : std::next(entry);
    }
    auto& entry = known.entries[key];
    DatabasePointer other = entry.lock();
    taken = other && other != database;
    if (!taken) entry = database;
  }
  if (taken) return fail(env, "SHARE_KEY_TAKEN", "another pattern database is shared as \"" + key + "\"");
  return nullptr;
}

/// key: string → handle or null
napi_value attach(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  std::string key;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok || count != 1 ||
      !readString(env, argument, &key)) {
    return fail(env, "INVALID_ARGUMENT", "attach takes a key");
  }
  DatabasePointer database;
  {
    Registry& known = registry();
    std::lock_guard<std::mutex> lock(known.mutex);
    auto entry = known.entries.find(key);
    if (entry != known.entries.end()) database = entry->second.lock();
  }
  if (database) return createHandle(env, std::move(database), false);
  napi_value null;
  return napi_get_null(env, &null) == napi_ok ? null : nullptr;
}

/// handle → undefined
napi_value close(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok) return nullptr;
  Handle* handle = static_cast<Handle*>(readExternal(env, argument));
  if (handle != nullptr) release(env, handle);
  return nullptr;
}

/// handle → [patterns, bytes, threads and scanners that hold it]
napi_value describe(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok) return nullptr;
  DatabasePointer database = databaseOf(env, argument);
  if (!database) return fail(env, "DATABASE_CLOSED", "the pattern database has been closed");
  const double values[] = {static_cast<double>(database->patterns()), static_cast<double>(database->size()),
                           static_cast<double>(database.use_count() - 1)};
  napi_value list;
  if (napi_create_array(env, &list) != napi_ok) return nullptr;
  for (uint32_t i = 0; i < 3; i++) {
    napi_value value;
    if (napi_create_double(env, values[i], &value) != napi_ok) return nullptr;
    napi_set_element(env, list, i, value);
  }
  return list;
}

/// → string
napi_value fingerprint(napi_env env, napi_callback_info) {
  const Runtime& used = runtime();
  if (!used.supported) return fail(env, "NATIVE_FAILURE", "Vectorscan does not support this processor");
  char features[64];
  snprintf(features, sizeof(features), " tune=%u features=%llx%s", used.platform.tune, used.platform.cpu_features,
           used.narrowed ? " runtime=corei7" : "");
  std::string version = hs_version();
  version.erase(version.find_last_not_of(' ') + 1);
  std::string text = "vectorscan " + version + features;
  napi_value value;
  return napi_create_string_utf8(env, text.data(), text.size(), &value) == napi_ok ? value : nullptr;
}

}  // namespace

DatabasePointer databaseOf(napi_env env, napi_value value) {
  Handle* handle = static_cast<Handle*>(readExternal(env, value));
  return handle != nullptr ? handle->database : nullptr;
}

bool defineDatabase(napi_env env, napi_value exports) {
  return defineFunction(env, exports, "compile", compile) &&
         defineFunction(env, exports, "compileAsync", compileAsync) &&
         defineFunction(env, exports, "serialize", serialize) &&
         defineFunction(env, exports, "deserialize", deserialize) && defineFunction(env, exports, "share", share) &&
         defineFunction(env, exports, "attach", attach) && defineFunction(env, exports, "close", close) &&
         defineFunction(env, exports, "describe", describe) &&
         defineFunction(env, exports, "fingerprint", fingerprint);
}

}  // namespace portcullis
