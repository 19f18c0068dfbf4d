#include "scanner.h"

#include <hs.h>

#include <memory>
#include <vector>

#include "arguments.h"
#include "database.h"
#include "placed_patterns.h"
#include "runtime.h"

namespace portcullis {

namespace {

// Layout of the control array, which src/pattern-scanner.ts shares.
constexpr size_t kJobCount = 0;
constexpr size_t kStatus = 1;
constexpr size_t kJobs = 2;
constexpr size_t kJobWidth = 3;

// Values of control[kStatus]; a failure is (code, job << 8).
constexpr int32_t kDone = 0;
constexpr int32_t kBadJob = 1;
constexpr int32_t kScanFailed = 2;

struct Scanner {
  /// Functions in JavaScript that point here; the last one to be collected frees the scanner.
  int owners = 0;
  napi_ref controlReference = nullptr;
  napi_ref matchesReference = nullptr;
  int32_t* control = nullptr;
  uint32_t* matches = nullptr;
  uint32_t maxMatches = 0;
  uint32_t maxJobs = 0;
  /// Bound bytes. JavaScript keeps the array alive and binds again whenever its identity or length changes.
  const uint8_t* bytes = nullptr;
  uint32_t length = 0;
  ScanFunction scan = runtime().scan;
  hs_scratch_t* scratch = nullptr;
  std::vector<DatabasePointer> databases;
  /// By database: see `Bounds::ends`; empty where patterns may stand anywhere.
  std::vector<std::vector<uint32_t>> bounds;
  /// By database: literals that are looked up instead; then there is no database.
  std::vector<std::unique_ptr<const PlacedPatterns>> placed;

  ~Scanner() { hs_free_scratch(scratch); }
};

struct Recording {
  uint32_t* next;
  uint32_t* limit;
  Bounds bounds;
};

/// Every pattern is reported once, where it stands first: what ends beyond its bound there does so everywhere.
int record(unsigned id, unsigned long long, unsigned long long end, unsigned, void* context) {
  Recording* recording = static_cast<Recording*>(context);
  if (!recording->bounds.allow(id, end)) return 0;
  if (recording->next == recording->limit) return 1;
  *recording->next++ = id;
  return 0;
}

/// Runs the jobs in the control array. Takes and returns nothing: reading arguments costs more than a scan of
/// a short buffer.
napi_value run(napi_env env, napi_callback_info info) {
  void* data;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
  Scanner& scanner = *static_cast<Scanner*>(data);
  int32_t* control = scanner.control;
  const uint32_t jobCount = static_cast<uint32_t>(control[kJobCount]);
  if (jobCount > scanner.maxJobs) {
    control[kStatus] = kBadJob;
    return nullptr;
  }
  const int32_t* job = control + kJobs;
  int32_t* counts = control + kJobs + kJobWidth * scanner.maxJobs;
  const int32_t* bases = counts + scanner.maxJobs;
  uint32_t* next = scanner.matches;
  for (uint32_t i = 0; i < jobCount; i++, job += kJobWidth) {
    const uint32_t index = static_cast<uint32_t>(job[0]);
    const uint32_t start = static_cast<uint32_t>(job[1]);
    const uint32_t end = static_cast<uint32_t>(job[2]);
    if (index >= scanner.databases.size() || start > end || end > scanner.length) {
      control[kStatus] = kBadJob | static_cast<int32_t>(i << 8);
      return nullptr;
    }
    counts[i] = 0;
    if (start == end) continue;
    if (scanner.placed[index] != nullptr) {
      if (bases[i] < 0) {
        control[kStatus] = kBadJob | static_cast<int32_t>(i << 8);
        return nullptr;
      }
      uint32_t* found = scanner.placed[index]->find(scanner.bytes + start, end - start, static_cast<uint32_t>(bases[i]),
                                                    next, next + scanner.maxMatches);
      counts[i] = static_cast<int32_t>(found == nullptr ? scanner.maxMatches + 1 : found - next);
      if (found != nullptr) next = found;
      continue;
    }
    const std::vector<uint32_t>& ends = scanner.bounds[index];
    const Bounds bounds{ends.data(), static_cast<uint32_t>(ends.size()), bases[i]};
    Recording recording{next, next + scanner.maxMatches, bounds};
    const Database& database = *scanner.databases[index];
    const uint8_t* bytes = scanner.bytes + start;
    hs_error_t status = HS_SUCCESS;
    if (database.compiled() != nullptr) {
      status = scanner.scan(database.compiled(), reinterpret_cast<const char*>(bytes), end - start, 0, scanner.scratch,
                       record, &recording);
    }
    if (status == HS_SUCCESS && !database.bytePatterns().list().empty()) {
      recording.next = database.bytePatterns().find(bytes, end - start, bounds, next, recording.next, recording.limit);
      if (recording.next == nullptr) status = HS_SCAN_TERMINATED;
    }
    if (status == HS_SUCCESS) {
      counts[i] = static_cast<int32_t>(recording.next - next);
      next = recording.next;
    } else if (status == HS_SCAN_TERMINATED) {
      counts[i] = static_cast<int32_t>(scanner.maxMatches + 1);
    } else {
      control[kStatus] = kScanFailed | static_cast<int32_t>(i << 8);
      return nullptr;
    }
  }
  control[kStatus] = kDone;
  return nullptr;
}

/// bytes → undefined
napi_value bind(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  void* data;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, &data) != napi_ok) return nullptr;
  Scanner& scanner = *static_cast<Scanner*>(data);
  ByteSpan bytes;
  scanner.length = 0;
  if (count != 1 || !readArray(env, argument, napi_uint8_array, &bytes) || bytes.length > INT32_MAX) {
    return fail(env, "INVALID_ARGUMENT", "a scan takes a Uint8Array of less than 2 GiB");
  }
  scanner.bytes = bytes.data;
  scanner.length = static_cast<uint32_t>(bytes.length);
  return nullptr;
}

