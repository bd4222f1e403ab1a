#include "link/test_pipe.h"

namespace parley::link::rig {

std::pair<std::shared_ptr<PipeEnd>, std::shared_ptr<PipeEnd>> PipeEnd::make(net::EventLoop& loop) {
  auto a = std::make_shared<PipeEnd>(loop);
  auto b = std::make_shared<PipeEnd>(loop);
  a->peer_ = b;
  b->peer_ = a;
  a->self_ = a;
  b->self_ = b;
  return {a, b};
}

void PipeEnd::start(std::function<void(std::string_view)> onText, std::function<void(base::Bytes)> onBinary,
                    std::function<void(std::uint16_t, std::string_view)> onClose) {
  onText_ = std::move(onText);
  onBinary_ = std::move(onBinary);
  onClose_ = std::move(onClose);
  auto early = std::move(early_);
  for (auto& text : early) loop_.post([self = shared_from_this(), text] { self->got(text); });
}

void PipeEnd::sendText(std::string text) {
  if (!open_) return;
  if (const auto peer = peer_.lock()) loop_.post([peer, text = std::move(text)] { peer->got(text); });
}

void PipeEnd::sendBinary(base::Buffer bytes) {
  if (!open_) return;
  if (const auto peer = peer_.lock()) {
    loop_.post([peer, bytes = std::move(bytes)] {
      if (peer->open_ && peer->onBinary_) peer->onBinary_(bytes);
    });
  }
}

void PipeEnd::got(std::string text) {
  if (!open_) return;
  if (!onText_) return early_.push_back(std::move(text));
  onText_(text);
}

void PipeEnd::close(std::uint16_t code, std::string_view reason) {
  if (!open_) return;
  for (const auto& end : {self_, peer_.lock()}) {
    if (end) loop_.post([end, code, text = std::string(reason)] { end->closed(code, text); });
  }
}

void PipeEnd::closed(std::uint16_t code, std::string reason) {
  if (!open_) return;
  open_ = false;
  const auto keep = std::move(self_);
  onText_ = nullptr;
  onBinary_ = nullptr;
  if (const auto call = std::move(onClose_)) call(code, reason);
}

}  // namespace parley::link::rig
