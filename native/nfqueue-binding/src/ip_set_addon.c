/*
 * Node-API surface over ip_set.c. What is short is done at once, on a socket of its own; what may take seconds is a job
 * on libuv's pool, one at a time for each handle.
 */
#define _GNU_SOURCE
#include "ip_set_addon.h"

#include <errno.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ip_set.h"
#include "surface.h"

enum { SETS_MAGIC = 0x73657473 };

struct sets_handle {
  uint32_t magic;
  napi_env env;
  int open, busy;
  int at_once_fd, job_fd;
  struct ip_set_listing listing;
};

/* ---- handles ---- */

static void close_fds(struct sets_handle *handle) {
  int *fds[] = {&handle->at_once_fd, &handle->job_fd, &handle->listing.fd};
  for (size_t i = 0; i < 3; i++) {
    if (*fds[i] >= 0) close(*fds[i]);
    *fds[i] = -1;
  }
}

static void close_on_exit(void *data) {
  struct sets_handle *handle = data;
  handle->open = 0;
  /* A job still has its socket: whoever ends the job closes it, or the end of the process does. */
  if (!handle->busy) close_fds(handle);
}

static void close_sets(struct sets_handle *handle) {
  if (!handle->open) return;
  napi_remove_env_cleanup_hook(handle->env, close_on_exit, handle);
  close_on_exit(handle);
}

/* A job keeps a reference to the handle, so none is under way here. */
static void finalize_sets(napi_env env, void *data, void *hint) {
  struct sets_handle *handle = data;
  (void)env;
  (void)hint;
  close_sets(handle);
  handle->magic = 0;
  free(handle);
}

static char *text_of(napi_env env, napi_value value, size_t *length) {
  size_t size = 0;
  if (napi_get_value_string_latin1(env, value, NULL, 0, &size) != napi_ok) return NULL;
  char *text = malloc(size + 1);
  if (text) napi_get_value_string_latin1(env, value, text, size + 1, length ? length : &size);
  return text;
}

/* setsOpen(path of a network namespace or null): handle, or the errno as a number */
static napi_value sets_open(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  if (!get_arguments(env, info, 1, &argument)) return wrong_use(env, "setsOpen needs a path or null");
  struct sets_handle *handle = calloc(1, sizeof *handle);
  if (!handle) return integer(env, ENOMEM);
  char *space = text_of(env, argument, NULL);
  handle->magic = SETS_MAGIC;
  handle->env = env;
  handle->at_once_fd = handle->job_fd = handle->listing.fd = -1;
  handle->listing.ended = 1;
  int error = ip_set_socket(space, &handle->at_once_fd);
  if (!error) error = ip_set_socket(space, &handle->job_fd);
  if (!error) error = ip_set_socket(space, &handle->listing.fd);
  free(space);
  if (!error && napi_create_external(env, handle, finalize_sets, NULL, &result) != napi_ok) error = ENOMEM;
  if (error) {
    close_fds(handle);
    free(handle);
    return integer(env, error);
  }
  handle->open = napi_add_env_cleanup_hook(env, close_on_exit, handle) == napi_ok;
  if (!handle->open) {
    close_fds(handle);
    return integer(env, ENOMEM);
  }
  return result;
}

static napi_value sets_close(napi_env env, napi_callback_info info) {
  napi_value argument;
  if (!get_arguments(env, info, 1, &argument)) return wrong_use(env, "setsClose needs a handle");
  struct sets_handle *handle = get_handle(env, argument, SETS_MAGIC);
  if (handle) close_sets(handle);
  return NULL;
}

/* @return the handle, or NULL after an exception */
static struct sets_handle *opened(napi_env env, napi_value value) {
  struct sets_handle *handle = get_handle(env, value, SETS_MAGIC);
  if (!handle || !handle->open) wrong_use(env, "not an open handle of sets");
  return handle && handle->open ? handle : NULL;
}

