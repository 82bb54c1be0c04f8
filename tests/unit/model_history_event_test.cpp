#include "orchestrator/model/history_event.hpp"

#include <gtest/gtest.h>

#include "orchestrator/base/json.hpp"

namespace orchestrator {
namespace {

const Timestamp kNow = from_micros(1'767'225'600'000'000);

HistoryEvent event_of(EventId id, EventType type) {
  HistoryEvent event;
  event.id = id;
  event.previous = id - 1;
  event.at = kNow;
  event.type = type;
  return event;
}

TEST(HistoryEventCodec, WritesOnlyWhatDiffersFromTheRule) {
  std::vector<HistoryEvent> events{event_of(7, EventType::TaskSucceeded), event_of(8, EventType::TaskStateExited),
                                   event_of(9, EventType::TaskStateEntered)};
  events[2].state_name = "B";

  EXPECT_EQ(encode_events(events),
            R"([{"e":"TaskSucceeded"},{"e":"TaskStateExited"},{"e":"TaskStateEntered","s":"B"}])");
}

TEST(HistoryEventCodec, ReadsBackEveryMember) {
  std::vector<HistoryEvent> events{event_of(7, EventType::TaskStarted), event_of(8, EventType::TaskFailed)};
  HistoryEvent& failed = events[1];
  failed.previous = 3;
  failed.at += Duration{1500};
  failed.scope = 12;
  failed.state_name = "caf\xC3\xA9 \"x\"\n";
  failed.value = make_payload(nullptr);
  failed.error = "";
  failed.cause = "line\nbreak";
  failed.details = make_payload({{"retry_at", 5}});

  const auto decoded = decode_events(encode_events(events), 7, kNow);

  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->size(), 2U);
  const HistoryEvent& read = decoded->at(1);
  EXPECT_EQ(decoded->at(0).at, kNow);
  EXPECT_EQ(read.id, 8);
  EXPECT_EQ(read.previous, 3);
  EXPECT_EQ(read.at, failed.at);
  EXPECT_EQ(read.scope, 12);
  EXPECT_EQ(read.state_name, failed.state_name);
  ASSERT_TRUE(read.value);
  EXPECT_TRUE(read.value->is_null());
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.cause, "line\nbreak");
  EXPECT_EQ(*read.details, *failed.details);
}

TEST(HistoryEventCodec, TellsAbsentFromJsonNull) {
  const auto decoded = decode_events(R"([{"e":"TaskSucceeded","v":null},{"e":"TaskStateExited"}])", 1, kNow);

  ASSERT_TRUE(decoded);
  EXPECT_NE(decoded->at(0).value, nullptr);
  EXPECT_EQ(decoded->at(1).value, nullptr);
  EXPECT_EQ(decoded->at(1).error, std::nullopt);
}

TEST(HistoryEventCodec, KeepsIntegersExactAndDeepValuesReadable) {
  HistoryEvent event = event_of(1, EventType::TaskSucceeded);
  Json deep = Json(9'007'199'254'740'993);
  for (int i = 0; i < kMaxJsonDepth; ++i) deep = Json::array({deep});
  event.value = make_payload(deep);

  const auto decoded = decode_events(encode_events({event}), 1, kNow);

  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded->at(0).value, deep);
}

TEST(HistoryEventCodec, RefusesWhatIsNoRow) {
  for (const char* text : {"", "{}", "[1]", "[{}]", R"([{"e":"Nothing"}])", R"([{"e":"TaskStarted","x":"1"}])",
                           R"([{"e":"TaskStarted","s":1}])", R"([{"e":"TaskStarted","zz":1}])",
                           R"([{"e":"TaskStarted","d":1}])", R"([{"e":"TaskStarted"})", R"([{"e":7}])"}) {
    EXPECT_FALSE(decode_events(text, 1, kNow)) << text;
  }
}

TEST(HistoryEventType, EveryNameReadsBack) {
#define ORC_EXPECT_NAME(name) EXPECT_EQ(parse_event_type(to_string(EventType::name)), EventType::name);
  ORC_EVENT_TYPES(ORC_EXPECT_NAME)
#undef ORC_EXPECT_NAME
  EXPECT_EQ(parse_event_type("Nothing"), std::nullopt);
}

}  // namespace
}  // namespace orchestrator
