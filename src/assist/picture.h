// Header of a picture (docs/protocols/topic.md, "Pictures"). The server decodes no pixels; it checks that
// every operation lies inside the picture, so that no viewer gets what would write elsewhere. Pure.
#pragma once
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace parley::assist {

constexpr std::size_t kMaxPictureBytes = 1 << 20;
constexpr std::size_t kMaxPictureOps = 4096;
/// Pixels of all parts together, in whole pictures: what was moved and what is new. A part costs whoever
/// draws it its pixels, however few its bytes are.
constexpr std::uint64_t kMaxPictureCover = 2;
/// Pixels a side, and of the whole: what a viewer's canvas can hold.
constexpr std::uint16_t kMaxPictureSide = 8192;
constexpr std::uint32_t kMaxPictureArea = 32u << 20;

struct PictureHeader {
  bool whole = false;  ///< Needs no earlier one.
  std::uint32_t frame = 0;
  std::uint32_t epoch = 0;
  std::uint16_t width = 0, height = 0;
};

/// Errors: assist.too_large, assist.frame_refused.
base::Result<PictureHeader> parsePicture(base::Bytes bytes);

/// A picture as it goes to viewers: one buffer for all of them.
struct Picture {
  PictureHeader header;
  std::shared_ptr<const base::Buffer> bytes;
  std::uint64_t number = 0;  ///< Ours, from 1, in order of arrival; PictureLog gives it.
};

}  // namespace parley::assist
