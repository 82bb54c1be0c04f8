#include "orchestrator/store/postgres/sqlstate.hpp"

#include <exception>
#include <pqxx/except>

#include "orchestrator/base/public_detail.hpp"

namespace orchestrator::store::postgres {
namespace {

std::string first_line(std::string_view message) {
  std::string line(message.substr(0, message.find('\n')));
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

/// Callers of the API read this; what the driver says may name hosts, sockets and roles.
constexpr const char* kTryAgain = "the database does not answer right now; try again";

Error busy(std::string message) {
  return Error(ErrorCode::unavailable, std::move(message)).with(kPublicDetail, kTryAgain);
}

Error in_doubt(std::string message) {
  return Error(ErrorCode::outcome_unknown, std::move(message)).with(kPublicDetail, kTryAgain);
}

Error broken(std::string message) {
  return Error(ErrorCode::internal, std::move(message)).with(kPublicDetail, "the server failed; its log says why");
}

Failure lost(std::string_view message) {
  return {busy("the database connection was lost: " + first_line(message)), true, false};
}

Failure repeat(std::string_view message) {
  return {busy("the database asked to repeat the transaction: " + first_line(message)), false, true};
}

}  // namespace

Failure failure_of_sqlstate(std::string_view sqlstate, std::string_view message) {
  const std::string text = first_line(message) + " (SQLSTATE " + std::string(sqlstate) + ")";
  const std::string_view state_class = sqlstate.substr(0, 2);
  // Connection exceptions; shutdown, crash and start-up of the server; a session that was ended for idling in a
  // transaction; a server that became read-only, which is a fail-over seen from the old primary.
  if (state_class == "08" || sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03" || sqlstate == "57P05" ||
      sqlstate == "25P03" || sqlstate == "25006") {
    return lost(text);
  }
  if (sqlstate == "40001" || sqlstate == "40P01") return repeat(text);
  // Data and integrity: the rows themselves are at fault.
  if (state_class == "22" || state_class == "23") {
    return {Error(ErrorCode::invalid_argument, text)
                .with("sqlstate", std::string(sqlstate))
                .with(kPublicDetail, "the database cannot hold one of the values")};
  }
  // Out of connections, memory or disk; a lock or statement that took too long; a transaction that was broken earlier.
  if (state_class == "53" || state_class == "55" || state_class == "57" || state_class == "40") {
    return {busy(text).with("sqlstate", std::string(sqlstate))};
  }
  // No such schema, table, column or function.
  if (sqlstate == "3F000" || sqlstate == "42P01" || sqlstate == "42703" || sqlstate == "42883") {
    return {Error(ErrorCode::precondition_failed, "the database lacks migrations: " + text)
                .with(kPublicDetail, "the database lacks migrations")};
  }
  return {broken(text).with("sqlstate", std::string(sqlstate))};
}

Failure failure_of_current_exception() {
  try {
    throw;
  } catch (const pqxx::in_doubt_error& e) {
    return {in_doubt("the connection was lost during commit: " + first_line(e.what())), true, false};
  } catch (const pqxx::broken_connection& e) {
    return lost(e.what());
  } catch (const pqxx::serialization_failure& e) {
    return repeat(e.what());
  } catch (const pqxx::deadlock_detected& e) {
    return repeat(e.what());
  } catch (const pqxx::statement_completion_unknown& e) {
    return {in_doubt(first_line(e.what())), true, false};
  } catch (const pqxx::sql_error& e) {
    return failure_of_sqlstate(e.sqlstate().empty() ? "XX000" : e.sqlstate(), e.what());
  } catch (const std::exception& e) {
    return {broken(std::string("database adapter: ") + first_line(e.what()))};
  }
}

}  // namespace orchestrator::store::postgres
