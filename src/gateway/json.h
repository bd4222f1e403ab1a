// The JSON of link/ by short names. Include only from sources.
#pragma once
#include "link/json.h"

namespace parley::gateway {

using link::boolAt;
using link::dumpJson;
using link::integerAt;
using link::isLabel;
using link::Json;
using link::kMaxJsonDepth;
using link::parseJson;
using link::stringAt;
using link::utcOf;

}  // namespace parley::gateway
