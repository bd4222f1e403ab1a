// For tests: hears of telephones and does nothing about it; a test overrides what it wants to know.
#pragma once
#include <string>

#include "gateway/phones.h"

namespace parley::gateway::rig {

class QuietListener : public PhonesListener {
 public:
  void onPhoneCall(const IncomingPhoneCall&) override {}
  void onPhoneProgress(const std::string&, int, const std::string&) override {}
  void onPhoneAnswered(const std::string&, const std::string&) override {}
  void onPhoneFailed(const std::string&, int, const std::string&, const std::string&) override {}
  void onPhoneOffer(const std::string&, const std::string&) override {}
  void onPhoneOfferAnswered(const std::string&, const std::string&) override {}
  void onPhoneOfferFailed(const std::string&, int, const std::string&) override {}
  void onPhoneDtmf(const std::string&, const std::string&) override {}
  void onPhoneRefer(const std::string&, const std::string&, const std::string&, const std::string&) override {
  }
  void onReferProgress(const std::string&, int) override {}
  void onPhoneEnded(const std::string&, const std::string&, const std::string&) override {}
  void onPhoneTrace(const std::string&, bool, const std::string&, const std::string&) override {}
};

}  // namespace parley::gateway::rig
