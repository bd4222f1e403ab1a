// Internal to sdp.cpp: one a= line into the struct it belongs to.
#pragma once
#include <expected>
#include <string_view>

#include "proto/sdp.h"

namespace parley::proto::sdp_detail {

/// What was expected instead; a literal.
using Expected = std::expected<void, const char*>;

Expected readSessionAttribute(std::string_view line, SdpSession& session, const SdpLimits& limits);
Expected readMediaAttribute(std::string_view line, SdpMedia& media, const SdpLimits& limits);

/// Takes the next word (up to a space) off the front of `text`, with the spaces after it.
std::string_view takeWord(std::string_view& text);
/// RFC 8866 token characters, at least one.
bool isToken(std::string_view text);

}  // namespace parley::proto::sdp_detail
