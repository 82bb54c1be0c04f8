// The list of audited actions in docs/audit.md is the one that the code writes.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// `noun.verb` and `noun.verb|verb` of the section "The actions".
std::set<std::string> documented() {
  const std::string page = text_of(fs::path(ORC_SOURCE_DIR) / "docs" / "audit.md");
  const auto begin = page.find("\n## The actions");
  const std::string section = page.substr(begin, page.find("\n## ", begin + 1) - begin);
  const std::regex pattern("`([a-z_]+)\\.([a-z_|]+)`");
  std::set<std::string> actions;
  for (std::sregex_iterator found(section.begin(), section.end(), pattern), end; found != end; ++found) {
    std::istringstream verbs((*found)[2]);
    for (std::string verb; std::getline(verbs, verb, '|');) actions.insert((*found)[1].str() + "." + verb);
  }
  return actions;
}

/// Literals of that shape with a noun that the audit knows, wherever entries are made.
std::set<std::string> written() {
  const std::regex pattern(
      "\"((approval|api_key|calendar|decision|delivery|endpoint|namespace|operation|policy|queue|run|schedule|signal|"
      "workflow)\\.[a-z_]+)\"");
  std::set<std::string> actions;
  const fs::path root = ORC_SOURCE_DIR;
  for (const char* room : {"api", "orchestrator/runtime", "orchestrator/service", "orchestrator/store"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / room)) {
      if (entry.path().extension() != ".cpp") continue;
      const std::string text = text_of(entry.path());
      for (std::sregex_iterator found(text.begin(), text.end(), pattern), end; found != end; ++found) {
        actions.insert((*found)[1]);
      }
    }
  }
  return actions;
}

TEST(AuditedActions, AreThoseOfTheDocumentation) {
  const auto in_code = written();
  ASSERT_TRUE(in_code.contains("run.kill"));

  EXPECT_EQ(documented(), in_code);
}

}  // namespace
