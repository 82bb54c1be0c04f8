# Every library comes from Debian 12; scripts/install-packages names the packages.
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS url)
find_package(GTest REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(date REQUIRED)
find_package(prometheus-cpp REQUIRED COMPONENTS core)
find_package(PostgreSQL REQUIRED)
find_package(PkgConfig REQUIRED)
find_library(JEMALLOC_LIBRARY jemalloc REQUIRED)
pkg_check_modules(PQXX REQUIRED IMPORTED_TARGET libpqxx)

# Boost.Asio, compiled once; every room with sockets or strands links it.
add_library(orc_asio STATIC ${CMAKE_CURRENT_LIST_DIR}/asio/asio_implementation.cpp)
target_link_libraries(orc_asio PUBLIC orc_flags OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
