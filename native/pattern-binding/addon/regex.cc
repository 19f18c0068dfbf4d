#include "regex.h"

#include <pcre2.h>
#include <time.h>

#include <algorithm>
#include <memory>
#include <string>

#include "arguments.h"

namespace portcullis {

namespace {

// Layout of the control array, which src/regex.ts shares.
constexpr size_t kResult = 0;
constexpr size_t kStart = 1;
constexpr size_t kEnd = 2;
constexpr size_t kFrom = 3;
constexpr size_t kPairs = 4;

// Values of control[kResult] below zero.
constexpr int32_t kLimitExceeded = -1;
constexpr int32_t kFailed = -2;
constexpr int32_t kBadRange = -3;

// Bits that src/regex.ts puts into the options.
constexpr uint32_t kCaseless = 1;
constexpr uint32_t kMultiline = 2;
constexpr uint32_t kDotAll = 4;
constexpr uint32_t kExtended = 8;
constexpr uint32_t kAnchored = 16;
constexpr uint32_t kDollarEndOnly = 32;
constexpr uint32_t kUngreedy = 64;

constexpr uint32_t kMaxPatternLength = 64 * 1024;
constexpr size_t kJitStackStart = 32 * 1024;
constexpr size_t kJitStackMax = 512 * 1024;
/// Only the interpreter takes memory from the heap (KiB).
constexpr uint32_t kHeapLimit = 4096;

/// PCRE2 counts its match limit afresh at every start position, so a search that stays below it may still be
/// quadratic in the subject (a second and more for 64 KiB). A longer search is therefore done in windows of
/// start positions, and the time is looked at between them. They grow from one position to this many, as long
/// as one takes but a small part of the time limit.
constexpr uint32_t kWindow = 256;

int64_t nanoseconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

/// What all expressions of one thread use in turn.
struct Thread {
  napi_env env = nullptr;
  napi_ref controlReference = nullptr;
  int32_t* control = nullptr;
  uint32_t maxPairs = 0;
  /// Bound bytes. JavaScript keeps the array alive and binds again whenever its identity or length changes.
  const uint8_t* bytes = nullptr;
  uint32_t length = 0;
  pcre2_match_context* match = nullptr;
  pcre2_match_data* data = nullptr;
  pcre2_jit_stack* stack = nullptr;

  ~Thread() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(match);
    pcre2_jit_stack_free(stack);
    if (controlReference != nullptr) napi_delete_reference(env, controlReference);
  }
};

using ThreadPointer = std::shared_ptr<Thread>;

struct Expression {
  ThreadPointer thread;
  pcre2_code* code = nullptr;
  uint32_t groups = 0;
  uint32_t matchLimit = 0;
  uint32_t depthLimit = 0;
  int64_t timeLimit = 0;  // nanoseconds
  /// Longest subject that machine code searches. Its limits do not cover all that an expression with nested
  /// repetitions does, so the interpreter, which counts every step, takes the longer ones.
  uint32_t jitLength = 0;
  /// May be searched window by window (see windowed()).
  bool windows = false;

