#include "orchestrator/store/postgres/statements.hpp"

#include "orchestrator/base/check.hpp"
#include "orchestrator/base/embedded_file.hpp"

namespace orchestrator::store::postgres {

extern const EmbeddedFile kStatementFiles[];
extern const unsigned kStatementFiles_count;

namespace {

constexpr std::string_view kMark = "-- name: ";

/// Cuts one file at its `-- name:` lines; the comments between stay with their statement, where they do no harm.
void add_statements(std::string_view text, std::vector<Statement>& all) {
  std::size_t at = text.find(kMark);
  while (at != std::string_view::npos) {
    const std::size_t name_at = at + kMark.size();
    const std::size_t line_end = text.find('\n', name_at);
    ORC_CHECK(line_end != std::string_view::npos, "a named statement has a text below its name");
    const std::size_t next = text.find(kMark, line_end);
    all.push_back(
        {std::string(text.substr(name_at, line_end - name_at)),
         std::string(text.substr(line_end + 1, next == std::string_view::npos ? next : next - line_end - 1))});
    at = next;
  }
}

}  // namespace

const std::vector<Statement>& statements() {
  static const std::vector<Statement> all = [] {
    std::vector<Statement> built;
    for (unsigned i = 0; i < kStatementFiles_count; ++i) add_statements(kStatementFiles[i].text, built);
    return built;
  }();
  return all;
}

}  // namespace orchestrator::store::postgres
