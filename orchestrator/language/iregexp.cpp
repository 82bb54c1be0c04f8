#include "orchestrator/language/iregexp.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/language/limits.hpp"
#include "orchestrator/language/unicode_category.hpp"
#include "orchestrator/language/utf8.hpp"

namespace orchestrator::language {
namespace {

/// Which characters one position accepts.
struct CharacterSet {
  struct Category {
    std::string name;  ///< "L" or "Lu"
    bool negated = false;
  };
  bool negated = false;
  std::vector<std::pair<char32_t, char32_t>> ranges;
  std::vector<Category> categories;

  [[nodiscard]] bool contains(char32_t c) const {
    const bool listed =
        std::ranges::any_of(ranges, [c](const auto& range) { return c >= range.first && c <= range.second; }) ||
        std::ranges::any_of(categories,
                            [c](const auto& category) { return is_in_category(c, category.name) != category.negated; });
    return listed != negated;
  }
};

/// `.`: everything but line ends. Source: RFC 9485 section 5.
CharacterSet any_character() { return CharacterSet{.negated = true, .ranges = {{U'\n', U'\n'}, {U'\r', U'\r'}}}; }

struct Instruction {
  enum class Kind : std::uint8_t { character, split, jump, text_begin, text_end, match };
  Kind kind = Kind::match;
  std::size_t set = 0;    ///< character: index into the program's sets
  std::size_t first = 0;  ///< split, jump: targets
  std::size_t second = 0;
};

}  // namespace

/// Instructions of a Pike machine: every thread of the match advances in step over the text.
struct RegexProgram {
  std::vector<Instruction> code;
  std::vector<CharacterSet> sets;
};

namespace {

/// Compiles while it parses: each parse function appends the code of what it read. Repeats copy code, which works
/// because all targets inside a piece are kept relative until `append` moves them.
class RegexCompiler {
 public:
  explicit RegexCompiler(std::string_view pattern) : text_(to_code_points(pattern)) {}

  std::unique_ptr<RegexProgram> compile() {
    auto code = parse_alternatives();
    if (!code || at_ < text_.size()) return nullptr;
    code->push_back(Instruction{.kind = Instruction::Kind::match});
    auto program = std::make_unique<RegexProgram>();
    program->code = std::move(*code);
    program->sets = std::move(sets_);
    return program;
  }

 private:
  using Code = std::vector<Instruction>;
  using Kind = Instruction::Kind;

  /// Appends code whose targets count from its own beginning.
  static void append(Code& code, const Code& more) {
    const std::size_t base = code.size();
    for (Instruction instruction : more) {
      instruction.first += base;
      instruction.second += base;
      code.push_back(instruction);
    }
  }

  std::optional<Code> parse_alternatives() {
    if (++nesting_ > kMaxPathNesting) return std::nullopt;
    auto code = parse_branch();
    while (code && at_ < text_.size() && text_[at_] == U'|') {
      ++at_;
      const auto other = parse_branch();
      if (!other) return std::nullopt;
      Code both{{.kind = Kind::split, .first = 1, .second = code->size() + 2}};
      append(both, *code);
      both.push_back({.kind = Kind::jump, .first = code->size() + other->size() + 2});
      append(both, *other);
      if (both.size() > kMaxRegexInstructions) return std::nullopt;
      code = std::move(both);
    }
    --nesting_;
    return code;
  }

  std::optional<Code> parse_branch() {
    Code code;
    while (at_ < text_.size() && text_[at_] != U'|' && text_[at_] != U')') {
      auto atom = parse_atom();
      if (!atom) return std::nullopt;
      auto piece = parse_quantifier(std::move(*atom));
      if (!piece) return std::nullopt;
      append(code, *piece);
      if (code.size() > kMaxRegexInstructions) return std::nullopt;
    }
    return code;
  }

  std::optional<Code> parse_quantifier(Code atom) {
    if (at_ >= text_.size()) return atom;
    std::size_t least = 0;
    std::optional<std::size_t> most;
    switch (text_[at_]) {
      case U'*': break;
      case U'+': least = 1; break;
      case U'?': most = 1; break;
      case U'{': {
        ++at_;
        const auto first = parse_count();
        if (!first) return std::nullopt;
        least = *first;
        most = first;
        if (at_ < text_.size() && text_[at_] == U',') {
          ++at_;
          most = parse_count();
        }
        if (at_ >= text_.size() || text_[at_] != U'}' || (most && *most < least)) return std::nullopt;
        break;
      }
      default: return atom;
    }
    ++at_;
    return repeat(atom, least, most);
  }

