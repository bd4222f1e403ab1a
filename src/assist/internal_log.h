// The log components that several files of this folder write to.
#pragma once
#include "base/log.h"

namespace parley::assist {

inline const base::Logger logger{"assist"};

}  // namespace parley::assist
