#pragma once

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/runtime/requests.hpp"
#include "orchestrator/store/queries.hpp"

/// Requests to a shard's owner and its answers as JSON, for inbox rows and for calls between nodes. Both ends are nodes
/// of one installation; readers throw Json::exception on anything else.
namespace orchestrator::runtime {

/// How nodes ask whether something could be done, with the request for doing it. Names of their own: a node that does
/// not know them refuses, where it would have done what it was only asked about.
inline constexpr const char* kRehearseCancel = "rehearse_cancel";
inline constexpr const char* kRehearseRetry = "rehearse_retry";
inline constexpr const char* kRehearseSteer = "rehearse_steer";

Json to_json(const StartRequest& request);
Json to_json(const SignalRequest& request);
Json to_json(const RedirectRequest& request);
RedirectRequest redirect_request_from(const Json& object);
Json to_json(const CancelRequest& request);
Json to_json(const RetryRequest& request);
// steering_json.cpp
Json to_json(const SteerRequest& request);
SteerRequest steer_request_from(const Json& object);
Json to_json(const SteerAnswer& answer);
SteerAnswer steer_answer_from(const Json& object);

Json to_json(const GateRequest& request);
Json to_json(const GateClose& request);
Json to_json(const StartAnswer& answer);
Json to_json(const CancelAnswer& answer);
Json to_json(const SignalAnswer& answer);
Json to_json(const GateAnswer& answer);
Json to_json(const store::RunView& view);
Json to_json(const Error& error);

StartRequest start_request_from(const Json& object);
SignalRequest signal_request_from(const Json& object);
CancelRequest cancel_request_from(const Json& object);
RetryRequest retry_request_from(const Json& object);
GateRequest gate_request_from(const Json& object);
GateClose gate_close_from(const Json& object);
StartAnswer start_answer_from(const Json& object);
CancelAnswer cancel_answer_from(const Json& object);
SignalAnswer signal_answer_from(const Json& object);
GateAnswer gate_answer_from(const Json& object);
store::RunView run_view_from(const Json& object);
Error error_from(const Json& object);

}  // namespace orchestrator::runtime
