// The grammar that uri.cpp, headers.cpp and the message parser share. Each read function takes its part off
// the cursor; with a null `out` it only checks, without allocation. Each append function writes what the read
// function reads back as the same. Internal to sip/. `out` is a fresh value, so that text is appended, which
// costs half of what assigning does.
#pragma once
#include <string>
#include <string_view>

#include "sip/headers.h"
#include "sip/lexer.h"
#include "sip/message.h"
#include "sip/uri.h"

namespace parley::sip::grammar {

/// Parameters of one value, so that a message cannot turn into many times its size of memory.
constexpr std::size_t kMaxParams = 128;

/// The whole of `text` is one URI.
bool readUri(std::string_view text, Uri* out);
/// How much of `text` is a host: a name, an IPv4 address or an IPv6 reference with its brackets. 0: none.
std::size_t hostLength(std::string_view text);
/// The digits of a port, 1…65535. 0: none.
std::uint16_t readPort(lexer::Cursor& c);
/// `*(;name[=value])`, up to what is no parameter.
bool readParams(lexer::Cursor& c, Params* out);
/// One element of a list of name-addr or addr-spec with parameters, up to a comma or the end.
bool readNameAddr(lexer::Cursor& c, NameAddr* out);
/// One via-parm. Where it fails, `out` has what was read up to there.
bool readVia(lexer::Cursor& c, Via* out);
bool readCSeq(std::string_view text, CSeq& out);

/// headerIdOf, and whether it is written exactly as in nameOf.
HeaderId lookUp(std::string_view name, bool& exact);

void append(std::string& out, const Uri& uri);
void append(std::string& out, const Params& params);
void append(std::string& out, const NameAddr& address);
void append(std::string& out, const Via& via);
void append(std::string& out, const CSeq& cseq);
void append(std::string& out, std::uint32_t number);
void appendQuoted(std::string& out, std::string_view text);

}  // namespace parley::sip::grammar