  ~Expression() { pcre2_code_free(code); }
};

/// Whether a search that goes on at a later start position finds what one search finds: not with \G, which
/// means the position that the search began at, nor with verbs such as (*COMMIT), which end the whole search.
/// An anchored expression has one start position only.
bool windowed(const pcre2_code* code, const std::string& pattern) {
  uint32_t options = 0;
  pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
  return (options & PCRE2_ANCHORED) == 0 && pattern.find("\\G") == std::string::npos &&
         pattern.find("(*") == std::string::npos;
}

int search(const Expression& expression, const uint8_t* subject, uint32_t length, uint32_t from) {
  const Thread& thread = *expression.thread;
  return expression.jitLength > 0 && length <= expression.jitLength
             ? pcre2_jit_match(expression.code, subject, length, from, 0, thread.data, thread.match)
             : pcre2_match(expression.code, subject, length, from, PCRE2_NO_JIT, thread.data, thread.match);
}

int searchInWindows(const Expression& expression, const uint8_t* subject, uint32_t length, uint32_t from) {
  pcre2_match_context* match = expression.thread->match;
  const int64_t cpuStart = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  int64_t deadline = nanoseconds(CLOCK_MONOTONIC) + expression.timeLimit;
  int64_t before = deadline - expression.timeLimit;
  uint32_t window = 1;
  while (length - from > window) {
    pcre2_set_offset_limit(match, from + window - 1);
    const int result = search(expression, subject, length, from);
    if (result != PCRE2_ERROR_NOMATCH) return result;
    from += window;
    const int64_t now = nanoseconds(CLOCK_MONOTONIC);
    if (now >= deadline) {
      // The cheap clock also counts time in which this thread did not run.
      const int64_t used = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - cpuStart;
      if (used >= expression.timeLimit) return PCRE2_ERROR_MATCHLIMIT;
      deadline = now + expression.timeLimit - used;
    }
    window = now - before < expression.timeLimit / 16 ? std::min(4 * window, kWindow) : std::max(window / 4, 1u);
    before = now;
  }
  pcre2_set_offset_limit(match, PCRE2_UNSET);
  return search(expression, subject, length, from);
}

/// Searches as the control array says and leaves the result there. Takes and returns nothing, see scanner.cc.
napi_value exec(napi_env env, napi_callback_info info) {
  void* pointer;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &pointer) != napi_ok) return nullptr;
  const Expression& expression = *static_cast<Expression*>(pointer);
  const Thread& thread = *expression.thread;
  int32_t* control = thread.control;
  const uint32_t start = static_cast<uint32_t>(control[kStart]);
  const uint32_t end = static_cast<uint32_t>(control[kEnd]);
  const uint32_t from = static_cast<uint32_t>(control[kFrom]);
  if (start > from || from > end || end > thread.length) {
    control[kResult] = kBadRange;
    return nullptr;
  }
  // An empty Uint8Array may have no memory at all, and PCRE2 wants an address.
  const uint8_t* subject = thread.length == 0 ? reinterpret_cast<const uint8_t*>("") : thread.bytes + start;
  pcre2_set_match_limit(thread.match, expression.matchLimit);
  pcre2_set_depth_limit(thread.match, expression.depthLimit);
  int result;
  if (expression.windows && end - from > kWindow) {
    result = searchInWindows(expression, subject, end - start, from - start);
  } else {
    pcre2_set_offset_limit(thread.match, PCRE2_UNSET);
    result = search(expression, subject, end - start, from - start);
  }

  if (result > 0) {
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(thread.data);
    const uint32_t set = static_cast<uint32_t>(result);
    int32_t* out = control + kPairs;
    for (uint32_t pair = 0; pair <= expression.groups; pair++, out += 2) {
      const bool matched = pair < set && offsets[2 * pair] != PCRE2_UNSET;
      out[0] = matched ? static_cast<int32_t>(start + offsets[2 * pair]) : -1;
      out[1] = matched ? static_cast<int32_t>(start + offsets[2 * pair + 1]) : -1;
    }
    control[kResult] = static_cast<int32_t>(expression.groups + 1);
    return nullptr;
  }
  switch (result) {
    case PCRE2_ERROR_NOMATCH:
      control[kResult] = 0;
      break;
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_JIT_STACKLIMIT:
      control[kResult] = kLimitExceeded;
      break;
    default:
      control[kResult] = kFailed;
  }
  return nullptr;
}

/// bytes → undefined
napi_value bind(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  void* pointer;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, &pointer) != napi_ok) return nullptr;
  Thread& thread = **static_cast<ThreadPointer*>(pointer);
  ByteSpan bytes;
  thread.length = 0;
  if (count != 1 || !readArray(env, argument, napi_uint8_array, &bytes) || bytes.length > INT32_MAX) {
    return fail(env, "INVALID_ARGUMENT", "an expression searches a Uint8Array of less than 2 GiB");
  }
  thread.bytes = bytes.data;
  thread.length = static_cast<uint32_t>(bytes.length);
  return nullptr;
}

void finalizeExpression(napi_env, void* data, void*) { delete static_cast<Expression*>(data); }

void finalizeThread(napi_env, void* data, void*) { delete static_cast<ThreadPointer*>(data); }

