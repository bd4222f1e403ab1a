// The log components that several files of this folder write to.
#pragma once
#include "base/log.h"

namespace parley::gateway {

inline const base::Logger log{"gateway"};
inline const base::Logger sipLog{"sip"};

}  // namespace parley::gateway
