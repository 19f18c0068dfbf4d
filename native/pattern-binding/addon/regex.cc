#include "regex.h"

#include <pcre2.h>

#include <memory>
#include <string>

#include "arguments.h"
#include "regex_search.h"

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

constexpr size_t kJitStackStart = 32 * 1024;
constexpr size_t kJitStackMax = 512 * 1024;
/// Only the interpreter takes memory from the heap (KiB).
constexpr uint32_t kHeapLimit = 4096;

/// What all expressions of one thread use in turn.
struct Thread {
  napi_env env = nullptr;
  napi_ref controlReference = nullptr;
  int32_t* control = nullptr;
  uint32_t maxPairs = 0;
  /// Bound bytes. JavaScript keeps the array alive and binds again whenever its identity or length changes.
  const uint8_t* bytes = nullptr;
  uint32_t length = 0;
  RegexScratch scratch;
  pcre2_jit_stack* stack = nullptr;

  ~Thread() {
    pcre2_match_data_free(scratch.data);
    pcre2_match_context_free(scratch.match);
    pcre2_jit_stack_free(stack);
    if (controlReference != nullptr) napi_delete_reference(env, controlReference);
  }
};

using ThreadPointer = std::shared_ptr<Thread>;

struct Expression {
  ThreadPointer thread;
  RegexProgram program;
  uint32_t groups = 0;

  ~Expression() { pcre2_code_free(program.code); }
};

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
  const int result = searchRegex(expression.program, thread.scratch, subject, end - start, from - start);

  if (result > 0) {
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(thread.scratch.data);
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
      napi_get_value_uint32(env, arguments[2], &expression->program.matchLimit) != napi_ok ||
      napi_get_value_uint32(env, arguments[3], &expression->program.depthLimit) != napi_ok ||
      napi_get_value_uint32(env, arguments[4], &timeLimit) != napi_ok ||
      napi_get_value_uint32(env, arguments[5], &jitLength) != napi_ok) {
    return fail(env, "INVALID_ARGUMENT", "compile takes a pattern, options and four limits");
  }
  expression->thread = *static_cast<ThreadPointer*>(pointer);
  expression->program.timeLimit = static_cast<int64_t>(timeLimit) * 1000;
  Thread& thread = *expression->thread;

  const std::string text(reinterpret_cast<const char*>(pattern.data), pattern.length);
  int error;
  size_t offset;
  RegexProgram& program = expression->program;
  if (!compileRegex(text, bits, jitLength, &program, &error, &offset)) {
    if (error == 0) return fail(env, "NATIVE_FAILURE", "no memory for the expression");
    return fail(env, "REGEX_COMPILE", errorText(error), static_cast<int64_t>(offset));
  }
  pcre2_pattern_info(program.code, PCRE2_INFO_CAPTURECOUNT, &expression->groups);
  if (expression->groups >= thread.maxPairs) {
    return fail(env, "REGEX_COMPILE",
                "more than " + std::to_string(thread.maxPairs - 1) + " capture groups are not supported", 0);
  }

  size_t size = 0, jitSize = 0;
  pcre2_pattern_info(program.code, PCRE2_INFO_SIZE, &size);
  pcre2_pattern_info(program.code, PCRE2_INFO_JITSIZE, &jitSize);

  napi_value object, function, names = captureNames(env, program.code);
  if (names == nullptr || napi_create_object(env, &object) != napi_ok ||
      !setNumber(env, object, "groups", expression->groups) || !setNumber(env, object, "jitLength", program.jitLength) ||
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
  thread->scratch.match = pcre2_match_context_create(nullptr);
  thread->scratch.data = pcre2_match_data_create(thread->maxPairs, nullptr);
  if (thread->scratch.match == nullptr || thread->scratch.data == nullptr) {
    return fail(env, "NATIVE_FAILURE", "no memory to search with expressions");
  }
  pcre2_set_heap_limit(thread->scratch.match, kHeapLimit);
  // No stack where there is no JIT: then nothing needs one.
  thread->stack = pcre2_jit_stack_create(kJitStackStart, kJitStackMax, nullptr);
  if (thread->stack != nullptr) pcre2_jit_stack_assign(thread->scratch.match, nullptr, thread->stack);
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
