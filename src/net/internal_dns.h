// For net/ only.
#pragma once
#include <chrono>

#include "base/bytes.h"

namespace parley::net {

/// The least TTL of a DNS message's answers, at most an hour; zero for what is not a whole message.
std::chrono::seconds answerTtl(base::Bytes message);

}  // namespace parley::net
