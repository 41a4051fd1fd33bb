//! Why a file is no model that can be taken over, by the field that says so.

/// Why a file is no model that can be taken over.
#[derive(Debug, thiserror::Error)]
pub enum XgboostError {
    /// Another form of file.
    #[error(
        "the file is {found}: expected a model that xgboost's save_model wrote as .json or .ubj; load it with the \
         xgboost that wrote it and save it so"
    )]
    Form {
        /// What it looks like.
        found: &'static str,
    },
    /// Not the document, or not at this place.
    #[error("the {form} document cannot be read at {field}")]
    Document {
        /// JSON or UBJSON.
        form: &'static str,
        /// The way from the top, as `learner.objective.name`.
        field: String,
        /// What the decoder said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A field holds what our form cannot.
    #[error("{field} is {found}: expected {expected}")]
    Field {
        /// The way from the top, as `learner.gradient_booster.model.trees[3].split_indices[7]`.
        field: String,
        /// What is there.
        found: String,
        /// What may be there.
        expected: String,
    },
}

impl XgboostError {
    /// A field that holds what it may not.
    pub(super) fn field(
        field: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        XgboostError::Field { field: field.into(), found: found.into(), expected: expected.into() }
    }
}