static int name_of(napi_env env, napi_value value, char name[IPSET_MAXNAMELEN]) {
  size_t length = 0;
  napi_get_value_string_latin1(env, value, NULL, 0, &length);
  return length > 0 && length < IPSET_MAXNAMELEN &&
         napi_get_value_string_latin1(env, value, name, IPSET_MAXNAMELEN, &length) == napi_ok;
}

/* ---- at once ---- */

/* A set and one of its entries, as arguments. */
struct entry_wish {
  char set[IPSET_MAXNAMELEN], line[IP_SET_LONGEST_LINE];
  size_t length;
};

static int read_wish(napi_env env, napi_value set, napi_value line, struct entry_wish *wish) {
  return name_of(env, set, wish->set) &&
         napi_get_value_string_latin1(env, line, wish->line, sizeof wish->line, &wish->length) == napi_ok;
}

/* setsChange(handle, command, set, line): adds, removes or tests one entry; 0 or an error number */
static napi_value sets_change(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  uint32_t command = 0;
  struct entry_wish wish;
  size_t done;
  if (!get_arguments(env, info, 4, arguments)) return wrong_use(env, "setsChange needs four arguments");
  struct sets_handle *handle = opened(env, arguments[0]);
  if (!handle) return NULL;
  if (napi_get_value_uint32(env, arguments[1], &command) != napi_ok ||
      !read_wish(env, arguments[2], arguments[3], &wish)) {
    return wrong_use(env, "setsChange needs a command, the name of a set and a line");
  }
  int error = command == IPSET_CMD_TEST
                  ? ip_set_test(handle->at_once_fd, wish.set, wish.line, wish.length)
                  : ip_set_change(handle->at_once_fd, (int)command, wish.set, wish.line, wish.length, &done);
  return integer(env, error);
}

/* setsAddNew(handle, set, line): 0, IPSET_ERR_EXIST for an entry that is there, or another error number */
static napi_value sets_add_new(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  struct entry_wish wish;
  if (!get_arguments(env, info, 3, arguments)) return wrong_use(env, "setsAddNew needs three arguments");
  struct sets_handle *handle = opened(env, arguments[0]);
  if (!handle) return NULL;
  if (!read_wish(env, arguments[1], arguments[2], &wish))
    return wrong_use(env, "setsAddNew needs the name of a set and a line");
  return integer(env, ip_set_add_new(handle->at_once_fd, wish.set, wish.line, wish.length));
}

/* setsCommand(handle, command, set, other or null): 0 or an error number */
static napi_value sets_command(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  uint32_t command = 0;
  char set[IPSET_MAXNAMELEN], other[IPSET_MAXNAMELEN];
  if (!get_arguments(env, info, 4, arguments)) return wrong_use(env, "setsCommand needs four arguments");
  struct sets_handle *handle = opened(env, arguments[0]);
  if (!handle) return NULL;
  if (napi_get_value_uint32(env, arguments[1], &command) != napi_ok || !name_of(env, arguments[2], set))
    return wrong_use(env, "setsCommand needs a command and the name of a set");
  int two = name_of(env, arguments[3], other);
  return integer(env, ip_set_command(handle->at_once_fd, (int)command, set, two ? other : NULL));
}

/* setsCreate(handle, set, ipv6, capacity, timeout): 0 or an error number */
static napi_value sets_create(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  uint32_t capacity = 0, timeout = 0;
  bool ipv6 = false;
  char set[IPSET_MAXNAMELEN];
  if (!get_arguments(env, info, 5, arguments)) return wrong_use(env, "setsCreate needs five arguments");
  struct sets_handle *handle = opened(env, arguments[0]);
  if (!handle) return NULL;
  if (!name_of(env, arguments[1], set) || napi_get_value_bool(env, arguments[2], &ipv6) != napi_ok ||
      napi_get_value_uint32(env, arguments[3], &capacity) != napi_ok ||
      napi_get_value_uint32(env, arguments[4], &timeout) != napi_ok) {
    return wrong_use(env, "setsCreate needs a name, whether for IPv6, a capacity and a time");
  }
  int family = ipv6 ? AF_INET6 : AF_INET;
  return integer(env, ip_set_create(handle->at_once_fd, set, family, capacity, timeout));
}

