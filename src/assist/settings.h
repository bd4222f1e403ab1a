// Settings of Expert Assist (design decision 7), declared once.
#pragma once
#include "assist/topic_server.h"
#include "base/settings.h"

namespace parley::assist {

void declareSettings(base::Settings& settings);
TopicOptions topicOptions(const base::Settings& settings);

}  // namespace parley::assist
