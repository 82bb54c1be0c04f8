#include "orchestrator/store/postgres/event_feed.hpp"

#include <charconv>
#include <string_view>

#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

/// The next of some words with one space between them; `rest` keeps what follows it.
std::string_view next_word(std::string_view& rest) {
  const auto space = rest.find(' ');
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  return word;
}

template <typename Number>
Number number_of(std::string_view text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Result<FeedBatch> read_batch(RowReader& reader) {
  FeedBatch batch;
  batch.number = number_of<std::uint64_t>(reader.text());
  const std::string run_ids = reader.text();
  const std::string seqs = reader.text();
  std::string_view ids_left = run_ids;
  std::string_view seqs_left = seqs;
  while (!ids_left.empty()) {
    auto run_id = RunId::parse(next_word(ids_left));
    if (!run_id) return std::move(run_id).error();
    batch.entries.push_back({.run_id = *run_id, .seq = number_of<EventId>(next_word(seqs_left))});
  }
  return batch;
}

}  // namespace

Result<FeedPlace> keep_feed_open(Session& session, std::chrono::seconds length) {
  return session.run<FeedPlace>(Mode::transaction, [&](Transaction& transaction) -> Result<FeedPlace> {
    Parameters parameters;
    parameters.integer(length.count());
    RowReader reader(transaction.execute("keep_event_feed_open", std::move(parameters)).at(0));
    FeedPlace place;
    place.place = reader.text();
    place.is_ready = reader.boolean();
    return place;
  });
}

Result<FeedPage> read_feed(Session& session, const FeedRead& read) {
  return session.run<FeedPage>(Mode::read, [&](Transaction& transaction) -> Result<FeedPage> {
    Parameters parameters;
    parameters.text(read.after).text(read.until).text(std::to_string(read.from_batch)).integer(read.limit);
    FeedPage page;
    for (const auto& row : transaction.execute("read_event_feed", std::move(parameters))) {
      RowReader reader(row);
      page.until = reader.text();
      if (reader.next_is_null()) break;
      auto batch = read_batch(reader);
      if (!batch) return std::move(batch).error();
      page.batches.push_back(*std::move(batch));
    }
    page.has_more = page.batches.size() == static_cast<std::size_t>(read.limit);

    // After the batches: what is missing by now may have been missing then.
    Parameters place;
    place.text(read.after);
    if (!RowReader(transaction.execute("is_event_feed_complete", std::move(place)).at(0)).boolean()) {
      return fail(ErrorCode::precondition_failed, kFeedGap, "events since then are not kept any more");
    }
    return page;
  });
}

void prune_event_feed(Transaction& transaction) { transaction.execute("prune_event_feed"); }

}  // namespace orchestrator::store::postgres
