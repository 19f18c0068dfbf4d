/* The part of the Node-API surface that is about TCP sockets of this host. */
#ifndef PORTCULLIS_ADDON_SOCKETS_H
#define PORTCULLIS_ADDON_SOCKETS_H

#include "surface.h"

/* Functions of addon.ts; see the definitions. */
napi_value list_tcp_sockets(napi_env env, napi_callback_info info);
napi_value destroy_tcp_sockets(napi_env env, napi_callback_info info);
napi_value listen_transparently(napi_env env, napi_callback_info info);

#endif
