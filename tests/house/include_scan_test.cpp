// Reads every #include of the product and says which door is wrong. The rooms and who may know whom:
// orchestrator/README.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// Which rooms a room may include beside itself. `base` is open to all.
const std::map<std::string, std::set<std::string>> kDoors{
    {"base", {}},
    {"digest", {}},
    {"schedule", {}},
    {"telemetry", {"digest"}},
    {"config", {}},
    {"yaml", {}},
    {"model", {}},
    {"language", {"model"}},
    {"core", {"language", "model"}},
    {"handler", {"model"}},
    {"store", {"core", "language", "model", "handler", "digest"}},
    {"store/postgres", {"store", "core", "language", "model", "handler", "digest", "telemetry"}},
    {"store/memory", {"store", "core", "language", "model", "handler", "digest", "telemetry"}},
    {"runtime", {"schedule", "store", "core", "language", "model", "handler", "digest", "telemetry"}},
    {"service", {"schedule", "runtime", "store", "core", "language", "model", "handler", "digest", "telemetry"}},
    {"api", {"service", "schedule", "store", "core", "language", "model", "digest", "telemetry", "yaml"}},
    {"handlers", {"handler", "model", "digest", "telemetry"}},
    {"tools",
     {"core", "language", "model", "digest", "telemetry", "config", "store/postgres", "store", "handlers", "handler",
      "yaml"}},
    {"app",
     {"api", "handlers", "handler", "runtime", "service", "tools", "store", "store/postgres", "store/memory",
      "telemetry", "config", "core", "language", "model", "digest", "yaml"}},
};

/// Libraries that live behind one door.
struct Library {
  std::regex pattern;
  std::string name;
  std::set<std::string> rooms;
};

const std::vector<Library>& libraries() {
  static const std::vector<Library> all{
      {std::regex("^(pqxx/|libpq-fe)"), "PostgreSQL's client", {"store/postgres"}},
      {std::regex("^boost/beast"), "Beast", {"api", "handlers", "tools"}},
      {std::regex("^boost/asio"), "Asio", {"runtime", "api", "handlers", "tools", "app"}},
      {std::regex("^prometheus/"), "prometheus-cpp", {"telemetry"}},
      {std::regex("^spdlog/"), "spdlog", {"telemetry"}},
      {std::regex("^openssl/"), "OpenSSL", {"digest", "handlers", "tools"}},
      {std::regex("^CLI/"), "CLI11", {"app"}},
      {std::regex("^yaml-cpp/"), "yaml-cpp", {"yaml"}},
      {std::regex("^toml"), "toml++", {"config"}},
      {std::regex("^date/"), "the time-zone library", {"schedule"}},
  };
  return all;
}

const std::set<std::string> kPureRooms{"base", "model", "language", "core"};

/// What pure rooms may not touch even in the standard library: clocks, threads, files, randomness.
const std::set<std::string> kImpureHeaders{"thread",   "mutex",        "condition_variable", "future",
                                           "fstream",  "random",       "iostream",           "filesystem",
                                           "unistd.h", "sys/socket.h", "pthread.h"};

std::string room_of(const std::string& path) {
  std::string rest = path;
  if (rest.rfind("orchestrator/", 0) == 0) rest = rest.substr(13);
  if (rest.rfind("store/postgres/", 0) == 0) return "store/postgres";
  if (rest.rfind("store/memory/", 0) == 0) return "store/memory";
  return rest.substr(0, rest.find('/'));
}

struct Include {
  std::string file;
  int line = 0;
  std::string target;
};

std::vector<Include> all_includes() {
  const fs::path root = ORC_SOURCE_DIR;
  const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^">]+)[">])");
  std::vector<Include> includes;
  for (const char* top : {"orchestrator", "api", "handlers"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const auto extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp") continue;
      std::ifstream in(entry.path());
      std::string text;
      for (int line = 1; std::getline(in, text); ++line) {
        std::smatch found;
        if (std::regex_search(text, found, pattern)) {
          includes.push_back({fs::relative(entry.path(), root).string(), line, found[1]});
        }
      }
    }
  }
  return includes;
}

std::string at(const Include& include) { return include.file + ":" + std::to_string(include.line); }

TEST(IncludeScan, FindsTheProduct) { EXPECT_GT(all_includes().size(), 500U); }

TEST(IncludeScan, NoRoomIncludesOneItMayNotKnow) {
  std::vector<std::string> wrong;
  for (const auto& include : all_includes()) {
    const std::string from = room_of(include.file);
    const bool ours = include.target.rfind("orchestrator/", 0) == 0 || include.target.rfind("api/", 0) == 0 ||
                      include.target.rfind("handlers/", 0) == 0;
    if (!ours) continue;
    const std::string to = room_of(include.target);
    if (to == from || to == "base") continue;
    const auto doors = kDoors.find(from);
    if (doors == kDoors.end()) {
      wrong.push_back(at(include) + ": the room " + from + " is not in the table of doors");
    } else if (!doors->second.contains(to)) {
      wrong.push_back(at(include) + ": " + from + " has no door to " + to + " (" + include.target + ")");
    }
  }

  for (const auto& sentence : wrong) ADD_FAILURE() << sentence;
}

TEST(IncludeScan, LibrariesStayBehindTheirDoor) {
  for (const auto& include : all_includes()) {
    for (const auto& library : libraries()) {
      if (!std::regex_search(include.target, library.pattern)) continue;
      EXPECT_TRUE(library.rooms.contains(room_of(include.file)))
          << at(include) << ": only other rooms may use " << library.name << " (" << include.target << ")";
    }
  }
}

TEST(IncludeScan, PureRoomsTouchNoClockThreadFileOrChance) {
  for (const auto& include : all_includes()) {
    if (!kPureRooms.contains(room_of(include.file))) continue;
    EXPECT_FALSE(kImpureHeaders.contains(include.target))
        << at(include) << ": " << room_of(include.file) << " is pure; <" << include.target << "> is not";
  }
}

TEST(IncludeScan, HeadersStayLight) {
  const std::set<std::string> heavy{"boost/asio.hpp", "boost/beast.hpp", "boost/beast/http.hpp", "pqxx/pqxx"};
  for (const auto& include : all_includes()) {
    if (include.file.size() < 4 || include.file.substr(include.file.size() - 4) != ".hpp") continue;
    EXPECT_FALSE(heavy.contains(include.target))
        << at(include) << ": a header must not pull in all of " << include.target;
  }
}

}  // namespace
