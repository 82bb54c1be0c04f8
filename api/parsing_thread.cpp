#include "api/parsing_thread.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace orchestrator::api {

struct ParsingThread::Body {
  boost::asio::thread_pool pool{1};
};

ParsingThread::ParsingThread() : body_(std::make_unique<Body>()) {}

ParsingThread::~ParsingThread() { body_->pool.join(); }

void ParsingThread::run(std::function<void()> work) { boost::asio::post(body_->pool, std::move(work)); }

}  // namespace orchestrator::api