uint32_t compileOptions(uint32_t bits) {
  // Never UTF: subjects are bytes, and a pattern must not be able to ask for anything else.
  uint32_t options = PCRE2_USE_OFFSET_LIMIT | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;
  if (bits & kCaseless) options |= PCRE2_CASELESS;
  if (bits & kMultiline) options |= PCRE2_MULTILINE;
  if (bits & kDotAll) options |= PCRE2_DOTALL;
  if (bits & kExtended) options |= PCRE2_EXTENDED;
  if (bits & kAnchored) options |= PCRE2_ANCHORED;
  if (bits & kDollarEndOnly) options |= PCRE2_DOLLAR_ENDONLY;
  if (bits & kUngreedy) options |= PCRE2_UNGREEDY;
  return options;
}

std::string errorText(int code) {
  PCRE2_UCHAR text[256];
  return pcre2_get_error_message(code, text, sizeof(text)) < 0 ? "unknown error" : reinterpret_cast<char*>(text);
}

/// An array of [group, name, group, name, …].
napi_value captureNames(napi_env env, const pcre2_code* code) {
  uint32_t names = 0, width = 0;
  PCRE2_SPTR table = nullptr;
  pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &names);
  pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &width);
  pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &table);
  napi_value list;
  if (napi_create_array(env, &list) != napi_ok) return nullptr;
  for (uint32_t i = 0; i < names; i++, table += width) {
    napi_value group, name;
    // An entry is the group number, high byte first, and the name with a terminator.
    if (napi_create_uint32(env, static_cast<uint32_t>(table[0] << 8 | table[1]), &group) != napi_ok ||
        napi_create_string_latin1(env, reinterpret_cast<const char*>(table + 2), NAPI_AUTO_LENGTH, &name) != napi_ok) {
      return nullptr;
    }
    napi_set_element(env, list, 2 * i, group);
    napi_set_element(env, list, 2 * i + 1, name);
  }
  return list;
}

bool setNumber(napi_env env, napi_value object, const char* name, double number) {
  napi_value value;
  return napi_create_double(env, number, &value) == napi_ok &&
         napi_set_named_property(env, object, name, value) == napi_ok;
}

/// pattern (Uint8Array), option bits, match limit, depth limit, time limit in µs, longest subject for JIT code
/// → { exec, groups, jitLength, size, names }
napi_value compile(napi_env env, napi_callback_info info) {
  size_t count = 6;
  napi_value arguments[6];
  void* pointer;
  ByteSpan pattern;
  uint32_t bits, timeLimit, jitLength;
  auto expression = std::make_unique<Expression>();
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, &pointer) != napi_ok || count != 6 ||
      !readArray(env, arguments[0], napi_uint8_array, &pattern) ||
      napi_get_value_uint32(env, arguments[1], &bits) != napi_ok ||
      napi_get_value_uint32(env, arguments[2], &expression->matchLimit) != napi_ok ||
      napi_get_value_uint32(env, arguments[3], &expression->depthLimit) != napi_ok ||
      napi_get_value_uint32(env, arguments[4], &timeLimit) != napi_ok ||
      napi_get_value_uint32(env, arguments[5], &jitLength) != napi_ok) {
    return fail(env, "INVALID_ARGUMENT", "compile takes a pattern, options and four limits");
  }
  expression->thread = *static_cast<ThreadPointer*>(pointer);
  expression->timeLimit = static_cast<int64_t>(timeLimit) * 1000;
  Thread& thread = *expression->thread;

  const std::string text(reinterpret_cast<const char*>(pattern.data), pattern.length);
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  if (context == nullptr) return fail(env, "NATIVE_FAILURE", "no memory for the expression");
  pcre2_set_max_pattern_length(context, kMaxPatternLength);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  expression->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.c_str()), text.size(), compileOptions(bits),
                                   &error, &offset, context);
  pcre2_compile_context_free(context);
  if (expression->code == nullptr) {
    return fail(env, "REGEX_COMPILE", errorText(error), static_cast<int64_t>(offset));
  }
  pcre2_pattern_info(expression->code, PCRE2_INFO_CAPTURECOUNT, &expression->groups);
  if (expression->groups >= thread.maxPairs) {
    return fail(env, "REGEX_COMPILE",
                "more than " + std::to_string(thread.maxPairs - 1) + " capture groups are not supported", 0);
  }
  // Without JIT support, or for the few constructs it cannot compile, the interpreter does the work.
  if (jitLength > 0) pcre2_jit_compile(expression->code, PCRE2_JIT_COMPLETE);
  expression->windows = windowed(expression->code, text);

  size_t size = 0, jitSize = 0;
  pcre2_pattern_info(expression->code, PCRE2_INFO_SIZE, &size);
  pcre2_pattern_info(expression->code, PCRE2_INFO_JITSIZE, &jitSize);
  if (jitSize > 0) expression->jitLength = jitLength;

  napi_value object, function, names = captureNames(env, expression->code);
  if (names == nullptr || napi_create_object(env, &object) != napi_ok ||
      !setNumber(env, object, "groups", expression->groups) || !setNumber(env, object, "jitLength", expression->jitLength) ||
      !setNumber(env, object, "size", static_cast<double>(size + jitSize)) ||
      napi_set_named_property(env, object, "names", names) != napi_ok ||
      napi_create_function(env, "exec", NAPI_AUTO_LENGTH, exec, expression.get(), &function) != napi_ok ||
      napi_add_finalizer(env, function, expression.get(), finalizeExpression, nullptr, nullptr) != napi_ok) {
    return fail(env, "NATIVE_FAILURE", "the expression could not be created");
  }
  expression.release();
  return napi_set_named_property(env, object, "exec", function) == napi_ok ? object : nullptr;
}

