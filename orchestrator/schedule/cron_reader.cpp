// Reading a cron expression, field by field, with a sentence for everything that is wrong in it.
#include <algorithm>
#include <charconv>
#include <span>
#include <string>
#include <vector>

#include "orchestrator/schedule/cron.hpp"

namespace orchestrator::schedule {
namespace {

constexpr std::string_view kMonths[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                        "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::string_view kWeekdays[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

struct Field {
  std::string_view word;
  int least;
  int most;
  std::span<const std::string_view> names = {};  ///< of the values from `least` on

  /// Where `*` and `n/step` end: 7 only means Sunday where somebody writes it.
  [[nodiscard]] int end() const { return most == 7 ? 6 : most; }
};

const Field kSeconds{"second", 0, 59};
const Field kMinutes{"minute", 0, 59};
const Field kHours{"hour", 0, 23};
const Field kDays{"day of month", 1, 31};
const Field kMonthField{"month", 1, 12, kMonths};
/// 7 is Sunday as well.
const Field kWeekdayField{"day of week", 0, 7, kWeekdays};

struct Macro {
  std::string_view name;
  std::string_view expression;
};
constexpr Macro kMacros[] = {{"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
                             {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
                             {"@hourly", "0 * * * *"}};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool equal_words(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return upper(a) == upper(b); });
}

std::vector<std::string_view> split(std::string_view text, auto is_separator) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    if (at < text.size() && !is_separator(text[at])) continue;
    parts.push_back(text.substr(begin, at - begin));
    begin = at + 1;
  }
  return parts;
}

Unexpected refuse(const Field& field, const std::string& why) {
  return fail(ErrorCode::invalid_argument, "invalid-body", "cron: " + std::string(field.word) + " " + why);
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

Result<int> read_number(const Field& field, std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    return refuse(field, quoted(text) + " is not a number");
  }
  return value;
}

/// A number or a name of the field.
Result<int> read_value(const Field& field, std::string_view text) {
  for (std::size_t i = 0; i < field.names.size(); ++i) {
    if (equal_words(field.names[i], text)) return field.least + static_cast<int>(i);
  }
  auto value = read_number(field, text);
  if (!value) return value;
  if (*value < field.least || *value > field.most) {
    return refuse(field, std::string(text) + " is not within " + std::to_string(field.least) + " to " +
                             std::to_string(field.most));
  }
  return value;
}

/// `*`, `n`, `n-m`, each with `/step`; adds the values to `bits`.
Status read_item(const Field& field, std::string_view item, std::uint64_t& bits) {
  int step = 1;
  const auto slash = item.find('/');
  if (slash != std::string_view::npos) {
    auto read = read_number(field, item.substr(slash + 1));
    if (!read) return read.error();
    if (*read < 1 || *read > field.most) return refuse(field, "has the step " + std::to_string(*read));
    step = *read;
  }
  const std::string_view range = item.substr(0, slash);
  int from = field.least;
  int to = field.end();
  if (range != "*") {
    const auto dash = range.find('-');
    auto first = read_value(field, range.substr(0, dash));
    if (!first) return first.error();
    from = *first;
    if (dash != std::string_view::npos) {
      auto last = read_value(field, range.substr(dash + 1));
      if (!last) return last.error();
      to = *last;
      // "FRI-SUN": Sunday ends a week as well as it begins one.
      if (field.names.data() == kWeekdays && to == 0 && from > 0) to = 7;
      if (to < from) return refuse(field, "range " + quoted(range) + " ends before it begins");
    } else if (slash == std::string_view::npos) {
      to = from;
    }
  }
  to = std::max(from, to);
  for (int value = from; value <= to; value += step) bits |= std::uint64_t{1} << value;
  return {};
}

Result<std::uint64_t> read_list(const Field& field, std::string_view text) {
  std::uint64_t bits = 0;
  for (const auto item : split(text, [](char c) { return c == ','; })) {
    if (const Status read = read_item(field, item, bits); !read) return read.error();
  }
  return bits;
}

bool is_star(std::string_view text) { return text == "*" || text == "?" || text == "*/1"; }

}  // namespace

