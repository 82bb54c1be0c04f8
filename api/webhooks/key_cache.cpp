#include "api/webhooks/key_cache.hpp"

#include <algorithm>

#include "api/limits.hpp"

namespace orchestrator::api::webhooks {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kPayPalDomain = "paypal.com";

}  // namespace

struct KeyCache::Body : std::enable_shared_from_this<KeyCache::Body> {
  struct Entry {
    std::shared_ptr<const std::string> document;  ///< null until the first one came
    Clock::time_point fetched;
    std::optional<Clock::time_point> asked;  ///< the last time
    Clock::time_point used;
    bool is_fetching = false;
  };

  explicit Body(KeySource source_) : source(std::move(source_)) {}

  /// Whether another fetch makes sense now.
  static bool is_wanted(const Entry& entry, const KeyNeed& need, Clock::time_point now) {
    const auto gap = entry.document ? kKeyFetchGap : kFirstKeyFetchGap;
    if (entry.is_fetching || (entry.asked && now < *entry.asked + gap)) return false;
    if (!entry.document || now >= entry.fetched + kKeyFreshness) return true;
    return !need.key_id.empty() && entry.document->find('"' + need.key_id + '"') == std::string::npos;
  }

  std::shared_ptr<const std::string> find(const KeyNeed& need) {
    std::shared_ptr<const std::string> document;
    {
      const telemetry::MutexLock lock(mutex);
      const auto now = Clock::now();
      if (!entries.contains(need.url)) make_room();
      if (!entries.contains(need.url) && entries.size() >= kMaxKeyDocuments) return nullptr;
      Entry& entry = entries[need.url];
      entry.used = now;
      if (now < entry.fetched + kKeyLife) document = entry.document;
      if (!source.fetch || fetching >= kMaxKeyFetches || !is_wanted(entry, need, now)) return document;
      entry.is_fetching = true;
      entry.asked = now;
      ++fetching;
    }
    source.fetch(need.url,
                 [self = shared_from_this(), need](const Result<std::string>& text) { self->keep(need, text); });
    return document;
  }

  void keep(const KeyNeed& need, const Result<std::string>& text) {
    std::optional<std::string> usable =
        text && text->size() <= kMaxKeyDocumentBytes ? checked(need, *text) : std::nullopt;
    const telemetry::MutexLock lock(mutex);
    --fetching;
    Entry& entry = entries[need.url];
    entry.is_fetching = false;
    if (!usable) return;
    entry.document = std::make_shared<const std::string>(*std::move(usable));
    entry.fetched = Clock::now();
  }

  /// What verifiers use; nothing for a certificate that nobody vouches for.
  std::optional<std::string> checked(const KeyNeed& need, const std::string& text) {
    if (need.form == KeyNeed::Form::key_set) return text;
    const auto trusted = digest::CertificateAuthorities::load(source.authorities_file);
    if (!trusted) return std::nullopt;
    const auto key = trusted->key_of(text, kPayPalDomain, source.now());
    return key ? std::optional(key->pem()) : std::nullopt;
  }

  /// The one that nobody used for longest goes: anybody can name addresses in a header.
  void make_room() ORC_REQUIRES(mutex) {
    if (entries.size() < kMaxKeyDocuments) return;
    auto oldest = entries.end();
    for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
      if (entry->second.is_fetching) continue;
      if (oldest == entries.end() || entry->second.used < oldest->second.used) oldest = entry;
    }
    if (oldest != entries.end()) entries.erase(oldest);
  }

  const KeySource source;
  telemetry::Mutex mutex;
  std::map<std::string, Entry> entries ORC_GUARDED_BY(mutex);
  std::size_t fetching ORC_GUARDED_BY(mutex) = 0;
};

KeyCache::KeyCache(KeySource source) : body_(std::make_shared<Body>(std::move(source))) {}
KeyCache::~KeyCache() = default;

std::shared_ptr<const std::string> KeyCache::find(const KeyNeed& need) { return body_->find(need); }

}  // namespace orchestrator::api::webhooks