napi_value lastIndex(napi_env env, const Scanner& scanner) {
  const uint32_t last = static_cast<uint32_t>(scanner.databases.size() - 1);
  napi_value index;
  return napi_create_uint32(env, last, &index) == napi_ok ? index : nullptr;
}

/// handle, bounds (Uint32Array by id, 0: none) → index
napi_value add(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  void* data;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, &data) != napi_ok) return nullptr;
  Scanner& scanner = *static_cast<Scanner*>(data);
  ByteSpan bounds;
  if (count != 2 || !readArray(env, arguments[1], napi_uint32_array, &bounds))
    return fail(env, "INVALID_ARGUMENT", "the bounds of patterns are a Uint32Array");
  DatabasePointer database = databaseOf(env, arguments[0]);
  if (!database) return fail(env, "DATABASE_CLOSED", "the pattern database has been closed");
  if (database->compiled() != nullptr && hs_alloc_scratch(database->compiled(), &scanner.scratch) != HS_SUCCESS) {
    return fail(env, "NATIVE_FAILURE", "no memory to scan with this pattern database");
  }
  scanner.databases.push_back(std::move(database));
  const uint32_t* ends = reinterpret_cast<const uint32_t*>(bounds.data);
  scanner.bounds.emplace_back(ends, ends + bounds.length);
  scanner.placed.emplace_back();
  return lastIndex(env, scanner);
}

/// bytes, ends of each literal in them, caseless (1 or 0), first and last place of each → index
napi_value addPlaced(napi_env env, napi_callback_info info) {
  size_t count = 5;
  napi_value arguments[5];
  void* data;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, &data) != napi_ok) return nullptr;
  Scanner& scanner = *static_cast<Scanner*>(data);
  ByteSpan bytes, ends, caseless, firsts, lasts;
  if (count != 5 || !readArray(env, arguments[0], napi_uint8_array, &bytes) ||
      !readArray(env, arguments[1], napi_int32_array, &ends) ||
      !readArray(env, arguments[2], napi_uint8_array, &caseless) ||
      !readArray(env, arguments[3], napi_uint32_array, &firsts) ||
      !readArray(env, arguments[4], napi_uint32_array, &lasts) || caseless.length != ends.length ||
      firsts.length != ends.length || lasts.length != ends.length) {
    return fail(env, "INVALID_ARGUMENT", "placed literals are bytes, and four numbers for each of them");
  }
  const int32_t* endOf = reinterpret_cast<const int32_t*>(ends.data);
  const uint32_t* first = reinterpret_cast<const uint32_t*>(firsts.data);
  const uint32_t* last = reinterpret_cast<const uint32_t*>(lasts.data);
  std::vector<PlacedLiteral> literals;
  int32_t start = 0;
  for (size_t i = 0; i < ends.length; i++) {
    if (endOf[i] <= start || static_cast<size_t>(endOf[i]) > bytes.length || first[i] > last[i] ||
        last[i] >= PlacedPatterns::kPlaces) {
      return fail(env, "INVALID_ARGUMENT", "a placed literal is empty, or its places are not below 64 in order",
                  static_cast<int64_t>(i));
    }
    const uint32_t length = static_cast<uint32_t>(endOf[i] - start);
    literals.push_back({bytes.data + start, length, caseless.data[i] != 0, first[i], last[i]});
    start = endOf[i];
  }
  scanner.databases.emplace_back();
  scanner.bounds.emplace_back();
  scanner.placed.push_back(std::make_unique<const PlacedPatterns>(literals));
  return lastIndex(env, scanner);
}

