// Expert Assist as a part of the application server.
#pragma once
#include <memory>

#include "link/extension.h"

namespace parley::assist {

class Documents;

/// `documents`: where pushed documents come from; outlives it. Null: they are refused.
std::unique_ptr<link::Extension> makeExtension(Documents* documents = nullptr);

}  // namespace parley::assist
