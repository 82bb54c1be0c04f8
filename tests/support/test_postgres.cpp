// Starts and stops the PostgreSQL that all store tests of one run share.
//   test_postgres start DIR    prints its URL
//   test_postgres stop DIR
#include <cstdio>
#include <filesystem>
#include <string_view>

#include "orchestrator/tools/private_postgres.hpp"

int main(int argc, char** argv) {
  const std::string_view verb = argc == 3 ? argv[1] : "";
  if (verb != "start" && verb != "stop") {
    std::fprintf(stderr, "usage: test_postgres start|stop DIR\n");
    return 2;
  }
  using orchestrator::tools::PrivatePostgres;
  auto started = PrivatePostgres::start({.data_dir = std::filesystem::absolute(argv[2]),
                                         .max_connections = 300,
                                         .shared_buffers_megabytes = 128,
                                         .durable = false});
  if (!started) {
    std::fprintf(stderr, "test_postgres: %s\n", started.error().message.c_str());
    return 1;
  }
  if (verb == "start") {
    std::printf("%s\n", started->url_of("postgres").c_str());
    return 0;
  }
  const auto stopped = started->stop();
  if (!stopped) std::fprintf(stderr, "test_postgres: %s\n", stopped.error().message.c_str());
  return stopped ? 0 : 1;
}
