#ifndef IP_SET_ADDON_H
#define IP_SET_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>

/* @return whether the functions of ip_set_addon.c stand in `exports` */
int add_ip_set_functions(napi_env env, napi_value exports);

#endif
