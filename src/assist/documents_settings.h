// Settings of documents, the library and short codes (design decision 7), declared once.
#pragma once
#include "assist/content_store.h"
#include "assist/library.h"
#include "assist/short_codes.h"
#include "assist/url_guard.h"
#include "base/settings.h"

namespace parley::assist {

void declareDocumentSettings(base::Settings& settings);
ContentLimits contentLimits(const base::Settings& settings);
LibraryLimits libraryLimits(const base::Settings& settings);
ShortCodeOptions shortCodeOptions(const base::Settings& settings);
FetchAllowance fetchAllowance(const base::Settings& settings);

}  // namespace parley::assist