  static std::optional<Code> repeat(const Code& atom, std::size_t least, std::optional<std::size_t> most) {
    // An empty atom repeated is the empty atom; counting it out would only cost time.
    if (atom.empty()) return atom;
    const std::size_t copies = most.value_or(least + 1);
    if (copies > kMaxRegexInstructions / (atom.size() + 2)) return std::nullopt;
    Code code;
    for (std::size_t i = 0; i < least; ++i) append(code, atom);
    if (!most) {
      const Code enter{{.kind = Kind::split, .first = 1, .second = atom.size() + 2}};
      Code loop = enter;
      append(loop, atom);
      loop.push_back({.kind = Kind::jump, .first = 0});
      append(code, loop);
      return code;
    }
    for (std::size_t i = least; i < *most; ++i) {
      Code optional{{.kind = Kind::split, .first = 1, .second = atom.size() + 1}};
      append(optional, atom);
      append(code, optional);
    }
    return code;
  }

  std::optional<std::size_t> parse_count() {
    std::size_t value = 0;
    bool any = false;
    for (; at_ < text_.size() && text_[at_] >= U'0' && text_[at_] <= U'9'; ++at_, any = true) {
      value = value * 10 + (text_[at_] - U'0');
      if (value > kMaxRegexInstructions) return std::nullopt;
    }
    return any ? std::optional(value) : std::nullopt;
  }

  std::optional<Code> parse_atom() {
    const char32_t c = text_[at_++];
    switch (c) {
      case U'(': {
        auto inner = parse_alternatives();
        if (!inner || at_ >= text_.size() || text_[at_] != U')') return std::nullopt;
        ++at_;
        return inner;
      }
      case U'.': return character(any_character());
      case U'^': return Code{{.kind = Kind::text_begin}};
      case U'$': return Code{{.kind = Kind::text_end}};
      case U'[': return parse_class();
      case U'\\': {
        CharacterSet set;
        if (!parse_escape(set)) return std::nullopt;
        return character(std::move(set));
      }
      case U'*':
      case U'+':
      case U'?':
      case U'{':
      case U'}':
      case U']': return std::nullopt;
      default: return character(CharacterSet{.ranges = {{c, c}}});
    }
  }

  Code character(CharacterSet set) {
    sets_.push_back(std::move(set));
    return Code{{.kind = Kind::character, .set = sets_.size() - 1}};
  }

  /// What follows a backslash: one escaped character, or \p{..} and \P{..}.
  bool parse_escape(CharacterSet& set) {
    if (at_ >= text_.size()) return false;
    const char32_t c = text_[at_++];
    if (c == U'p' || c == U'P') return parse_category(set, c == U'P');
    const char32_t meant = c == U'n' ? U'\n' : c == U'r' ? U'\r' : c == U't' ? U'\t' : c;
    if (meant == c && std::u32string_view(U"()*+-.?[\\]^{|}$").find(c) == std::u32string_view::npos) return false;
    set.ranges.emplace_back(meant, meant);
    return true;
  }

  bool parse_category(CharacterSet& set, bool negated) {
    if (at_ >= text_.size() || text_[at_] != U'{') return false;
    const std::size_t end = text_.find(U'}', at_);
    if (end == std::u32string::npos) return false;
    std::string name;
    for (std::size_t i = at_ + 1; i < end; ++i) append_code_point(name, text_[i]);
    if (!is_category_name(name)) return false;
    set.categories.push_back({.name = std::move(name), .negated = negated});
    at_ = end + 1;
    return true;
  }

  std::optional<Code> parse_class() {
    CharacterSet set;
    if (at_ < text_.size() && text_[at_] == U'^') {
      set.negated = true;
      ++at_;
    }
    bool first = true;
    while (at_ < text_.size() && text_[at_] != U']') {
      if (!parse_class_entry(set, first)) return std::nullopt;
      first = false;
    }
    if (at_ >= text_.size() || first) return std::nullopt;
    ++at_;
    return character(std::move(set));
  }

