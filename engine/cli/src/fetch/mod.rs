//! Getting known files from a server: whole, checked, resumed where it broke off.
//!
//! A [`Download`] names its files, with their digests, before anything is asked for; so no byte of a server is trusted.

mod answer;
mod download;
mod fetch_error;
mod fetcher;
mod partial_file;

pub use download::{Download, DownloadFile};
pub(crate) use fetch_error::FetchError;
pub(crate) use fetcher::{Fetcher, Got, Listener, Patience};
