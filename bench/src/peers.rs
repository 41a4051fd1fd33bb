//! Peers that are C libraries, called by their own C interface so that no binding's cost flatters us.

pub(crate) mod onnxruntime;
pub(crate) mod xgboost;
