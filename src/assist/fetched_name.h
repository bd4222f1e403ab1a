// What a fetched document is called. Pure.
#pragma once
#include <string>
#include <string_view>

namespace parley::assist {

/// The name that a Content-Disposition gives (RFC 6266: filename*, which RFC 8187 encodes, before filename),
/// else the last part of the path; may be empty, and anything: contentName() makes it fit.
std::string fetchedName(std::string_view disposition, std::string_view target);

}  // namespace parley::assist
