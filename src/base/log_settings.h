// The settings of the log, the same in every program.
#pragma once
#include <string>

#include "base/log.h"
#include "base/settings.h"

namespace parley::base {

/// Declares log.* for an administration page.
void declareLogSettings(Settings& settings, const std::string& page);
LogOptions logOptions(const Settings& settings);

}  // namespace parley::base
