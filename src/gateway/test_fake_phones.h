// Scripted telephones for tests and fuzz targets: what the gateway asks is written down, what a phone does is
// said by the test.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/guard.h"
#include "gateway/phones.h"
#include "net/event_loop.h"

namespace parley::gateway::rig {

class FakePhones final : public Phones {
 public:
  explicit FakePhones(net::EventLoop& loop) : loop_(loop) {}
  void setListener(PhonesListener* listener) override { listener_ = listener; }
  bool available() const override { return trunk; }
  void invite(const PhoneInvite& invite) override;
  void ring(const std::string& leg, const std::string& sdp) override;
  void answer(const std::string& leg, const std::string& sdp) override;
  void reject(const std::string& leg, int status, const std::string& text) override;
  void hangUp(const std::string& leg, EndReason reason) override;
  void offer(const PhoneOffer& offer) override;
  void answerOffer(const std::string& leg, const std::string& sdp) override;
  void refuseOffer(const std::string& leg, int status) override;
  void sendDtmf(const std::string& leg, const std::string& digits) override;
  void refer(const PhoneRefer& refer) override;
  void referProgress(const std::string& leg, int status) override;
  std::string save(const std::string& leg) const override { return legs.contains(leg) ? dialog : ""; }
  bool restore(const std::string& leg, const std::string& saved) override;

  // What phones do. Everything comes by the loop, as from a network.
  void call(IncomingPhoneCall call);
  void progress(const std::string& leg, int status, const std::string& sdp = {});
  void answers(const std::string& leg, const std::string& sdp);
  void fails(const std::string& leg, int status, const std::string& reason = "sip.refused");
  void reinvites(const std::string& leg, const std::string& sdp);
  void answersOffer(const std::string& leg, const std::string& sdp);
  void failsOffer(const std::string& leg, int status);
  void presses(const std::string& leg, const std::string& digits);
  void refers(const std::string& leg, const std::string& target, const std::string& replaces = {},
              const std::string& replacesLeg = {});
  void tellsRefer(const std::string& leg, int status);
  void ends(const std::string& leg, const std::string& reason = "sip.bye");
  void traces(const std::string& leg, const std::string& what);
  /// Its dialog goes on: what save() gives is another.
  void changes(const std::string& leg, const std::string& dialog);

  /// "invite 2001", "answer p1 v=0 …": in order.
  std::vector<std::string> log;
  bool has(const std::string& line) const;
  /// The last line that begins so; empty: none.
  std::string last(const std::string& start) const;
  PhoneInvite invited;         ///< The last one.
  PhoneOffer offered;          ///< The last one.
  PhoneRefer referred;         ///< The last one.
  std::set<std::string> legs;  ///< Dialogs that are not ended.
  bool trunk = true;
  bool restorable = true;
  std::string dialog = "a dialog";  ///< What save() gives, and restore() wants.

 private:
  template <class F>
  void later(F what) {
    loop_.post(guard_.wrap([this, what] {
      if (listener_ != nullptr) what(*listener_);
    }));
  }
  net::EventLoop& loop_;
  PhonesListener* listener_ = nullptr;
  base::LifeGuard guard_;
};

}  // namespace parley::gateway::rig
