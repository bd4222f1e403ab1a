// The only door to Asio: every file of net/ that needs it includes this one, so that the choice
// "compiled once, in asio_impl.cpp" (set for the target) is the same everywhere: a file that was header-only
// would have error categories of its own, which compare unequal. Never included from outside net/.
#pragma once
#if !defined(BOOST_ASIO_SEPARATE_COMPILATION) || !defined(BOOST_BEAST_SEPARATE_COMPILATION)
#error "Asio is compiled once; see src/CMakeLists.txt"
#endif
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

namespace parley::net {
namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
}  // namespace parley::net
