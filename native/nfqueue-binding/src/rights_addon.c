#include "rights_addon.h"

#include <errno.h>
#include <stdlib.h>

#include "rights.h"

static char *get_text(napi_env env, napi_value value) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return NULL;
  char *text = malloc(length + 1);
  if (text) napi_get_value_string_utf8(env, value, text, length + 1, &length);
  return text;
}

static void free_texts(char **texts, uint32_t count) {
  for (uint32_t index = 0; index < count; index++) free(texts[index]);
  free(texts);
}

/* restart(kept: bigint, argv: string[]): does not return, but with the errno of what failed; argv[0] is the program */
napi_value restart(napi_env env, napi_callback_info info) {
  napi_value arguments[2], element;
  uint64_t kept;
  bool lossless;
  uint32_t count, index;
  if (!get_arguments(env, info, 2, arguments) ||
      napi_get_value_bigint_uint64(env, arguments[0], &kept, &lossless) != napi_ok || !lossless ||
      napi_get_array_length(env, arguments[1], &count) != napi_ok || count == 0) {
    return wrong_use(env, "restart needs a mask of capabilities and a command line");
  }
  char **texts = calloc((size_t)count + 1, sizeof *texts);
  if (!texts) return integer(env, ENOMEM);
  for (index = 0; index < count; index++) {
    if (napi_get_element(env, arguments[1], index, &element) == napi_ok) texts[index] = get_text(env, element);
    if (texts[index]) continue;
    free_texts(texts, count);
    return wrong_use(env, "restart needs a command line of strings");
  }
  int error = restart_with_capabilities(kept, texts[0], texts);
  free_texts(texts, count);
  return integer(env, error);
}