/// control (Int32Array over a SharedArrayBuffer, which cannot be detached) → { bind, compile }
napi_value createRegexThread(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  ByteSpan control;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok || count != 1 ||
      !readArray(env, argument, napi_int32_array, &control) || control.length < kPairs + 2) {
    return fail(env, "INVALID_ARGUMENT", "expressions take a control array");
  }
  ThreadPointer thread = std::make_shared<Thread>();
  thread->env = env;
  thread->control = reinterpret_cast<int32_t*>(control.data);
  thread->maxPairs = static_cast<uint32_t>((control.length - kPairs) / 2);
  thread->match = pcre2_match_context_create(nullptr);
  thread->data = pcre2_match_data_create(thread->maxPairs, nullptr);
  if (thread->match == nullptr || thread->data == nullptr) {
    return fail(env, "NATIVE_FAILURE", "no memory to search with expressions");
  }
  pcre2_set_heap_limit(thread->match, kHeapLimit);
  // No stack where there is no JIT: then nothing needs one.
  thread->stack = pcre2_jit_stack_create(kJitStackStart, kJitStackMax, nullptr);
  if (thread->stack != nullptr) pcre2_jit_stack_assign(thread->match, nullptr, thread->stack);
  if (napi_create_reference(env, argument, 1, &thread->controlReference) != napi_ok) {
    return fail(env, "NATIVE_FAILURE", "no memory to search with expressions");
  }

  napi_value object;
  if (napi_create_object(env, &object) != napi_ok) return nullptr;
  const struct {
    const char* name;
    napi_callback callback;
  } methods[] = {{"bind", bind}, {"compile", compile}};
  for (const auto& method : methods) {
    ThreadPointer* owner = new ThreadPointer(thread);
    napi_value function;
    if (napi_create_function(env, method.name, NAPI_AUTO_LENGTH, method.callback, owner, &function) != napi_ok ||
        napi_add_finalizer(env, function, owner, finalizeThread, nullptr, nullptr) != napi_ok) {
      delete owner;
      return fail(env, "NATIVE_FAILURE", "expressions could not be set up");
    }
    if (napi_set_named_property(env, object, method.name, function) != napi_ok) return nullptr;
  }
  return object;
}

/// → string
napi_value regexLibraryVersion(napi_env env, napi_callback_info) {
  char text[64] = "";
  pcre2_config(PCRE2_CONFIG_VERSION, text);
  napi_value value;
  return napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok ? value : nullptr;
}

}  // namespace

bool defineRegex(napi_env env, napi_value exports) {
  return defineFunction(env, exports, "createRegexThread", createRegexThread) &&
         defineFunction(env, exports, "regexLibraryVersion", regexLibraryVersion);
}

}  // namespace portcullis
