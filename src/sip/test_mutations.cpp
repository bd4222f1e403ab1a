#include "sip/test_mutations.h"

namespace parley::sip::rig {
namespace {

constexpr SampleHeader kSamples[] = {
    {"Via", "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK9;received=192.0.2.9;rport=5060"},
    {"From", "\"A\" <sip:a@example.com>;tag=1"},
    {"To", "<sip:b@example.com:5060;transport=tcp>;tag=2"},
    {"Call-ID", "abc@host"},
    {"CSeq", "1 INVITE"},
    {"Max-Forwards", "70"},
    {"Contact", "<sip:a@192.0.2.1>;expires=60;q=0.5, <sip:a@192.0.2.2>"},
    {"Route", "<sip:p1.example;lr>, <sip:p2.example;lr>"},
    {"Record-Route", "<sip:p1.example;lr>"},
    {"Content-Type", "multipart/mixed;boundary=\"a b\""},
    {"Content-Length", "0"},
    {"Date", "Sat, 13 Nov 2010 23:29:00 GMT"},
    {"Expires", "3600"},
    {"Session-Expires", "1800;refresher=uac"},
    {"Min-SE", "90"},
    {"RSeq", "1"},
    {"RAck", "1 2 INVITE"},
    {"Event", "dialog;id=1"},
    {"Subscription-State", "active;expires=60"},
    {"Refer-To", "<sip:c@example.com?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>"},
    {"Referred-By", "<sip:r@example.com>;cid=\"1@h\""},
    {"Replaces", "a@b;to-tag=1;from-tag=2;early-only"},
    {"Authorization",
     "Digest username=\"u\", realm=\"r, s\", nonce=\"n\", uri=\"sip:x\", response=\"0\", nc=00000001"},
    {"WWW-Authenticate", "Digest realm=\"r\", qop=\"auth,auth-int\", algorithm=SHA-256, nonce=\"n\""},
    {"Privacy", "id;critical"},
    {"P-Asserted-Identity", "\"A\" <sip:a@example.com>, <tel:+12025550100>"},
    {"Remote-Party-ID", "<sip:a@example.com>;party=calling;privacy=off"},
    {"Diversion", "<sip:d@example.com>;reason=no-answer;counter=1"},
    {"History-Info", "<sip:h@example.com?Reason=SIP%3Bcause%3D302>;index=1.1;rc=1"},
    {"User-to-User", "56a390f3d2b7310023;encoding=hex;purpose=isdn-uui"},
    {"Reason", "Q.850;cause=16;text=\"Terminated\""},
    {"Identity", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln;info=<https://c.example/c>;alg=ES256"},
    {"Session-ID", "f81d4fae7dec11d0a76500a0c91e6bf6;remote=00000000000000000000000000000000"},
    {"Warning", "399 host \"a, b\""},
    {"Supported", "100rel, timer"},
    {"User-Agent", "phone/1.0 (a (nested) comment)"},
    {"Flow-Timer", "120"},
    {"Min-Expires", "60"},
    {"Path", "<sip:edge.example;lr;ob>"},
    {"Answer-Mode", "Auto;require"},
    {"Service-Route", "<sip:home.example;lr>, <sip:home2.example;lr>"},
    {"Content-Disposition", "session;handling=required"},
    {"Content-Encoding", "gzip, deflate"},
    {"Allow", "INVITE, ACK, BYE"},
    {"Allow-Events", "dialog, refer"},
    {"Require", "100rel"},
    {"Proxy-Require", "sec-agree"},
    {"Unsupported", "100rel, foo"},
    {"Accept", "application/sdp;level=1, text/*;q=0.1"},
    {"Server", "proxy/2.0 (a comment)"},
    {"Retry-After", "120 (soon);duration=60"},
    {"Subject", "\xc3\xa4 subject, with a comma"},
    {"Proxy-Authorization", "Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:x\", response=\"0\""},
    {"Proxy-Authenticate", "Digest realm=\"r\", qop=\"auth\", algorithm=MD5, nonce=\"n\", stale=true"},
    {"Authentication-Info", "nextnonce=\"n2\", qop=auth, rspauth=\"0\", cnonce=\"c\", nc=00000001"},
    {"Refer-Sub", "false"},
    {"P-Preferred-Identity", "\"A\" <sip:a@example.com>"},
    {"Call-Info", "<http://example.com/a.png>;purpose=icon, <http://example.com/b>;purpose=info"},
    {"Alert-Info", "<http://example.com/ring.wav>;info=alert-autoanswer"},
    {"SIP-ETag", "dx200xyz"},
    {"SIP-If-Match", "dx200xyz"},
    {"X-Unknown", "anything, at ; all"},
};

}  // namespace

std::span<const SampleHeader> sampleHeaders() { return kSamples; }

std::vector<std::string> mutationsOf(std::string_view value) {
  const std::string good(value);
  std::vector<std::string> out = {"",
                                  " ",
                                  ",",
                                  ",,,,",
                                  ";",
                                  ";;;;",
                                  "=",
                                  "\"",
                                  "\\",
                                  "\"\\",
                                  "<",
                                  ">",
                                  "<>",
                                  "<<>>",
                                  "%s%s%n%x",
                                  "%",
                                  "%0",
                                  "%00",
                                  std::string("\0", 1),
                                  "\xff\xfe",
                                  "\xc0\xaf",
                                  "\xed\xa0\x80",
                                  "-1",
                                  "0",
                                  "4294967295",
                                  "4294967296",
                                  "99999999999999999999999999999999999999",
                                  "1e9",
                                  "0x10",
                                  "[",
                                  "]",
                                  "[::",
                                  "[::1",
                                  "[]:1",
                                  ":::::",
                                  "@",
                                  "@@",
                                  "sip:",
                                  "sip:@",
                                  "sip::@",
                                  "<sip:a@b",
                                  "sip:a@b:99999",
                                  "sip:a@b:0",
                                  "sip:a@[::1]:",
                                  "a b c",
                                  "(",
                                  "(((((",
                                  ")",
                                  "\t",
                                  "\x7f",
                                  std::string(300, '('),
                                  std::string(5000, 'a'),
                                  std::string(5000, ','),
                                  std::string(5000, ';'),
                                  std::string(5000, '"'),
                                  std::string(5000, '<'),
                                  std::string(60000, 'A')};
  out.push_back(good + ";");
  out.push_back(good + ",");
  out.push_back("," + good);
  out.push_back(good + "\"");
  out.push_back(good + "\\");
  out.push_back(good + std::string("\0", 1));
  out.push_back(good + ";p=\"unbalanced");
  out.push_back(good + ";p=\xff");
  out.push_back(good + ";" + std::string(500, 'p') + "=1");
  out.push_back(good + "\r\n " + good);
  std::string many = good;
  for (int i = 0; i < 300; ++i) many += ";p" + std::to_string(i) + "=" + std::to_string(i);
  out.push_back(many);
  std::string list = good;
  for (int i = 0; i < 300; ++i) list += ", " + good;
  out.push_back(list);
  for (std::size_t i = 0; i < good.size(); i += 2) {
    out.push_back(good.substr(0, i));
    out.push_back(good.substr(0, i) + good.substr(i + 1));
  }
  // What ends or opens something, at places that differ from one another.
  constexpr std::string_view kEvil("\"<>,;\\\0\xff", 8);
  for (std::size_t i = 0; i < good.size(); ++i)
    out.push_back(good.substr(0, i) + kEvil[i % kEvil.size()] + good.substr(i));
  return out;
}

}  // namespace parley::sip::rig
