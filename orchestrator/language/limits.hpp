#pragma once

#include <cstddef>

/// Every bound of the language in one place; docs/operations/limits.md lists them.
namespace orchestrator::language {

/// Length of one JSONPath or one intrinsic call as written, in bytes.
inline constexpr std::size_t kMaxExpressionBytes = 16'384;
/// How deep parentheses, filters and function calls may nest inside one JSONPath.
inline constexpr int kMaxPathNesting = 64;
/// Nodes that one evaluation of a JSONPath may visit; `$..*..*` grows with a power of the document's size.
inline constexpr std::size_t kMaxVisitedNodes = 5'000'000;
/// Nodes that one JSONPath may select.
inline constexpr std::size_t kMaxSelectedNodes = 1'000'000;
/// Instructions of one compiled regular expression; counted repeats are unrolled.
inline constexpr std::size_t kMaxRegexInstructions = 20'000;
/// Intrinsic calls inside one another. Source: Amazon States Language, intrinsic functions.
inline constexpr int kMaxIntrinsicNesting = 10;
/// Elements that States.ArrayRange may make. Source: AWS Step Functions developer guide.
inline constexpr std::size_t kMaxRangeElements = 1'000;
/// Input of Base64Encode, Base64Decode and Hash, in characters. Source: AWS Step Functions developer guide.
inline constexpr std::size_t kMaxIntrinsicTextCharacters = 10'000;
/// What one States.Format may produce, in bytes.
inline constexpr std::size_t kMaxFormattedBytes = 1'048'576;
/// Characters of a state's name and of a variable's name. Source: Amazon States Language.
inline constexpr std::size_t kMaxStateNameCharacters = 80;
inline constexpr std::size_t kMaxVariableNameCharacters = 80;
/// States of one definition, all its branches together.
inline constexpr std::size_t kMaxStates = 10'000;
/// Names that one signal or decision step may wait for.
inline constexpr std::size_t kMaxAwaitedNames = 32;
/// Entries of `Attributes`. Source: the HTTP contract.
inline constexpr std::size_t kMaxAttributes = 32;
/// Findings that one validation reports; a definition with more is told so by the last one.
inline constexpr std::size_t kMaxDiagnostics = 1'000;
/// Seconds in TimeoutSeconds, HeartbeatSeconds, Wait and IntervalSeconds; also MaxAttempts.
/// Source: AWS Step Functions developer guide.
inline constexpr long long kMaxSeconds = 99'999'999;
/// MaxDelaySeconds stays below this. Source: Amazon States Language.
inline constexpr long long kMaxDelaySecondsBound = 31'622'400;

}  // namespace orchestrator::language
