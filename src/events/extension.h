// Application events as a part of the application server.
#pragma once
#include <memory>

#include "link/extension.h"

namespace parley::events {

std::unique_ptr<link::Extension> makeExtension();

}  // namespace parley::events
