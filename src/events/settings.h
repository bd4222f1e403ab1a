// Settings of application events (design decision 7), declared once.
#pragma once
#include "base/settings.h"
#include "events/topics.h"

namespace parley::events {

void declareSettings(base::Settings& settings);
Limits limitsOf(const base::Settings& settings);
/// What every token may do beside its own (aed.shared_topics).
Rights sharedRights(const base::Settings& settings);

}  // namespace parley::events
