#include "assist/picture.h"

#include <bit>
#include <cmath>

namespace parley::assist {
namespace {

constexpr std::uint8_t kPictureKind = 1;
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kWholeFlag = 1;
constexpr std::uint8_t kKnownFlags = 7;
constexpr std::uint8_t kCopy = 1;
constexpr std::uint8_t kImage = 2;
constexpr std::uint8_t kLastCodec = 6;
constexpr float kMaxScale = 16;

std::unexpected<base::Error> refused(const char* what) { return base::fail("assist.frame_refused", what); }

/// The move's other end may be partly outside: what leaves the picture is cut off.
bool opFits(base::ByteReader& in, const PictureHeader& picture, std::uint64_t& covered) {
  const std::uint8_t op = in.u8();
  const std::uint32_t x = in.u16(), y = in.u16(), w = in.u16(), h = in.u16();
  if (op == kCopy) {
    in.skip(4);
  } else if (op == kImage) {
    const std::uint8_t codec = in.u8();
    in.skip(1);
    const std::uint32_t length = in.u32();
    if (codec == 0 || codec > kLastCodec || length == 0) return false;
    in.skip(length);
  } else {
    return false;
  }
  covered += std::uint64_t{w} * h;
  return in.ok() && w > 0 && h > 0 && x + w <= picture.width && y + h <= picture.height;
}

}  // namespace

base::Result<PictureHeader> parsePicture(base::Bytes bytes) {
  if (bytes.size() > kMaxPictureBytes) {
    return base::fail("assist.too_large", "A picture is larger than the server takes.");
  }
  base::ByteReader in(bytes);
  const std::uint8_t kind = in.u8(), version = in.u8(), flags = in.u8();
  in.skip(1);
  PictureHeader out;
  out.whole = (flags & kWholeFlag) != 0;
  out.frame = in.u32();
  out.epoch = in.u32();
  out.width = in.u16();
  out.height = in.u16();
  const float scale = std::bit_cast<float>(in.u32());
  in.skip(8);  // Where the document is scrolled to.
  if (!in.ok() || kind != kPictureKind || version != kVersion || (flags & ~kKnownFlags) != 0) {
    return refused("This is no picture of this version.");
  }
  if (out.width == 0 || out.height == 0 || out.width > kMaxPictureSide || out.height > kMaxPictureSide ||
      std::uint32_t{out.width} * out.height > kMaxPictureArea) {
    return refused("The picture's size cannot be.");
  }
  if (!std::isfinite(scale) || scale <= 0 || scale > kMaxScale) {
    return refused("The picture's scale cannot be.");
  }
  std::uint64_t covered = 0;
  for (std::size_t ops = 0; in.remaining() > 0; ++ops) {
    if (ops >= kMaxPictureOps) return refused("The picture has too many parts.");
    if (!opFits(in, out, covered)) return refused("A part lies outside of the picture, or is cut off.");
    if (covered > kMaxPictureCover * out.width * out.height) {
      return refused("The parts are more than twice the picture.");
    }
  }
  return out;
}

}  // namespace parley::assist
