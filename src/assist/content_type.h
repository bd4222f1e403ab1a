// What a file really is, by its first bytes: nothing else is believed, neither a name nor a Content-Type.
// PDF, PNG, JPEG, GIF and WebP; no SVG, no HTML: what may hold scripts is never passed on. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace parley::assist {

struct ContentType {
  std::string_view type;                ///< "application/pdf"
  std::string_view kind;                ///< "document" or "image"
  std::uint32_t width = 0, height = 0;  ///< Pixels, of images.

  friend bool operator==(const ContentType&, const ContentType&) = default;
};

/// More would take a viewer's memory (a small file may unfold to gigabytes).
constexpr std::uint64_t kMaxPixels = 64'000'000;

/// Errors: content.empty, content.unsupported (another kind, or broken at its beginning),
/// content.picture_too_large.
base::Result<ContentType> contentTypeOf(base::Bytes content);

/// Whether what a server said of a content (its Content-Type; may be empty) agrees with what it is.
bool agrees(std::string_view declared, const ContentType& found);

/// A name for people and for Content-Disposition, out of anything: no control characters, no slashes, no
/// quotes, at most 120 bytes of UTF-8; with the ending that the type has. Never empty.
std::string contentName(std::string_view given, const ContentType& type);

}  // namespace parley::assist
