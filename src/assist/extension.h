// Expert Assist as a part of the application server.
#pragma once
#include <memory>

#include "link/extension.h"

namespace parley::assist {

std::unique_ptr<link::Extension> makeExtension();

}  // namespace parley::assist
