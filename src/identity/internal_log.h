// The log components that several files of this folder write to.
#pragma once
#include "base/log.h"

namespace parley::identity {

inline const base::Logger log{"identity"};

}  // namespace parley::identity
