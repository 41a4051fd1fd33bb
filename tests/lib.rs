//! Black-box tests of the whole system live beside this file, one file a story.