  bool parse_class_entry(CharacterSet& set, bool first) {
    const std::size_t known = set.ranges.size();
    if (!parse_class_character(set, first)) return false;
    if (set.ranges.size() == known) return true;  // A category begins no range.
    if (at_ + 1 >= text_.size() || text_[at_] != U'-' || text_[at_ + 1] == U']') return true;
    ++at_;
    CharacterSet end;
    if (!parse_class_character(end, false) || end.ranges.empty()) return false;
    set.ranges.back().second = end.ranges.front().first;
    return set.ranges.back().first <= set.ranges.back().second;
  }

  /// A dash stands for itself at either end of the class only.
  bool parse_class_character(CharacterSet& set, bool first) {
    if (at_ >= text_.size()) return false;
    const char32_t c = text_[at_++];
    if (c == U'\\') return parse_escape(set);
    if (c == U'[') return false;
    if (c == U'-' && !first && (at_ >= text_.size() || text_[at_] != U']')) return false;
    set.ranges.emplace_back(c, c);
    return true;
  }

  const std::u32string text_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  std::vector<CharacterSet> sets_;
};

/// The threads alive between two characters; each instruction at most once.
class Threads {
 public:
  explicit Threads(const RegexProgram& program) : program_(program), present_(program.code.size(), false) {}

  void clear() {
    std::fill(present_.begin(), present_.end(), false);
    waiting_.clear();
    matched_ = false;
  }

  /// Adds the thread at `start` and everything it reaches without reading a character.
  void add(std::size_t start, bool at_begin, bool at_end) {
    std::vector<std::size_t> open{start};
    while (!open.empty()) {
      const std::size_t at = open.back();
      open.pop_back();
      if (present_[at]) continue;
      present_[at] = true;
      const Instruction& instruction = program_.code[at];
      switch (instruction.kind) {
        case Instruction::Kind::character: waiting_.push_back(at); break;
        case Instruction::Kind::split:
          open.push_back(instruction.second);
          open.push_back(instruction.first);
          break;
        case Instruction::Kind::jump: open.push_back(instruction.first); break;
        case Instruction::Kind::text_begin:
          if (at_begin) open.push_back(at + 1);
          break;
        case Instruction::Kind::text_end:
          if (at_end) open.push_back(at + 1);
          break;
        case Instruction::Kind::match: matched_ = true; break;
      }
    }
  }

  [[nodiscard]] const std::vector<std::size_t>& waiting() const { return waiting_; }
  [[nodiscard]] bool matched() const { return matched_; }

 private:
  const RegexProgram& program_;
  std::vector<bool> present_;
  std::vector<std::size_t> waiting_;
  bool matched_ = false;
};

}  // namespace

IRegexp::IRegexp(std::unique_ptr<const RegexProgram> program) : program_(std::move(program)) {}
IRegexp::~IRegexp() = default;

std::shared_ptr<const IRegexp> IRegexp::compile(std::string_view pattern) {
  auto program = RegexCompiler(pattern).compile();
  return program == nullptr ? nullptr : std::make_shared<const IRegexp>(std::move(program));
}

bool IRegexp::matches(std::string_view text) const { return run(text, true); }
bool IRegexp::is_found_in(std::string_view text) const { return run(text, false); }
std::size_t IRegexp::size() const { return program_->code.size(); }

bool IRegexp::run(std::string_view text, bool anchored) const {
  const std::u32string points = to_code_points(text);
  Threads here(*program_);
  Threads there(*program_);
  Threads* current = &here;
  Threads* next = &there;
  for (std::size_t at = 0;; ++at) {
    const bool at_end = at == points.size();
    if (at == 0 || !anchored) current->add(0, at == 0, at_end);
    if (current->matched() && (!anchored || at_end)) return true;
    if (at_end || (anchored && current->waiting().empty())) return false;
    for (const std::size_t thread : current->waiting()) {
      if (program_->sets[program_->code[thread].set].contains(points[at])) {
        next->add(thread + 1, false, at + 1 == points.size());
      }
    }
    std::swap(current, next);
    next->clear();
  }
}

}  // namespace orchestrator::language
