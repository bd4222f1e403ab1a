// A packet in a slot with room before and after it, so that it can grow in place (header extensions
// before, SRTP tags after). A view: the slot belongs to whoever received or made it.
#pragma once
#include "base/bytes.h"

namespace parley::proto {

struct Packet {
  base::MutableBytes storage;
  std::size_t offset = 0;
  std::size_t size = 0;

  base::MutableBytes data() const { return storage.subspan(offset, size); }
  std::size_t headroom() const { return offset; }
  std::size_t tailroom() const { return storage.size() - offset - size; }
};

}  // namespace parley::proto