/// → bytes of scratch
napi_value scratchSize(napi_env env, napi_callback_info info) {
  void* data;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
  Scanner& scanner = *static_cast<Scanner*>(data);
  size_t size = 0;
  if (scanner.scratch != nullptr) hs_scratch_size(scanner.scratch, &size);
  napi_value value;
  return napi_create_double(env, static_cast<double>(size), &value) == napi_ok ? value : nullptr;
}

/// → undefined: frees the scratch and lets the databases go
napi_value close(napi_env env, napi_callback_info info) {
  void* data;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
  Scanner& scanner = *static_cast<Scanner*>(data);
  scanner.databases.clear();
  scanner.placed.clear();
  hs_free_scratch(scanner.scratch);
  scanner.scratch = nullptr;
  return nullptr;
}

void finalizeScanner(napi_env env, void* data, void*) {
  Scanner* scanner = static_cast<Scanner*>(data);
  if (--scanner->owners > 0) return;
  if (scanner->controlReference != nullptr) napi_delete_reference(env, scanner->controlReference);
  if (scanner->matchesReference != nullptr) napi_delete_reference(env, scanner->matchesReference);
  delete scanner;
}

/// control (Int32Array), matches (Uint32Array), maxMatches, maxJobs → { run, bind, add, addPlaced, scratchSize, close }
/// Both arrays are views over SharedArrayBuffers, which cannot be detached: their memory stays where it is.
napi_value createScanner(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  ByteSpan control, matches;
  uint32_t maxMatches, maxJobs;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count != 4 ||
      !readArray(env, arguments[0], napi_int32_array, &control) ||
      !readArray(env, arguments[1], napi_uint32_array, &matches) ||
      napi_get_value_uint32(env, arguments[2], &maxMatches) != napi_ok ||
      napi_get_value_uint32(env, arguments[3], &maxJobs) != napi_ok || maxMatches == 0 || maxJobs == 0 ||
      control.length < kJobs + (kJobWidth + 2) * static_cast<size_t>(maxJobs) ||
      matches.length < static_cast<size_t>(maxMatches) * maxJobs) {
    return fail(env, "INVALID_ARGUMENT", "a scanner takes control and match arrays and their limits");
  }
  Scanner* scanner = new Scanner();
  scanner->control = reinterpret_cast<int32_t*>(control.data);
  scanner->matches = reinterpret_cast<uint32_t*>(matches.data);
  scanner->maxMatches = maxMatches;
  scanner->maxJobs = maxJobs;

  const struct {
    const char* name;
    napi_callback callback;
  } methods[] = {{"run", run},
                 {"bind", bind},
                 {"add", add},
                 {"addPlaced", addPlaced},
                 {"scratchSize", scratchSize},
                 {"close", close}};
  napi_value object;
  bool made = napi_create_reference(env, arguments[0], 1, &scanner->controlReference) == napi_ok &&
              napi_create_reference(env, arguments[1], 1, &scanner->matchesReference) == napi_ok &&
              napi_create_object(env, &object) == napi_ok;
  scanner->owners = 1;  // This call, so that a failure half-way frees it.
  for (const auto& method : methods) {
    napi_value function;
    made = made &&
           napi_create_function(env, method.name, NAPI_AUTO_LENGTH, method.callback, scanner, &function) == napi_ok &&
           napi_add_finalizer(env, function, scanner, finalizeScanner, nullptr, nullptr) == napi_ok;
    if (!made) break;
    scanner->owners++;
    made = napi_set_named_property(env, object, method.name, function) == napi_ok;
  }
  finalizeScanner(env, scanner, nullptr);
  return made ? object : fail(env, "NATIVE_FAILURE", "a scanner could not be created");
}

}  // namespace

bool defineScanner(napi_env env, napi_value exports) {
  return defineFunction(env, exports, "createScanner", createScanner);
}

}  // namespace portcullis