/// Fills a Cron. Only Cron::parse uses it.
class CronReader {
 public:
  Result<Cron> read(std::string_view text) {
    const auto fields = words(text);
    if (fields.size() != 5 && fields.size() != 6) {
      return fail(ErrorCode::invalid_argument, "invalid-body",
                  "cron: 5 fields are expected, or 6 with seconds first, not " + std::to_string(fields.size()));
    }
    std::size_t at = 0;
    if (fields.size() == 6) {
      if (const Status read = plain(kSeconds, fields[at++], cron_.seconds_); !read) return read.error();
    }
    if (const Status read = plain(kMinutes, fields[at++], cron_.minutes_); !read) return read.error();
    cron_.fixed_hours_ = !is_star(fields[at]) && fields[at].find('/') == std::string_view::npos;
    if (const Status read = plain(kHours, fields[at++], cron_.hours_); !read) return read.error();
    if (const Status read = days(fields[at++]); !read) return read.error();
    if (const Status read = plain(kMonthField, fields[at++], cron_.months_); !read) return read.error();
    if (const Status read = weekdays(fields[at]); !read) return read.error();
    return cron_;
  }

 private:
  static std::vector<std::string_view> words(std::string_view text) {
    auto parts = split(text, [](char c) { return c == ' ' || c == '\t'; });
    std::erase_if(parts, [](std::string_view part) { return part.empty(); });
    return parts;
  }

  static Status plain(const Field& field, std::string_view text, std::uint64_t& bits) {
    auto read = read_list(field, text);
    if (!read) return read.error();
    bits = *read;
    return {};
  }

  Status days(std::string_view text) {
    if (is_star(text)) return {};
    cron_.days_restricted_ = true;
    for (const auto item : split(text, [](char c) { return c == ','; })) {
      if (item.empty() || upper(item.front()) != 'L') {
        if (const Status read = read_item(kDays, item, cron_.days_); !read) return read;
        continue;
      }
      int before = 0;
      if (item.size() > 1) {
        auto read = item[1] == '-' ? read_number(kDays, item.substr(2)) : Result<int>(-1);
        if (!read) return read.error();
        if (*read < 0 || *read > 30) return refuse(kDays, quoted(item) + " is neither L nor L-1 to L-30");
        before = *read;
      }
      cron_.days_before_last_ |= std::uint64_t{1} << before;
    }
    return {};
  }

  Status weekdays(std::string_view text) {
    if (is_star(text)) return {};
    cron_.weekdays_restricted_ = true;
    std::uint64_t bits = 0;
    for (const auto item : split(text, [](char c) { return c == ','; })) {
      const auto hash = item.find('#');
      const bool is_last = item.size() > 1 && upper(item.back()) == 'L' && hash == std::string_view::npos;
      if (hash != std::string_view::npos) {
        auto weekday = read_value(kWeekdayField, item.substr(0, hash));
        if (!weekday) return weekday.error();
        auto nth = read_number(kWeekdayField, item.substr(hash + 1));
        if (!nth) return nth.error();
        if (*nth < 1 || *nth > 5) return refuse(kWeekdayField, "has #" + std::to_string(*nth) + ", not #1 to #5");
        cron_.nth_weekdays_[static_cast<std::size_t>(*weekday % 7)] |= static_cast<std::uint8_t>(1U << *nth);
      } else if (is_last) {
        auto weekday = read_value(kWeekdayField, item.substr(0, item.size() - 1));
        if (!weekday) return weekday.error();
        cron_.last_weekdays_ |= std::uint64_t{1} << *weekday % 7;
      } else if (equal_words(item, "L")) {
        return refuse(kWeekdayField, "needs the day before L: 5L is the last Friday");
      } else if (const Status read = read_item(kWeekdayField, item, bits); !read) {
        return read;
      }
    }
    cron_.weekdays_ = (bits | bits >> 7) & 0x7F;
    return {};
  }

  Cron cron_;
};

Result<Cron> Cron::parse(std::string_view text) {
  if (text.size() > kMaxCronBytes) {
    return fail(ErrorCode::invalid_argument, "invalid-body",
                "cron: longer than " + std::to_string(kMaxCronBytes) + " bytes");
  }
  if (!text.empty() && text.front() == '@') {
    const auto* macro = std::find_if(std::begin(kMacros), std::end(kMacros),
                                     [&](const Macro& known) { return equal_words(known.name, text); });
    if (macro == std::end(kMacros)) {
      return fail(ErrorCode::invalid_argument, "invalid-body", "cron: no macro is called " + std::string(text));
    }
    text = macro->expression;
  }
  return CronReader().read(text);
}

}  // namespace orchestrator::schedule
