//! What the pipeline does with whole stories of a small fabric, undisturbed and disturbed.

mod disturbed;
mod doubles;
mod fabric;
mod stories;
