// The log components that several files of this folder write to.
#pragma once
#include "base/log.h"

namespace parley::net {

inline const base::Logger logger{"net"};
inline const base::Logger httpLogger{"http"};

}  // namespace parley::net
