#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// How PayFast and PhonePe sign, for both directions: the handlers that call them, the sandbox that plays them, and the
/// webhook verifiers. Pure functions; every digest is lower-case hexadecimal.
namespace orchestrator::digest {

/// Names and values of a form, decoded, in the order in which they were written.
using FormFields = std::vector<std::pair<std::string, std::string>>;

/// Splits an `application/x-www-form-urlencoded` body; keeps order, blanks and repeats. A piece without `=` is a name
/// with an empty value; empty pieces are left out.
FormFields parse_form(std::string_view body);

/// The reverse of parse_form, in PayFast's escaping (encoding.hpp, form_urlencode).
std::string format_form(const FormFields& fields);

/// `signature` of the payment form that the payer's browser posts. The fields are put into PayFast's signing order here
/// (names that it does not list follow in the order given); blank values are skipped; the passphrase comes last when
/// it is not blank.
std::string payfast_form_signature(const FormFields& fields, std::string_view passphrase);

/// What a notification's signature covers and what `/eng/query/validate` wants back: the fields as received up to
/// `signature`, blanks kept, escaped anew, without the passphrase.
std::string payfast_itn_parameters(const FormFields& fields);

/// `signature` of a notification (ITN) with these fields.
std::string payfast_itn_signature(const FormFields& fields, std::string_view passphrase);

/// `signature` header of a call to the PayFast API: headers, query and body fields together, sorted by name with the
/// passphrase among them. `signature` and `testing` are not signed.
std::string payfast_api_signature(FormFields fields, std::string_view passphrase);

/// PhonePe v1: a salt key and its number.
struct PhonePeSalt {
  std::string key;
  int index = 1;
};

/// `X-VERIFY` of a v1 request: over the base64 body (empty for a status read), the path without the host's prefix, and
/// the salt.
std::string phonepe_v1_request_verify(std::string_view base64_body, std::string_view path, const PhonePeSalt& salt);

/// `X-VERIFY` of a v1 callback: over the base64 response and the salt, without a path.
std::string phonepe_v1_callback_verify(std::string_view base64_response, const PhonePeSalt& salt);

/// `Authorization` of a v2 webhook. A constant that says nothing about the body.
std::string phonepe_v2_authorization(std::string_view username, std::string_view password);

}  // namespace orchestrator::digest
