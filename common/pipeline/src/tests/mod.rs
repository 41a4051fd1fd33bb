//! What the pipeline does with whole stories of a small fabric, undisturbed and disturbed.

mod apart;
mod apart_told;
mod disturbed;
mod doubles;
mod drift;

mod fabric;
mod one_at_a_time;
mod router;
mod stories;