/* setsGeneration(handle): the number of the tables' state, or a negative errno */
static napi_value sets_generation(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  uint32_t generation = 0;
  if (!get_arguments(env, info, 1, &argument)) return wrong_use(env, "setsGeneration needs a handle");
  struct sets_handle *handle = opened(env, argument);
  if (!handle) return NULL;
  int error = table_generation(handle->at_once_fd, &generation);
  napi_create_int64(env, error ? -error : (int64_t)generation, &result);
  return result;
}

/* ---- jobs ---- */

enum job_kind { JOB_CHANGE, JOB_COPY, JOB_LIST, JOB_COUNT };

struct job {
  enum job_kind kind;
  struct sets_handle *handle;
  napi_ref keeps;
  napi_async_work work;
  napi_deferred deferred;
  uint32_t command;
  char set[IPSET_MAXNAMELEN], other[IPSET_MAXNAMELEN];
  char *text;
  size_t length;
  uint32_t entries;
  int error;
};

static void free_job(napi_env env, struct job *job) {
  if (job->work) napi_delete_async_work(env, job->work);
  if (job->keeps) napi_delete_reference(env, job->keeps);
  free(job->text);
  free(job);
}

static void run_job(napi_env env, void *data) {
  struct job *job = data;
  struct sets_handle *handle = job->handle;
  size_t done;
  (void)env;
  switch (job->kind) {
    case JOB_CHANGE:
      job->error = ip_set_change(handle->job_fd, (int)job->command, job->set, job->text, job->length, &done);
      break;
    case JOB_COPY:
      job->error = ip_set_copy(&handle->listing, handle->job_fd, job->set, job->other);
      break;
    case JOB_LIST:
      job->error = ip_set_list_next(&handle->listing, job->text, IP_SET_LIST_SIZE, &job->length);
      break;
    case JOB_COUNT:
      job->error = ip_set_count(&handle->listing, job->set, &job->entries);
      break;
  }
}

static void end_job(napi_env env, napi_status status, void *data) {
  struct job *job = data;
  struct sets_handle *handle = job->handle;
  napi_value result = NULL;
  handle->busy = 0;
  if (!handle->open) close_fds(handle);
  if (status != napi_ok) job->error = ECANCELED;
  if (job->kind == JOB_LIST && job->error == 0) napi_create_string_latin1(env, job->text, job->length, &result);
  else if (job->kind == JOB_COUNT) napi_create_int64(env, job->error ? -job->error : (int64_t)job->entries, &result);
  else napi_create_int32(env, job->error, &result);
  napi_resolve_deferred(env, job->deferred, result);
  free_job(env, job);
}

