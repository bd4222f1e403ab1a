// The log components that several files of this folder write to.
#pragma once
#include "base/log.h"

namespace parley::broker {

inline const base::Logger legLogger{"leg"};

}  // namespace parley::broker
