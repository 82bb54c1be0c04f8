#include "tests/simulation/flows.hpp"

namespace orchestrator::testing {

const std::vector<SimulatedFlow>& simulated_flows() {
  static const std::vector<SimulatedFlow> flows{
      {"order", R"json({"StartAt": "Reserve", "States": {
        "Reserve": {"Type": "Task", "Resource": "handler:plain", "ResultPath": null, "Next": "Pause"},
        "Pause": {"Type": "Wait", "Seconds": 3, "Next": "Paid"},
        "Paid": {"Type": "Task", "Resource": "signal:paid", "Parameters": {"key.$": "$.key"}, "ResultPath": "$.paid",
          "Next": "Book"},
        "Book": {"Type": "Task", "Resource": "handler:booked", "ResultPath": null, "Next": "Ship"},
        "Ship": {"Type": "Task", "Resource": "workflow:shipment", "ResultPath": "$.shipment", "Next": "Thank"},
        "Thank": {"Type": "Task", "Resource": "handler:plain", "ResultPath": null, "End": true}
      }})json"},
      {"shipment", R"json({"StartAt": "Pack", "States": {
        "Pack": {"Type": "Task", "Resource": "handler:plain", "ResultPath": null, "Next": "Travel"},
        "Travel": {"Type": "Wait", "Seconds": 2, "Next": "Book"},
        "Book": {"Type": "Task", "Resource": "handler:booked", "ResultPath": null, "End": true}
      }})json"},
      {"sleeper", R"json({"StartAt": "Sleep", "States": {
        "Sleep": {"Type": "Wait", "Seconds": 23, "Next": "Wake"},
        "Wake": {"Type": "Task", "Resource": "handler:plain", "ResultPath": null, "End": true}
      }})json"},
      {"race", R"json({"StartAt": "First", "States": {
        "First": {"Type": "Task", "Resource": "signal:go", "Parameters": {"key.$": "$.key"}, "TimeoutSeconds": 3,
          "ResultPath": "$.first", "Next": "Second",
          "Catch": [{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.late", "Next": "Second"}]},
        "Second": {"Type": "Task", "Resource": "signal:go|stop", "Parameters": {"key.$": "$.key"},
          "ResultPath": "$.second", "Next": "Which"},
        "Which": {"Type": "Choice", "Default": "Second",
          "Choices": [{"Variable": "$.second.name", "StringEquals": "stop", "Next": "Done"}]},
        "Done": {"Type": "Succeed"}
      }})json"},
      {"loop", R"json({"StartAt": "Begin", "States": {
        "Begin": {"Type": "Pass", "Parameters": {"turn": 1, "key.$": "$.key"}, "Next": "Work"},
        "Work": {"Type": "Task", "Resource": "handler:plain", "Parameters": {"turn.$": "$.turn"}, "ResultPath": null,
          "Next": "Rest"},
        "Rest": {"Type": "Wait", "Seconds": 1, "Next": "Book"},
        "Book": {"Type": "Task", "Resource": "handler:booked", "Parameters": {"turn.$": "$.turn"}, "ResultPath": null,
          "Next": "Count"},
        "Count": {"Type": "Pass", "Parameters": {"turn.$": "States.MathAdd($.turn, 1)", "key.$": "$.key"},
          "Next": "More"},
        "More": {"Type": "Choice", "Default": "Done",
          "Choices": [{"Variable": "$.turn", "NumericLessThan": 10, "Next": "Work"}]},
        "Done": {"Type": "Succeed"}
      }})json"},
      {"flaky", R"json({"StartAt": "Try", "States": {
        "Try": {"Type": "Task", "Resource": "handler:flaky", "ResultPath": null, "Next": "Wait",
          "Retry": [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "BackoffRate": 1.5, "MaxAttempts": 2}],
          "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.why", "Next": "Repair"}]},
        "Wait": {"Type": "Task", "Resource": "handler:slow", "TimeoutSeconds": 2, "ResultPath": null, "Next": "Thank",
          "Retry": [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 5}],
          "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.why", "Next": "Repair"}]},
        "Repair": {"Type": "Task", "Resource": "handler:plain", "Parameters": {"key.$": "$.key"}, "ResultPath": null,
          "Next": "Thank"},
        "Thank": {"Type": "Task", "Resource": "handler:plain", "Parameters": {"key.$": "$.key"}, "ResultPath": null,
          "End": true}
      }})json"},
      {"stubborn", R"json({"StartAt": "Insist", "States": {
        "Insist": {"Type": "Task", "Resource": "handler:stubborn", "ResultPath": null, "End": true,
          "Retry": [{"ErrorEquals": ["Stubborn"], "IntervalSeconds": 1, "BackoffRate": 1.0, "MaxAttempts": 12}]}
      }})json"},
      {"payment", R"json({"StartAt": "Charge", "States": {
        "Charge": {"Type": "Task", "Resource": "handler:charge", "Parameters": {"key.$": "$.key"}, "ResultPath": null,
          "Inquire": {"Resource": "handler:charge.ask", "Parameters": {"key.$": "$.input.key"}},
          "Retry": [{"ErrorEquals": ["Card.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 8}],
          "Next": "Thank"},
        "Thank": {"Type": "Task", "Resource": "handler:plain", "ResultPath": null, "End": true}
      }})json"},
      {"family", R"json({"StartAt": "Both", "States": {
        "Both": {"Type": "Parallel", "ResultPath": null, "Next": "Each", "Branches": [
          {"StartAt": "Ship", "States": {
            "Ship": {"Type": "Task", "Resource": "workflow:shipment", "End": true}}},
          {"StartAt": "Sleep", "States": {
            "Sleep": {"Type": "Wait", "Seconds": 1, "Next": "Left"},
            "Left": {"Type": "Task", "Resource": "handler:plain", "ResultPath": null, "End": true}}},
          {"StartAt": "Right", "States": {
            "Right": {"Type": "Task", "Resource": "handler:plain", "ResultPath": null, "Next": "Charge"},
            "Charge": {"Type": "Task", "Resource": "handler:charge", "Parameters": {"branch": true, "key.$": "$.key"},
              "Inquire": {"Resource": "handler:charge.ask", "Parameters": {"key.$": "$.input.key"}},
              "Retry": [{"ErrorEquals": ["Card.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 8}], "End": true}}}]},
        "Each": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "ResultPath": null, "End": true,
          "ItemSelector": {"item.$": "$$.Map.Item.Value"},
          "ItemProcessor": {"StartAt": "Item", "States": {
            "Item": {"Type": "Task", "Resource": "handler:flaky", "ResultPath": null, "End": true,
              "Retry": [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "MaxAttempts": 12}]}}}}
      }})json"},
      {"guardian", R"json({"StartAt": "Guard", "States": {
        "Guard": {"Type": "Task", "Resource": "workflow:ward", "End": true}
      }})json"},
      {"ward", R"json({"StartAt": "Begin", "States": {
        "Begin": {"Type": "Task", "Resource": "handler:plain", "ResultPath": null, "Next": "Stay"},
        "Stay": {"Type": "Task", "Resource": "signal:never", "Parameters": {"key.$": "$.key"}, "End": true}
      }})json"},
      {"greeted", R"json({"StartAt": "Hello", "States": {
        "Hello": {"Type": "Task", "Resource": "signal:hello", "Parameters": {"key.$": "$.key"}, "ResultPath": null,
          "Next": "Thank"},
        "Thank": {"Type": "Task", "Resource": "handler:plain", "ResultPath": null, "End": true}
      }})json"},
      {"gathering", R"json({"StartAt": "Wait", "States": {
        "Wait": {"Type": "Task", "Resource": "signal:bell", "Parameters": {"key": "tower"}, "TimeoutSeconds": 20,
          "ResultPath": null, "Next": "Again", "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Done"}]},
        "Again": {"Type": "Task", "Resource": "signal:bell", "Parameters": {"key": "tower"}, "TimeoutSeconds": 20,
          "ResultPath": null, "Next": "Done", "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Done"}]},
        "Done": {"Type": "Succeed"}
      }})json"},
      {"errand", R"json({"StartAt": "Errand", "States": {
        "Errand": {"Type": "Task", "Resource": "handler:errand?queue=remote", "ResultPath": "$.done", "Next": "Thank",
          "Retry": [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 12}]},
        "Thank": {"Type": "Task", "Resource": "handler:plain", "ResultPath": null, "End": true}
      }})json"},
      {"narrow", R"json({"StartAt": "Three", "States": {
        "Three": {"Type": "Parallel", "ResultPath": null, "End": true, "Branches": [
          {"StartAt": "One", "States": {
            "One": {"Type": "Task", "Resource": "handler:narrow?queue=narrow", "End": true}}},
          {"StartAt": "Two", "States": {
            "Two": {"Type": "Task", "Resource": "handler:narrow?queue=narrow", "End": true}}},
          {"StartAt": "Third", "States": {
            "Third": {"Type": "Task", "Resource": "handler:narrow?queue=narrow", "End": true}}}]}
      }})json"},
      {"poison", R"json({"StartAt": "Kill", "States": {
        "Kill": {"Type": "Task", "Resource": "handler:killer", "ResultPath": null, "End": true}
      }})json"},
  };
  return flows;
}

}  // namespace orchestrator::testing
