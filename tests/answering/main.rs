//! Those who answer from outside the process: the real clients against stand-ins and real services, and the router over them.
//!
//! One program of tests, because each would be linked with all of the SDK on its own.

mod backends;
mod by_http;
mod routing;
