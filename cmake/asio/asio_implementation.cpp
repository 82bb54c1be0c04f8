// Boost.Asio's own code, compiled once for all rooms (BOOST_ASIO_SEPARATE_COMPILATION in cmake/compiler.cmake).
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