/* @return the job's promise; the job is freed in any case */
static napi_value start(napi_env env, napi_value handle_value, struct job *job) {
  napi_value promise, name;
  struct sets_handle *handle = job->handle;
  if (handle->busy) {
    free_job(env, job);
    return wrong_use(env, "a job is under way");
  }
  if (napi_create_reference(env, handle_value, 1, &job->keeps) != napi_ok ||
      napi_create_string_latin1(env, "ip-sets", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_async_work(env, NULL, name, run_job, end_job, job, &job->work) != napi_ok ||
      napi_create_promise(env, &job->deferred, &promise) != napi_ok) {
    free_job(env, job);
    return wrong_use(env, "no memory");
  }
  if (napi_queue_async_work(env, job->work) != napi_ok) {
    napi_resolve_deferred(env, job->deferred, integer(env, ENOMEM));
    free_job(env, job);
    return promise;
  }
  handle->busy = 1;
  return promise;
}

static struct job *new_job(enum job_kind kind, struct sets_handle *handle) {
  struct job *job = calloc(1, sizeof *job);
  if (job) {
    job->kind = kind;
    job->handle = handle;
  }
  return job;
}

/* setsChangeMany(handle, command, set, lines): promise of 0 or an error number; stops at the first error */
static napi_value sets_change_many(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  if (!get_arguments(env, info, 4, arguments)) return wrong_use(env, "setsChangeMany needs four arguments");
  struct sets_handle *handle = opened(env, arguments[0]);
  if (!handle) return NULL;
  struct job *job = new_job(JOB_CHANGE, handle);
  if (!job) return wrong_use(env, "no memory");
  if (napi_get_value_uint32(env, arguments[1], &job->command) != napi_ok ||
      !name_of(env, arguments[2], job->set) || !(job->text = text_of(env, arguments[3], &job->length))) {
    free_job(env, job);
    return wrong_use(env, "setsChangeMany needs a command, the name of a set and lines");
  }
  return start(env, arguments[0], job);
}

/* setsCopy(handle, from, to): promise of 0 or an error number */
static napi_value sets_copy(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  if (!get_arguments(env, info, 3, arguments)) return wrong_use(env, "setsCopy needs three arguments");
  struct sets_handle *handle = opened(env, arguments[0]);
  if (!handle) return NULL;
  struct job *job = new_job(JOB_COPY, handle);
  if (!job) return wrong_use(env, "no memory");
  if (!name_of(env, arguments[1], job->set) || !name_of(env, arguments[2], job->other)) {
    free_job(env, job);
    return wrong_use(env, "setsCopy needs the names of two sets");
  }
  return start(env, arguments[0], job);
}

/* setsList(handle, set): 0 or an error number; then setsListNext until it brings an empty string */
static napi_value sets_list(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  char set[IPSET_MAXNAMELEN];
  if (!get_arguments(env, info, 2, arguments)) return wrong_use(env, "setsList needs two arguments");
  struct sets_handle *handle = opened(env, arguments[0]);
  if (!handle) return NULL;
  if (!name_of(env, arguments[1], set)) return wrong_use(env, "setsList needs the name of a set");
  if (handle->busy || !handle->listing.ended) return wrong_use(env, "a listing is under way");
  return integer(env, ip_set_list(&handle->listing, set));
}

/* setsListNext(handle): promise of lines, or of an error number */
static napi_value sets_list_next(napi_env env, napi_callback_info info) {
  napi_value argument;
  if (!get_arguments(env, info, 1, &argument)) return wrong_use(env, "setsListNext needs a handle");
  struct sets_handle *handle = opened(env, argument);
  if (!handle) return NULL;
  struct job *job = new_job(JOB_LIST, handle);
  if (!job || !(job->text = malloc(IP_SET_LIST_SIZE))) {
    free(job);
    return wrong_use(env, "no memory");
  }
  return start(env, argument, job);
}

/* setsCount(handle, set): promise of the number of entries, or of a negative error number */
static napi_value sets_count(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  if (!get_arguments(env, info, 2, arguments)) return wrong_use(env, "setsCount needs two arguments");
  struct sets_handle *handle = opened(env, arguments[0]);
  if (!handle) return NULL;
  if (!handle->listing.ended) return wrong_use(env, "a listing is under way");
  struct job *job = new_job(JOB_COUNT, handle);
  if (!job) return wrong_use(env, "no memory");
  if (!name_of(env, arguments[1], job->set)) {
    free_job(env, job);
    return wrong_use(env, "setsCount needs the name of a set");
  }
  return start(env, arguments[0], job);
}

int add_ip_set_functions(napi_env env, napi_value exports) {
  static const struct {
    const char *name;
    napi_callback callback;
  } functions[] = {
      {"setsOpen", sets_open},
      {"setsChange", sets_change},
      {"setsAddNew", sets_add_new},
      {"setsCommand", sets_command},
      {"setsCreate", sets_create},
      {"setsChangeMany", sets_change_many},
      {"setsCopy", sets_copy},
      {"setsList", sets_list},
      {"setsListNext", sets_list_next},
      {"setsCount", sets_count},
      {"setsGeneration", sets_generation},
      {"setsClose", sets_close},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].callback, NULL, &function) !=
            napi_ok ||
        napi_set_named_property(env, exports, functions[i].name, function) != napi_ok) {
      return 0;
    }
  }
  return 1;
}
