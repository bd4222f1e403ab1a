// How long the broker's tests wait for what must happen: long, for machines that do much else.
#pragma once
#include "base/time.h"

namespace parley::broker {

constexpr base::Millis kPatience{20'000};

}  // namespace parley::broker
