#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Everything about a request that could grow, and how far it may. Listed in docs/operations/limits.md.
namespace orchestrator::api {

/// Bodies of all calls but batches; ApiOptions may set others. Source: contract, "Bad input".
inline constexpr std::uint64_t kMaxBodyBytes = 1024ULL * 1024;
/// Bodies of batches.
inline constexpr std::uint64_t kMaxBatchBodyBytes = 64ULL * 1024 * 1024;
/// Request line and header fields together.
inline constexpr std::uint32_t kMaxHeaderBytes = 32 * 1024;
/// Header fields of one request.
inline constexpr std::size_t kMaxHeaderFields = 100;

/// Runs in one batch. Source: contract section 3.
inline constexpr std::size_t kMaxBatchItems = 10'000;
/// Faults that one answer lists; the rest is only counted.
inline constexpr std::size_t kMaxReportedFaults = 100;

/// Calls from this node to one other node, in flight at once.
inline constexpr std::size_t kMaxPeerCalls = 512;
/// Connections to one other node that are kept for the next call.
inline constexpr std::size_t kMaxIdlePeerConnections = 16;

inline constexpr std::int32_t kDefaultPageItems = 50;
inline constexpr std::int32_t kMaxPageItems = 500;
/// Cursors are ours; a longer one cannot be.
inline constexpr std::size_t kMaxCursorBytes = 512;

/// Longest `?wait=`. Source: contract details, "Requests and answers".
inline constexpr std::int32_t kMaxWaitSeconds = 60;

/// Longest `ttl_seconds` of a signal: a year.
inline constexpr std::int64_t kMaxSignalTtlSeconds = 31'536'000;
/// Longest `timeout_seconds` of a run: a hundred years, far below what a 64-bit microsecond count can hold.
inline constexpr std::int64_t kMaxRunTimeoutSeconds = 3'153'600'000;

/// Most attempts of a job.
inline constexpr std::int64_t kMaxJobAttempts = 1'000;
/// Longest `delay_seconds`, `within_seconds` and delay between two attempts of a job: a year.
inline constexpr std::int64_t kMaxJobDelaySeconds = 31'536'000;
/// Steepest backoff.
inline constexpr double kMaxJobRetryFactor = 1'000;
/// Entries of `delays_seconds`.
inline constexpr std::size_t kMaxJobRetryDelays = 100;
/// Longest `timeout_seconds` of one attempt of a job: a day.
inline constexpr std::int64_t kMaxJobTimeoutSeconds = 86'400;
/// Input of one job, as compact text. Source: the payload limit of runs (core/planner.hpp).
inline constexpr std::size_t kMaxJobInputBytes = 1024 * 1024;

/// Searchable attributes of one run.
inline constexpr std::size_t kMaxAttributes = 32;
inline constexpr std::size_t kMaxAttributeNameBytes = 128;
/// Of a text value. Source: attributes are indexed, and an index entry holds about 2 700 bytes.
inline constexpr std::size_t kMaxAttributeBytes = 1024;

/// A key with which somebody signs in on the operator page. Source: an API key has at most 200.
inline constexpr std::size_t kMaxPageKeyBytes = 1024;

/// Bytes of free text such as `reason`.
inline constexpr std::size_t kMaxReasonBytes = 2048;

/// Namespaces and scopes of one API key.
inline constexpr std::size_t kMaxKeyNamespaces = 100;
inline constexpr std::size_t kMaxKeyScopes = 100;
/// Rules about second approvers in one namespace, and names in one of them.
inline constexpr std::size_t kMaxPolicyRules = 100;
inline constexpr std::size_t kMaxPolicyNames = 100;
/// How long a request waits for a second person: a week at most, an hour unless the rule says otherwise.
inline constexpr std::int64_t kMaxApprovalSeconds = 604'800;
inline constexpr std::int64_t kDefaultApprovalSeconds = 3'600;
/// Answers of approved actions that are kept; of longer ones the beginning.
inline constexpr std::size_t kMaxKeptAnswerBytes = 64 * 1024;

/// Name of a state in a body. Source: the States Language allows 80 characters; a path to a nested one is longer.
inline constexpr std::size_t kMaxStateNameBytes = 1024;

/// Tasks of one claim, names of handlers in it. Source: contract details, "Jobs, queues, remote workers".
inline constexpr std::int64_t kMaxClaimTasks = 500;
inline constexpr std::size_t kMaxClaimHandlers = 100;
/// How long a worker keeps a task without a heartbeat.
inline constexpr std::int64_t kMaxTaskLeaseSeconds = 3'600;
inline constexpr std::int64_t kDefaultTaskLeaseSeconds = 30;
/// What a heartbeat leaves for the next attempt: written with each heartbeat.
inline constexpr std::size_t kMaxHeartbeatDetailsBytes = 64 * 1024;
/// Of a failure that a worker reports. Source: the States Language's service allows 256 and 32 768 characters.
inline constexpr std::size_t kMaxErrorNameBytes = 256;
inline constexpr std::size_t kMaxCauseBytes = 32'768;
/// `retry_after_seconds` of a failure, `delay_seconds` of a release.
inline constexpr std::int64_t kMaxRetryAfterSeconds = 86'400;
inline constexpr std::int64_t kMaxSnoozeSeconds = 31'536'000;

/// Larger bodies are read on a thread of their own, so that the I/O threads keep answering. About 4 ms of parsing.
inline constexpr std::size_t kMaxInlineBodyBytes = 256 * 1024;

/// Bodies of webhooks from providers that send long ones. Source: WhatsApp's limit on payloads.
inline constexpr std::uint64_t kMaxHookBodyBytes = 3ULL * 1024 * 1024;
/// Bodies in a list of deliveries; a longer one is read with its delivery.
inline constexpr std::int64_t kMaxListedBodyBytes = 16 * 1024;
/// Endpoints that the API keeps at hand, found or not; how long before it asks again.
inline constexpr std::size_t kMaxKnownEndpoints = 10'000;
inline constexpr std::chrono::milliseconds kEndpointFreshness{1'000};
/// Documents with providers' public keys that are kept, and fetched at once.
inline constexpr std::size_t kMaxKeyDocuments = 100;
inline constexpr std::size_t kMaxKeyFetches = 8;
inline constexpr std::size_t kMaxKeyDocumentBytes = 256 * 1024;
/// After this a document is fetched again; after that it is not used any more. Source: the issuers' own caching rules.
inline constexpr std::chrono::minutes kKeyFreshness{10};
inline constexpr std::chrono::hours kKeyLife{24};
/// Between two fetches of one document, whatever asks for them.
inline constexpr std::chrono::seconds kKeyFetchGap{60};
/// The same while there is no document at all.
inline constexpr std::chrono::seconds kFirstKeyFetchGap{5};

/// Event streams of one process; one more is 429.
inline constexpr std::int64_t kMaxEventStreams = 1'000;
/// Of one stream, text that its reader has not taken.
inline constexpr std::size_t kMaxStreamedBytes = 1024 * 1024;

/// How long clients may take. Steady clock.
struct Deadlines {
  /// From the first byte of a request to the end of its header.
  std::chrono::milliseconds header{10'000};
  /// For the whole body.
  std::chrono::milliseconds body{30'000};
  /// Between two requests of one connection.
  std::chrono::milliseconds idle{60'000};
  /// For an answer to be taken by the client.
  std::chrono::milliseconds write{30'000};
  /// For the engine to answer, the longest `?wait=` included.
  std::chrono::milliseconds answer{90'000};
  /// Between two pieces of a stream; then a comment says that the server is alive.
  std::chrono::milliseconds heartbeat{15'000};
  /// For the client to close after us, so that it can read the last answer.
  std::chrono::milliseconds linger{2'000};
};

}  // namespace orchestrator::api
