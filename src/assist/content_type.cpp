#include "assist/content_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace parley::assist {
namespace {

constexpr std::size_t kMaxFileName = 120;

struct Size {
  std::uint32_t width = 0, height = 0;
};

std::uint32_t big(base::Bytes bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes[at + i];
  return value;
}
std::uint32_t little(base::Bytes bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = count; i > 0; --i) value = value << 8 | bytes[at + i - 1];
  return value;
}

/// PNG, third edition, section 11.2.1: the header chunk comes first.
std::optional<Size> pngSize(base::Bytes bytes) {
  if (bytes.size() < 33 || base::asText(bytes.subspan(12, 4)) != "IHDR") return {};
  return Size{big(bytes, 16, 4), big(bytes, 20, 4)};
}

std::optional<Size> gifSize(base::Bytes bytes) {
  if (bytes.size() < 13) return {};
  return Size{little(bytes, 6, 2), little(bytes, 8, 2)};
}

/// ITU-T T.81: segments up to the first frame header. Nothing when there is none.
std::optional<Size> jpegSize(base::Bytes bytes) {
  constexpr std::uint8_t kFirstFrame = 0xc0, kLastFrame = 0xcf, kScan = 0xda;
  std::size_t at = 2;
  while (at + 4 <= bytes.size()) {
    if (bytes[at] != 0xff) return {};
    const std::uint8_t marker = bytes[at + 1];
    if (marker == 0xff) {  // Filling.
      ++at;
      continue;
    }
    // Tables of codes, which share the range of frame headers.
    const bool table = marker == 0xc4 || marker == 0xc8 || marker == 0xcc;
    const std::size_t length = big(bytes, at + 2, 2);
    if (marker == kScan || length < 2) return {};
    if (marker >= kFirstFrame && marker <= kLastFrame && !table) {
      if (at + 9 > bytes.size()) return {};
      return Size{big(bytes, at + 7, 2), big(bytes, at + 5, 2)};
    }
    at += 2 + length;
  }
  return {};
}

/// RFC 9649 section 2: lossy, lossless and extended.
std::optional<Size> webpSize(base::Bytes bytes) {
  if (bytes.size() < 30) return {};
  const std::string_view form = base::asText(bytes.subspan(12, 4));
  if (form == "VP8 ") return Size{little(bytes, 26, 2) & 0x3fff, little(bytes, 28, 2) & 0x3fff};
  if (form == "VP8L") {
    const std::uint32_t bits = little(bytes, 21, 4);
    return Size{(bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1};
  }
  if (form == "VP8X") return Size{little(bytes, 24, 3) + 1, little(bytes, 27, 3) + 1};
  return {};
}

std::string_view endingOf(const ContentType& type) {
  if (type.type == "application/pdf") return "pdf";
  if (type.type == "image/jpeg") return "jpg";
  return type.type.substr(type.type.find('/') + 1);
}

base::Result<ContentType> picture(std::string_view type, std::optional<Size> size) {
  if (!size || size->width == 0 || size->height == 0) {
    return base::fail("content.unsupported", "The picture is broken.");
  }
  if (std::uint64_t{size->width} * size->height > kMaxPixels) {
    return base::fail("content.picture_too_large",
                      fmt::format("The picture has {} x {} pixels.", size->width, size->height));
  }
  return ContentType{type, "image", size->width, size->height};
}

}  // namespace

base::Result<ContentType> contentTypeOf(base::Bytes content) {
  if (content.empty()) return base::fail("content.empty", "The file is empty.");
  const std::string_view text = base::asText(content);
  if (text.starts_with("%PDF-1.") || text.starts_with("%PDF-2.")) {
    return ContentType{"application/pdf", "document"};
  }
  if (text.starts_with("\x89PNG\r\n\x1a\n")) return picture("image/png", pngSize(content));
  if (text.starts_with("\xff\xd8\xff")) return picture("image/jpeg", jpegSize(content));
  if (text.starts_with("GIF87a") || text.starts_with("GIF89a")) return picture("image/gif", gifSize(content));
  if (text.starts_with("RIFF") && text.substr(0, 12).ends_with("WEBP")) {
    return picture("image/webp", webpSize(content));
  }
  return base::fail("content.unsupported", "Only PDF, PNG, JPEG, GIF and WebP files are taken.");
}

bool agrees(std::string_view declared, const ContentType& found) {
  const std::string type = base::toLower(base::trim(declared.substr(0, declared.find(';'))));
  if (type == found.type) return true;
  // Servers say this when they do not know, or want a file to be saved.
  if (type.empty() || type == "application/octet-stream" || type == "binary/octet-stream" ||
      type == "application/download" || type == "application/force-download") {
    return true;
  }
  if (found.type == "application/pdf") return type == "application/x-pdf";
  return found.type == "image/jpeg" && (type == "image/jpg" || type == "image/pjpeg");
}

std::string contentName(std::string_view given, const ContentType& type) {
  std::string name;
  const std::string_view last = given.substr(given.find_last_of("/\\") + 1);
  for (const char c : base::isUtf8(last) ? base::trim(last) : std::string_view()) {
    const auto byte = static_cast<unsigned char>(c);
    name += byte < 0x20 || byte == 0x7f || c == '"' || c == '<' || c == '>' || c == '%' ? '_' : c;
  }
  const std::string ending = "." + std::string(endingOf(type));
  const bool named =
      base::toLower(name).ends_with(ending) || (ending == ".jpg" && base::toLower(name).ends_with(".jpeg"));
  if (named && name.size() <= kMaxFileName) return name;
  if (named) name.resize(name.rfind('.'));
  if (name.size() > kMaxFileName - 5) {
    std::size_t end = kMaxFileName - 5;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
    name.resize(end);
  }
  if (name.empty()) name = std::string(type.kind);
  return name + ending;
}

}  // namespace parley::assist
