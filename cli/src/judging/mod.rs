//! How good the forecasts are: what `linkcast evaluate` measures by.

mod forgetful;

pub(crate) use forgetful::ForgetfulStore;
