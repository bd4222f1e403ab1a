// The log components that several files of this folder write to.
#pragma once
#include "base/log.h"

namespace parley::trust {

inline const base::Logger log{"trust"};

}  // namespace parley::trust
