#include "orchestrator/store/audit.hpp"

#include <charconv>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"

namespace orchestrator::store {
namespace {

std::string sha256_hex(std::string_view text) { return digest::to_hex(digest::hash(digest::Algorithm::sha256, text)); }

void add_member(std::string& text, std::string_view value) {
  text += std::to_string(value.size());
  text += ':';
  text += value;
  text += ',';
}

void without_zero_bytes(std::string& text) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  for (auto at = text.find('\0'); at != std::string::npos; at = text.find('\0', at)) text.replace(at, 1, kReplacement);
}

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stopped == end && !text.empty();
}

}  // namespace

std::string audit_digest(const Json& what) { return sha256_hex(dump_json(what)); }

std::string audit_hash(const AuditRow& row) {
  std::string text;
  add_member(text, std::to_string(row.chain));
  add_member(text, std::to_string(row.seq));
  add_member(text, to_rfc3339(row.at));
  add_member(text, row.entry.namespace_name);
  add_member(text, row.entry.caller.actor);
  add_member(text, to_string(row.entry.caller.role));
  add_member(text, row.entry.action);
  add_member(text, row.entry.target);
  add_member(text, row.entry.reason);
  add_member(text, row.entry.before_hash);
  add_member(text, row.entry.after_hash);
  add_member(text, row.previous_hash);
  return sha256_hex(text);
}

AuditEntry storable(AuditEntry entry) {
  without_zero_bytes(entry.caller.actor);
  without_zero_bytes(entry.target);
  without_zero_bytes(entry.reason);
  return entry;
}

AuditRow chained(AuditEntry entry, std::int32_t chain, std::int64_t last_seq, const std::string& last_hash,
                 Timestamp now) {
  AuditRow row;
  row.chain = chain;
  row.seq = last_seq + 1;
  row.at = std::chrono::floor<std::chrono::milliseconds>(now);
  row.entry = storable(std::move(entry));
  row.previous_hash = last_hash;
  row.hash = audit_hash(row);
  return row;
}

std::string audit_cursor(const AuditRow& row) {
  return std::to_string(to_micros(row.at)) + "." + std::to_string(row.chain) + "." + std::to_string(row.seq);
}

Result<std::optional<AuditPlace>> parse_audit_cursor(const std::string& text) {
  if (text.empty()) return std::optional<AuditPlace>{};
  const auto first = text.find('.');
  const auto second = text.find('.', first == std::string::npos ? first : first + 1);
  AuditPlace place;
  std::int64_t micros = 0;
  const std::string_view all = text;
  if (second == std::string::npos || !read_number(all.substr(0, first), micros) ||
      !read_number(all.substr(first + 1, second - first - 1), place.chain) ||
      !read_number(all.substr(second + 1), place.seq)) {
    return fail(ErrorCode::invalid_argument, "invalid-parameter", "not a cursor of this list");
  }
  place.at = from_micros(micros);
  return std::optional(place);
}

AuditVerifier::Chain& AuditVerifier::chain_of(std::int32_t chain) {
  const auto [found, is_new] = chains_.try_emplace(chain);
  if (is_new) found->second.end = {chain, 0, std::string(kChainStart)};
  return found->second;
}

void AuditVerifier::expect(const AuditHead& place) {
  if (place.seq > 0) chain_of(place.chain).expected[place.seq] = place.hash;
}

void AuditVerifier::take(const AuditRow& row) {
  ++rows_;
  Chain& chain = chain_of(row.chain);
  if (chain.first) return;
  const auto broken = [&](std::string what) { chain.first = AuditBreak{row.chain, row.seq, std::move(what)}; };
  if (row.seq > chain.end.seq + 1) {
    chain.first = AuditBreak{row.chain, chain.end.seq + 1, "the row is missing"};
    return;
  }
  if (row.seq <= chain.end.seq) return broken("the row is there twice, or out of order");
  if (row.previous_hash != chain.end.hash) return broken("previous_hash is not the hash of the row before");
  if (row.hash != audit_hash(row)) return broken("the row's members do not give its hash");
  if (const auto expected = chain.expected.find(row.seq); expected != chain.expected.end()) {
    if (expected->second != row.hash) return broken("the hash is not the one that was written down for this row");
    chain.expected.erase(expected);
  }
  chain.end.seq = row.seq;
  chain.end.hash = row.hash;
}

std::vector<AuditBreak> AuditVerifier::finish() const {
  std::vector<AuditBreak> breaks;
  for (const auto& [number, chain] : chains_) {
    if (chain.first) {
      breaks.push_back(*chain.first);
    } else if (!chain.expected.empty()) {
      breaks.push_back(
          {number, chain.end.seq + 1,
           "the chain ends before this row, and was known to reach " + std::to_string(chain.expected.rbegin()->first)});
    }
  }
  return breaks;
}

std::vector<AuditHead> AuditVerifier::heads() const {
  std::vector<AuditHead> heads;
  for (const auto& [number, chain] : chains_) {
    if (chain.end.seq > 0) heads.push_back(chain.end);
  }
  return heads;
}

}  // namespace orchestrator::store
