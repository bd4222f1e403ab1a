// No telephones: what the gateway has where no SIP is set up. Nothing can be dialled, nobody calls.
#pragma once
#include "gateway/phones.h"

namespace parley::gateway {

class NoPhones final : public Phones {
 public:
  void setListener(PhonesListener*) override {}
  bool available() const override { return false; }
  void invite(const PhoneInvite&) override {}
  void ring(const std::string&, const std::string&) override {}
  void answer(const std::string&, const std::string&) override {}
  void reject(const std::string&, int, const std::string&) override {}
  void hangUp(const std::string&, const std::string&) override {}
  void offer(const std::string&, const std::string&) override {}
  void answerOffer(const std::string&, const std::string&) override {}
  void refuseOffer(const std::string&, int) override {}
  void sendDtmf(const std::string&, const std::string&) override {}
  void refer(const std::string&, const std::string&, const std::string&) override {}
  void referProgress(const std::string&, int) override {}
  std::string save(const std::string&) const override { return {}; }
  bool restore(const std::string&, const std::string&) override { return false; }
};

}  // namespace parley::gateway
