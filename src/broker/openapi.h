// docs/protocols/broker-control.openapi.json, put into the program at build time.
#pragma once
#include <string_view>

namespace parley::broker {
std::string_view openapiDocument();
}
