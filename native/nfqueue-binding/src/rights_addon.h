#ifndef RIGHTS_ADDON_H
#define RIGHTS_ADDON_H

#include "surface.h"

napi_value restart(napi_env env, napi_callback_info info);

#endif
