// The only door to Asio: every file of net/ that needs it includes this one, so that the choice
// "compiled once, in asio_impl.cpp" is the same everywhere. Never included from outside net/.
#pragma once
#define BOOST_ASIO_SEPARATE_COMPILATION 1
#define BOOST_BEAST_SEPARATE_COMPILATION 1
#define BOOST_ASIO_NO_DEPRECATED 1
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

namespace parley::net {
namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
}  // namespace parley::net
